// Feeds parsers and writes down what they report, with pieces of a body joined: where a body is cut is no part of what
// a message means.

import { type HeadLimits, headLimitsDefaults } from '../../src/wire/head-limits.ts';
import type { RequestHead, ResponseHead } from '../../src/wire/http1-message.ts';
import { RequestParser } from '../../src/wire/request-parser.ts';
import { ResponseParser } from '../../src/wire/response-parser.ts';

export type WireEvent<Head> =
  | { readonly kind: 'head' | 'interim'; readonly head: Head }
  | { readonly kind: 'body'; readonly text: string }
  | { readonly kind: 'end'; readonly trailers: readonly string[] | null }
  | { readonly kind: 'fault'; readonly code: string; readonly status: number; readonly message: string };

/** Octets of a text in which each character is one octet. */
export function octets(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** What requests in `pieces` are reported as; `end` says that the sender closes after them. */
export function readRequests(
  pieces: readonly Buffer[],
  options: { readonly limits?: Partial<HeadLimits>; readonly end?: boolean } = {},
): WireEvent<RequestHead>[] {
  const events: WireEvent<RequestHead>[] = [];
  const parser = new RequestParser(
    { ...headLimitsDefaults, ...options.limits },
    {
      onRequestHead: (head) => events.push({ kind: 'head', head }),
      onBody: (bytes) => pushBody(events, bytes),
      onMessageEnd: (trailers) => {
        events.push({ kind: 'end', trailers: trailers === null ? null : lines(trailers) });
        parser.resume();
      },
      onWireError: (error, status) => events.push({ kind: 'fault', code: error.code, status, message: error.message }),
    },
  );
  for (const piece of pieces) parser.feed(piece);
  if (options.end === true && parser.end() === 'truncated') pushTruncated(events);
  return events;
}

/** What the answers to `methods`, one after the other, are reported as. */
export function readResponses(
  pieces: readonly Buffer[],
  options: {
    readonly methods?: readonly string[];
    /** The Sec-WebSocket-Accept that a 101 to the first must have. */
    readonly accept?: string;
    readonly limits?: Partial<HeadLimits>;
    readonly end?: boolean;
  } = {},
): WireEvent<ResponseHead>[] {
  const events: WireEvent<ResponseHead>[] = [];
  const methods = [...(options.methods ?? ['GET'])];
  const parser = new ResponseParser(
    { ...headLimitsDefaults, ...options.limits },
    {
      onInterimHead: (head) => events.push({ kind: 'interim', head }),
      onResponseHead: (head) => events.push({ kind: 'head', head }),
      onBody: (bytes) => pushBody(events, bytes),
      onMessageEnd: (trailers) => {
        events.push({ kind: 'end', trailers: trailers === null ? null : lines(trailers) });
        const next = methods.shift();
        if (next !== undefined) parser.expect(next);
      },
      onWireError: (error) => events.push({ kind: 'fault', code: error.code, status: 502, message: error.message }),
    },
  );
  const first = methods.shift();
  if (first !== undefined) parser.expect(first, options.accept ?? null);
  // One read buffer for all pieces, written over each time, as the upstream connection has it.
  const shared = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.length)));
  for (const piece of pieces) {
    shared.fill(0x2a);
    piece.copy(shared);
    parser.feed(shared.subarray(0, piece.length));
  }
  if (options.end === true && parser.end() === 'truncated') pushTruncated(events);
  return events;
}

/** A short form for comparison with what a test expects: `head`, `body:…`, `end`, or `CODE STATUS`. */
export function summary<Head>(events: readonly WireEvent<Head>[]): string[] {
  return events.map((event) => {
    switch (event.kind) {
      case 'body':
        return `body:${event.text}`;
      case 'end':
        return event.trailers === null ? 'end' : `end:${event.trailers.join('|')}`;
      case 'fault':
        return `${event.code} ${event.status}`;
      default:
        return event.kind;
    }
  });
}

/** The one head that a message is expected to have. */
export function onlyHead<Head>(events: readonly WireEvent<Head>[]): Head {
  const heads = events.filter((event) => event.kind === 'head');
  if (heads.length !== 1) throw new Error(`one head was expected: ${JSON.stringify(events)}`);
  return (heads[0] as { readonly head: Head }).head;
}

function lines(trailers: { readonly names: string[]; readonly values: string[] }): string[] {
  return trailers.names.map((name, at) => `${name}: ${trailers.values[at]}`);
}

function pushBody<Head>(events: WireEvent<Head>[], bytes: Buffer): void {
  const last = events.at(-1);
  const text = bytes.toString('latin1');
  if (last?.kind === 'body') events[events.length - 1] = { kind: 'body', text: last.text + text };
  else events.push({ kind: 'body', text });
}

function pushTruncated<Head>(events: WireEvent<Head>[]): void {
  events.push({ kind: 'fault', code: 'ERR_WIRE_TRUNCATED', status: 400, message: 'truncated' });
}
