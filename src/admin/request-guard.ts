// Who may talk to the admin API: programs of this host, not web pages that a browser of this host shows. A page cannot
// choose the Host of a request (DNS rebinding), and cannot send JSON to another origin without asking first (CORS).

import type { IncomingMessage } from 'node:http';
import type { SocketAddress } from '../lib/socket-address.ts';
import { type AdminAnswer, problem } from './admin-http.ts';

/** The Host values that are ours, lower-case. */
export function ownHosts(bound: SocketAddress): ReadonlySet<string> {
  if (bound.kind === 'unix') return new Set(['localhost', 'postern']);
  const host = bound.host.includes(':') ? `[${bound.host}]` : bound.host;
  const names = new Set(['localhost', '127.0.0.1', '[::1]', host.toLowerCase()]);
  const withPort = [...names].map((name) => `${name}:${bound.port}`);
  return new Set(bound.port === 80 ? [...names, ...withPort] : withPort);
}

/** The reason to refuse a request, or null. */
export function refuseStranger(message: IncomingMessage, hosts: ReadonlySet<string>): AdminAnswer | null {
  const { host = '', origin } = message.headers;
  if (!hosts.has(host.toLowerCase())) {
    return problem(421, `this Host is not the admin API; use one of: ${[...hosts].join(', ')}`);
  }
  if (message.method !== 'POST') return null;
  // Programs send no Origin; a browser does with every POST.
  if (origin !== undefined && !hosts.has(origin.toLowerCase().replace(/^http:\/\//, ''))) {
    return problem(403, 'a page of another origin may not use the admin API');
  }
  const type = (message.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== 'application/json') return problem(415, 'send content-type: application/json');
  return null;
}
