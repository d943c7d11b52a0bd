// What a route of the admin API receives and gives back, and how an answer is written. No answer is ever shared with
// another origin, cached, or read as another type than it says.

import type { ServerResponse } from 'node:http';

/** A request that passed the guard. */
export interface AdminRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: URLSearchParams;
  /** What `{id}` of the route stands for; empty where the route has none. */
  readonly id: string;
  /** Parsed body of a POST; undefined for a GET and for an empty body. */
  readonly body: unknown;
}

export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when the answer was sent, or cannot be. */
  readonly afterwards?: () => void;
}

/** `probes` are what a kubelet may see: no details, nothing to change. */
export type RouteGroup = 'probes' | 'views' | 'controls';

/** One endpoint. `path` is exact, or ends with `/{id}`. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly group: RouteGroup;
  /** One line for the list of endpoints. */
  readonly about: string;
  handle(request: AdminRequest): AdminAnswer | Promise<AdminAnswer>;
}

/** Data as JSON, indented: people read it. */
export function json(status: number, data: unknown): AdminAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(data, null, 2)}\n` };
}

/** RFC 9457. */
export function problem(
  status: number,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): AdminAnswer {
  const body = { type: 'about:blank', title: titles.get(status) ?? 'Error', status, detail, ...more };
  return { ...json(status, body), contentType: 'application/problem+json', headers };
}

const titles: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [413, 'Content Too Large'],
  [415, 'Unsupported Media Type'],
  [421, 'Misdirected Request'],
  [422, 'Unprocessable Content'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
]);

const commonHeaders: Readonly<Record<string, string>> = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
});

/** Writes an answer; `close` ends the connection, for a request whose body was not read to its end. */
export function writeAnswer(response: ServerResponse, answer: AdminAnswer, close: boolean): void {
  if (answer.afterwards !== undefined) response.once('close', answer.afterwards);
  response.writeHead(answer.status, {
    ...commonHeaders,
    ...answer.headers,
    ...(close ? { connection: 'close' } : {}),
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}
