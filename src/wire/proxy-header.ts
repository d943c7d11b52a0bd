// The PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt §2.2): a header before the first octet of a connection that
// says from where to where it goes. Written for workloads, with who the peer is; read from load balancers, strictly.
// Version 1 (text) is neither written nor read.

import { crc32c } from './crc32c.ts';
import { ipOctets, ipText } from './ip-octets.ts';

/** One end of a connection. */
export interface ProxyEnd {
  /** IP address. */
  readonly address: string;
  readonly port: number;
}

export interface ProxyEnds {
  readonly source: ProxyEnd;
  readonly destination: ProxyEnd;
}

/** A field of the header: its type, and up to 64 KiB. */
export interface ProxyField {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Types that Postern writes; from 0xE0 on they are free for applications (§2.2.7). */
export const proxyFieldTypes = Object.freeze({
  /** The peer's verified SPIFFE ID, ASCII. */
  spiffeId: 0xe0,
  /** The id of the decision, ASCII. */
  decisionId: 0xe1,
});

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const headBytes = 16;
const versionAndProxy = 0x21;
const versionAndLocal = 0x20;
const families = Object.freeze({ unknown: 0x00, tcp4: 0x11, tcp6: 0x21 } as const);
/** Octets after the head: more than any load balancer sends, and a bound for what is kept before TLS begins. */
export const longestProxyBody = 2_048;
const checksumType = 0x03;

/** Writes a header. `ends` null: not known, or not of IP. */
export function encodeProxyHeader(ends: ProxyEnds | null, fields: readonly ProxyField[]): Uint8Array {
  const { family, octets } = ends === null ? { family: families.unknown, octets: [] } : addressOctets(ends);
  const body = [
    ...octets,
    ...fields.flatMap(({ type, value }) => [type, value.length >> 8, value.length & 255, ...value]),
  ];
  return Uint8Array.from([...signature, versionAndProxy, family, body.length >> 8, body.length & 255, ...body]);
}

/** Both ends in one family: where they differ, IPv4 is mapped into IPv6. */
function addressOctets({ source, destination }: ProxyEnds): {
  readonly family: number;
  readonly octets: readonly number[];
} {
  const [from, to] = [ipOctets(source.address), ipOctets(destination.address)];
  if (from === null || to === null) return { family: families.unknown, octets: [] };
  const isIpv4 = from.length === 4 && to.length === 4;
  const addresses = isIpv4 ? [...from, ...to] : [...asIpv6(from), ...asIpv6(to)];
  const ports = [source.port, destination.port].flatMap((port) => [port >> 8, port & 255]);
  return { family: isIpv4 ? families.tcp4 : families.tcp6, octets: [...addresses, ...ports] };
}

function asIpv6(octets: Uint8Array): readonly number[] {
  return octets.length === 16 ? [...octets] : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...octets];
}

/** What the octets so far are. */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly detail: string }
  /** `ends` null: the connection is the load balancer's own (LOCAL), or it does not know. */
  | { readonly kind: 'whole'; readonly length: number; readonly ends: ProxyEnds | null };

const incomplete: ProxyHeader = Object.freeze({ kind: 'incomplete' });

/** Reads a header at the begin of `bytes`; what is not plainly one is refused with the first octet that shows it. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  for (let at = 0; at < Math.min(signature.length, bytes.length); at++) {
    if (bytes[at] !== signature[at]) return invalid('the connection does not begin with a PROXY header of version 2');
  }
  if (bytes.length < headBytes) return incomplete;
  const [command, family] = [bytes[12]!, bytes[13]!];
  const length = (bytes[14]! << 8) | bytes[15]!;
  if (command !== versionAndProxy && command !== versionAndLocal) return invalid('unknown version or command');
  if (length > longestProxyBody) return invalid(`the header is longer than ${longestProxyBody} bytes`);
  if (bytes.length < headBytes + length) return incomplete;
  const header = bytes.subarray(0, headBytes + length);
  if (command === versionAndLocal) return { kind: 'whole', length: header.length, ends: null };
  return readBody(header, family);
}

function readBody(header: Uint8Array, family: number): ProxyHeader {
  const size = addressSize(family);
  if (size === null) return invalid('the family of addresses is neither TCP over IPv4 nor over IPv6');
  const fieldsAt = headBytes + size * 2 + (size === 0 ? 0 : 4);
  const fault = fieldsAt > header.length ? 'the addresses are cut off' : fieldFault(header, fieldsAt);
  if (fault !== null) return invalid(fault);
  const ends = size === 0 ? null : readEnds(header.subarray(headBytes), size);
  return { kind: 'whole', length: header.length, ends };
}

function addressSize(family: number): number | null {
  if (family === families.tcp4) return 4;
  if (family === families.tcp6) return 16;
  return family === families.unknown ? 0 : null;
}

function readEnds(body: Uint8Array, size: number): ProxyEnds {
  const port = (at: number): number => (body[at]! << 8) | body[at + 1]!;
  return {
    source: { address: ipText(body.subarray(0, size)), port: port(size * 2) },
    destination: { address: ipText(body.subarray(size, size * 2)), port: port(size * 2 + 2) },
  };
}

/** Fields must fill the rest to its last octet, and a checksum among them must hold (§2.2.4). */
function fieldFault(header: Uint8Array, from: number): string | null {
  let at = from;
  while (at < header.length) {
    if (at + 3 > header.length) return 'a field is cut off';
    const length = (header[at + 1]! << 8) | header[at + 2]!;
    const next = at + 3 + length;
    if (next > header.length) return 'a field is longer than the header';
    if (header[at] === checksumType && !hasChecksum(header, at + 3, length)) return 'the checksum is wrong';
    at = next;
  }
  return null;
}

function hasChecksum(header: Uint8Array, at: number, length: number): boolean {
  if (length !== 4) return false;
  const blank = Uint8Array.from(header);
  blank.fill(0, at, at + 4);
  const told = new DataView(header.buffer, header.byteOffset + at, 4).getUint32(0);
  return crc32c(blank) === told;
}

function invalid(detail: string): ProxyHeader {
  return { kind: 'invalid', detail };
}
