// Where the Workload API is (SPIFFE_Workload_Endpoint §4): `unix:///path` or `tcp://IP:PORT`, and nothing more.

import { isIP } from 'node:net';
import { PosternError } from '../../errors.ts';
import type { SocketAddress } from '../../lib/socket-address.ts';
import { shown } from '../shown-text.ts';

/** Longest path of a unix socket on Linux, bytes (sockaddr_un). */
const longestPathBytes = 107;

/** @throws PosternError ERR_WORKLOAD_API_ADDRESS */
export function parseAgentAddress(text: string): SocketAddress {
  if (text.startsWith('unix:')) return { kind: 'unix', path: unixPath(text) };
  const match = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (isIP(host) !== (match?.[1] === undefined ? 4 : 6) || !(port >= 1 && port <= 65_535)) throw invalid(text);
  return { kind: 'tcp', host, port };
}

/** `unix:/path`, without the empty authority, says the same (RFC 3986 §3). */
function unixPath(text: string): string {
  const path = text.replace(/^unix:(?:\/\/(?=\/))?/, '');
  const isPlain = /^\/[^/?#\0][^?#\0]*$/.test(path) && !path.includes('%') && !path.endsWith('/');
  if (!isPlain || Buffer.byteLength(path) > longestPathBytes) throw invalid(text);
  return path;
}

function invalid(text: string): PosternError {
  return new PosternError('ERR_WORKLOAD_API_ADDRESS', `${shown(text)} is no address of a Workload API`);
}
