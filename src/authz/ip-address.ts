// IP addresses and CIDR blocks as numbers. IPv4-mapped IPv6 (`::ffff:10.0.0.1`, what a dual-stack socket shows) is IPv4.

/** Eight 16-bit groups of an IPv6 address, or one 32-bit number for IPv4. */
export type IpAddress =
  | { readonly version: 4; readonly bits: number }
  | { readonly version: 6; readonly groups: readonly number[] };

/** All addresses that share the first `prefix` bits with `base`. */
export interface CidrBlock {
  readonly base: IpAddress;
  readonly prefix: number;
  /** As written. */
  readonly text: string;
}

/** Reads an address; undefined if the text is none. Zone ids (`%eth0`) and leading zeros are refused. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > 45) return undefined;
  if (!text.includes(':')) return parseIpv4(text);
  const groups = parseIpv6(text);
  return groups === undefined ? undefined : unmapped(groups);
}

function unmapped(groups: readonly number[]): IpAddress {
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return mapped ? { version: 4, bits: ((groups[6]! << 16) | groups[7]!) >>> 0 } : { version: 6, groups };
}

function parseIpv4(text: string): IpAddress | undefined {
  const bits = ipv4Bits(text);
  return bits === undefined ? undefined : { version: 4, bits };
}

function ipv4Bits(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let bits = 0;
  for (const part of parts) {
    // A leading zero is octal to some readers.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bits = (bits << 8) | Number(part);
  }
  return bits >>> 0;
}

function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : undefined;
  return missing < 1 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (let n = 0; n < parts.length; n++) {
    const part = parts[n]!;
    if (mayEndInIpv4 && n === parts.length - 1 && part.includes('.')) {
      const bits = ipv4Bits(part);
      if (bits === undefined) return undefined;
      groups.push(bits >>> 16, bits & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** One text for one address, whatever its spelling. */
export function canonicalIp(address: IpAddress): string {
  if (address.version === 6) return address.groups.map((group) => group.toString(16)).join(':');
  const { bits } = address;
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
}

/** Reads `10.0.0.0/8` or a lone address; undefined if it is none, or has bits set beyond its prefix. */
export function parseCidr(text: string): CidrBlock | undefined {
  const slash = text.indexOf('/');
  const base = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (base === undefined) return undefined;
  const width = base.version === 4 ? 32 : 128;
  const prefix = slash < 0 ? width : prefixOf(text.slice(slash + 1), text, base);
  if (prefix === undefined || prefix > width) return undefined;
  const block = { base, prefix, text };
  return hasBitsBeyond(block) ? undefined : block;
}

// `::ffff:10.0.0.0/104` is 10.0.0.0/8.
function prefixOf(digits: string, text: string, base: IpAddress): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const written = Number(digits);
  const mapped = base.version === 4 && text.includes(':');
  if (!mapped) return written;
  return written < 96 ? undefined : written - 96;
}

function hasBitsBeyond(block: CidrBlock): boolean {
  const { base, prefix } = block;
  if (base.version === 4) return (base.bits & ~mask(prefix, 32)) !== 0;
  return base.groups.some((group, n) => (group & ~mask(prefix - n * 16, 16) & 0xffff) !== 0);
}

function mask(prefix: number, width: 16 | 32): number {
  if (prefix <= 0) return 0;
  if (prefix >= width) return width === 32 ? 0xffffffff : 0xffff;
  return width === 32 ? (0xffffffff << (32 - prefix)) >>> 0 : (0xffff << (16 - prefix)) & 0xffff;
}

/** True if the block holds the address. */
export function isInBlock(address: IpAddress, block: CidrBlock): boolean {
  const { base, prefix } = block;
  if (address.version === 4) {
    return base.version === 4 && ((address.bits ^ base.bits) & mask(prefix, 32)) === 0;
  }
  if (base.version === 4) return false;
  for (let n = 0; n < 8; n++) {
    if (((address.groups[n]! ^ base.groups[n]!) & mask(prefix - n * 16, 16)) !== 0) return false;
  }
  return true;
}
