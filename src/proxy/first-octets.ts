// What can be said of a connection by its first octets, before TLS: where a load balancer says that it comes from, and whether
// TLS begins at all. What was looked at goes back into the socket, for whoever reads next.

import type net from 'node:net';
import { type ProxyHeader, readProxyHeader } from '../wire/proxy-header.ts';

/** From where and to where a connection goes. */
export type SocketEnds = Pick<net.Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>;

/** What a PROXY header said: whose ends these are, or what is wrong with it; null while more of it is to come. */
export type HeaderOutcome =
  | { readonly kind: 'ends'; readonly ends: SocketEnds }
  | { readonly kind: 'invalid'; readonly detail: string };

/** Takes a PROXY header off a socket whose octets come in pieces. */
export class HeaderTaker {
  readonly #raw: net.Socket;
  #held: Buffer = Buffer.alloc(0);

  constructor(raw: net.Socket) {
    this.#raw = raw;
  }

  /** Reads what is there; what follows the header stays in the socket. */
  take(): HeaderOutcome | null {
    const bytes: Buffer | null = this.#raw.read();
    if (bytes === null) return null;
    // The header is read with a bound: nobody can make this grow.
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    return this.#outcome(readProxyHeader(this.#held));
  }

  #outcome(header: ProxyHeader): HeaderOutcome | null {
    if (header.kind === 'incomplete') return null;
    if (header.kind === 'invalid') return header;
    const rest = this.#held.subarray(header.length);
    if (rest.length > 0) this.#raw.unshift(rest);
    const { ends } = header;
    if (ends === null) return { kind: 'ends', ends: this.#raw };
    const [{ address: remoteAddress, port: remotePort }, to] = [ends.source, ends.destination];
    return { kind: 'ends', ends: { remoteAddress, remotePort, localAddress: to.address, localPort: to.port } };
  }
}

/** ContentType handshake (RFC 8446 §5.1): how every TLS connection begins. */
const handshakeType = 0x16;

/** Whether what waits in the socket begins as TLS does; there must be something. */
export function beginsWithTls(raw: net.Socket): boolean {
  const bytes: Buffer | null = raw.read();
  if (bytes === null) return true;
  raw.unshift(bytes);
  return bytes[0] === handshakeType;
}
