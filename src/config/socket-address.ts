// Where to listen and where the workload is, as written: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/app.sock`,
// `http://127.0.0.1:8080`.

import { isIP } from 'node:net';
import type { PosternError } from '../errors.ts';
import { formatAddress, type SocketAddress } from '../lib/socket-address.ts';
import { badValue } from './fields.ts';

/** Longest path of a unix socket on Linux, bytes (unix(7): sun_path is 108 with its NUL). */
const longestSocketPathBytes = 107;

/**
 * An address to listen on. Port 0 asks the system for a free one.
 * @throws PosternError ERR_CONFIG_VALUE
 */
export function parseListenAddress(text: string): SocketAddress {
  if (text.startsWith('unix:')) return parseUnix(text);
  const address = parseHostPort(text, 0);
  if (isIP(address.host) === 0 && address.host !== 'localhost') {
    throw badListen(text, `\`${address.host}\` is not an IP address`);
  }
  return address;
}

/** Where the workload is, and what it speaks there; a unix socket does not say. */
export interface ForwardAddress {
  readonly scheme: 'http' | 'h2c' | 'auto' | 'tcp' | 'unix';
  readonly address: SocketAddress;
}

/**
 * The workload's address: `http://`, `h2c://` or `auto://HOST:PORT` (port 80 if none), `tcp://HOST:PORT` or `unix:/path`.
 * @throws PosternError ERR_CONFIG_VALUE
 */
export function parseForwardAddress(text: string): ForwardAddress {
  if (text.startsWith('unix:')) return Object.freeze({ scheme: 'unix', address: parseUnix(text) });
  const scheme = /^([a-z0-9+]+):\/\//.exec(text)?.[1];
  if (scheme === 'https')
    throw badForward(text, 'asks for TLS, but the workload is spoken to in plain text on this machine');
  if (scheme !== 'http' && scheme !== 'h2c' && scheme !== 'auto' && scheme !== 'tcp')
    throw badForward(text, 'does not say how the workload speaks');
  const authority = text.slice(`${scheme}://`.length).replace(/\/$/, '');
  if (/[/?#@]/.test(authority)) throw badForward(text, 'has more than a host and a port');
  const hasPort = /(:\d+|\])$/.test(authority);
  if (scheme === 'tcp') return Object.freeze({ scheme, address: parseHostPort(authority, 1) });
  return Object.freeze({ scheme, address: parseHostPort(hasPort ? withPort(authority) : `${authority}:80`, 1) });
}

/**
 * Where a peer listens: `HOST:PORT`, a name or an IP address.
 * @throws PosternError ERR_CONFIG_VALUE
 */
export function parsePeerAddress(text: string): { readonly host: string; readonly port: number } {
  const mend = 'write a name or an IP address and a port, such as `orders.internal:8443` or `[fd00::7]:8443`';
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+)):(\d{1,5})$/.exec(text);
  const [, ipv6, name = '', digits] = parts ?? [];
  const port = Number(digits);
  const isHost = ipv6 === undefined ? isPeerName(name) : isIP(ipv6) === 6;
  if (!isHost || !(port >= 1 && port <= 65_535)) throw badValue(`\`${text}\` is not a host with a port`, mend);
  return Object.freeze({ host: ipv6 ?? name.toLowerCase(), port });
}

/** Digits and dots that are no IPv4 address are a typing error: resolvers read `10.1` as 10.0.0.1. */
function isPeerName(name: string): boolean {
  if (isIP(name) !== 0) return true;
  return name.length <= 253 && /[a-z]/i.test(name) && name.split('.').every((label) => /^[^-].{0,62}$/.test(label));
}

/** True for an address that only this machine (or pod) reaches. */
export function isLocal(address: SocketAddress): boolean {
  if (address.kind === 'unix') return true;
  const host = address.host;
  // Only an address can be in 127.0.0.0/8: `127.0.0.1.example.com` is a name that anybody may register.
  return host === 'localhost' || (isIP(host) !== 0 && (host === '::1' || /^(::ffff:)?127\./i.test(host)));
}

/** True where both cannot be bound, or where one reaches the other: the same port on the same or on any address. */
export function isSameSocket(a: SocketAddress, b: SocketAddress): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === b.kind && formatAddress(a) === formatAddress(b);
  if (a.port !== b.port || a.port === 0) return false;
  const hosts = [normalHost(a.host), normalHost(b.host)];
  return hosts[0] === hosts[1] || hosts.includes('any');
}

function normalHost(host: string): string {
  if (host === '0.0.0.0' || /^[0:]+$/.test(host)) return 'any';
  if (host === 'localhost') return '127.0.0.1';
  if (isIP(host) === 6) return new URL(`http://[${host}]`).hostname.replace('[::ffff:7f00:1]', '127.0.0.1');
  return host.toLowerCase();
}

function withPort(authority: string): string {
  return authority.endsWith(']') ? `${authority}:80` : authority;
}

function parseUnix(text: string): SocketAddress {
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  if (!path.startsWith('/') || path.includes('\0') || path.endsWith('/')) {
    throw badValue(`\`${text}\` is not a unix socket`, 'write an absolute path: `unix:/run/postern/app.sock`');
  }
  if (Buffer.byteLength(path) > longestSocketPathBytes) {
    throw badValue(`the socket path \`${path}\` is too long`, `use at most ${longestSocketPathBytes} bytes`);
  }
  return Object.freeze({ kind: 'unix', path });
}

function parseHostPort(text: string, leastPort: number): Extract<SocketAddress, { kind: 'tcp' }> {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host === undefined) throw badListen(text, `\`${text}\` is not an address with a port`);
  if (parts?.[1] !== undefined && isIP(host) !== 6) throw badListen(text, `\`${host}\` is not an IPv6 address`);
  if (!(port >= leastPort && port <= 65_535)) {
    throw badValue(`port \`${port}\` is out of range`, `write a port from ${leastPort} to 65535`);
  }
  return Object.freeze({ kind: 'tcp', host, port });
}

function badListen(text: string, message: string): PosternError {
  const port = /:(\d{1,5})$/.exec(text)?.[1] ?? '8443';
  return badValue(message, `write an IP address and a port, such as \`0.0.0.0:${port}\` or \`[::]:${port}\``);
}

function badForward(text: string, why: string): PosternError {
  return badValue(`\`${text}\` ${why}`, 'write `http://127.0.0.1:PORT`, `tcp://127.0.0.1:PORT` or `unix:/path`');
}
