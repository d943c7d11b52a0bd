// Who may talk to the admin API: programs of this host, not web pages that a browser of this host shows. A page cannot
// choose the Host of a request (DNS rebinding), and cannot send JSON to another origin without asking first (CORS).

import type { IncomingMessage } from 'node:http';
import type { SocketAddress } from '../lib/socket-address.ts';
import { type AdminAnswer, problem } from './admin-http.ts';

/** What a request may name as its target. */
export interface OwnNames {
  /** Host values, lower-case, with and without the port: what a page cannot choose is the name. */
  readonly hosts: ReadonlySet<string>;
  /** Origins of pages that are our own. */
  readonly origins: ReadonlySet<string>;
}

export function ownNames(bound: SocketAddress): OwnNames {
  if (bound.kind === 'unix') return { hosts: new Set(['localhost', 'postern']), origins: new Set() };
  const host = bound.host.includes(':') ? `[${bound.host}]` : bound.host;
  const names = [...new Set(['localhost', '127.0.0.1', '[::1]', host.toLowerCase()])];
  const withPort = names.map((name) => `${name}:${bound.port}`);
  const origins = bound.port === 80 ? names : withPort;
  return { hosts: new Set([...withPort, ...names]), origins: new Set(origins.map((name) => `http://${name}`)) };
}

/** The reason to refuse a request, or null. */
export function refuseStranger(message: IncomingMessage, own: OwnNames): AdminAnswer | null {
  const { host = '', origin } = message.headers;
  if (!own.hosts.has(host.toLowerCase())) {
    return problem(421, `this Host is not the admin API; use one of: ${[...own.hosts].join(', ')}`);
  }
  if (message.method !== 'POST') return null;
  // Programs send no Origin; a browser does with every POST.
  if (origin !== undefined && !own.origins.has(origin.toLowerCase())) {
    return problem(403, 'a page of another origin may not use the admin API');
  }
  const type = (message.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== 'application/json') return problem(415, 'send content-type: application/json');
  return null;
}
