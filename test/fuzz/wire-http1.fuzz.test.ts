// Mutations of a corpus of messages against the codec. FUZZ_SECONDS (default 8) says for how long, FUZZ_SEED repeats a run.
//
// What must hold for any input: nothing is thrown, every fault has a code of ours, cutting the input changes nothing, and
// what was accepted is written anew as messages that are read back as the same ones, without a field that is not ours to pass.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPosternError } from '../../src/errors.ts';
import { canonicalizePath } from '../../src/wire/canonical-path.ts';
import { chunkHeader, lastChunk } from '../../src/wire/chunk.ts';
import { serializeRequestHead, serializeResponseHead } from '../../src/wire/forward-head.ts';
import type { RequestHead, ResponseHead } from '../../src/wire/http1-message.ts';
import { octets, readRequests, readResponses, type WireEvent } from '../wire/recorded-events.ts';

const corpus = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://h.x:8/a/../b?c=d HTTP/1.1\r\nHost: h.x:8\r\nAccept: */*\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n',
  'POST / HTTP/1.0\r\nHost: [::1]:80\r\nConnection: keep-alive\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: By=x\r\nx_postern_peer: y\r\n\r\n',
  'GET /c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  'HTTP/1.0 304 Not Modified\r\nETag: "x"\r\nX-Postern-Peer: z\r\nKeep-Alive: timeout=5\r\n\r\n',
];

const tokens = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '"',
    '%',
    '%2e',
    '%2f',
    '%252f',
    '..',
    '//',
    '\\',
    '#',
    '?',
    '@',
    '*',
  ],
  ...[
    '0\r\n\r\n',
    '\r\n\r\n',
    '\r\n ',
    ' :',
    'ffffffffffffffff',
    '0x10',
    '+1',
    '-1',
    '1_0',
    '\x7f',
    '\x80',
    '\xa0',
    '\xff',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
  ],
  ...[
    'content_length: 5\r\n',
    'transfer.encoding: chunked\r\n',
    'Host: b\r\n',
    'Connection: host, content-length\r\n',
    'TE: trailers\r\n',
  ],
  ...[
    'x.spiffe.id: forged\r\n',
    'Client_Cert: forged\r\n',
    'X-Request-Id: r\r\n',
    'Expect: 100-continue\r\n',
    '__proto__: 1\r\n',
  ],
  ...[
    'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.0',
    'HTTP/2.0',
  ],
];

/** A small generator that a seed repeats (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[random(items.length)]!;
}

function mutate(input: string, random: Random): string {
  const at = random(input.length + 1);
  const end = Math.min(input.length, at + random(12));
  switch (random(7)) {
    case 0:
      return input.slice(0, at) + String.fromCharCode(random(256)) + input.slice(at + 1);
    case 1:
      return input.slice(0, at) + input.slice(end);
    case 2:
      return input.slice(0, end) + input.slice(at);
    case 3:
      return input.slice(0, at) + pick(corpus, random).slice(random(20));
    case 4:
      return input + pick(corpus, random);
    default:
      return input.slice(0, at) + pick(tokens, random) + input.slice(random(2) === 0 ? at : end);
  }
}

/** Pieces of random length; one octet each at times. */
function cut(input: string, random: Random): Buffer[] {
  const most = pick([1, 3, 20, 200], random);
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const size = 1 + random(most);
    pieces.push(octets(input.slice(at, at + size)));
    at += size;
  }
  return pieces;
}

function meaning<Head>(events: readonly WireEvent<Head>[]): WireEvent<Head>[] {
  return events.map((event) => (event.kind === 'fault' ? { ...event, message: '' } : event));
}

/** Names as a CGI-like workload reads them, that must not go on. */
const identity = /^(x-forwarded-client-cert|client-cert|client-cert-chain|x-spiffe-.*|x-postern-.*)$/;
const correlation = /^(x-request-id|traceparent|x-forwarded-for|forwarded)$/;
const lineForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*$/;

function checkHead(text: string): void {
  assert.ok(text.endsWith('\r\n\r\n'));
  const [first, ...lines] = text.slice(0, -4).split('\r\n');
  assert.match(first!, /^[\x20-\x7e\x80-\xff\t]+$/);
  for (const line of lines) {
    assert.match(line, lineForm);
    const folded = line
      .slice(0, line.indexOf(':'))
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '-');
    assert.doesNotMatch(folded, identity);
    if (!first!.startsWith('HTTP/')) assert.doesNotMatch(folded, correlation);
  }
  const framing = lines.filter((line) => /^(content[^a-z0-9]length|transfer[^a-z0-9]encoding):/i.test(line));
  assert.ok(framing.length <= 1, framing.join(' '));
}

function written<Head>(
  events: readonly WireEvent<Head>[],
  head: (of: Head) => string,
  chunked: (of: Head) => boolean,
): string {
  let text = '';
  let isChunked = false;
  for (const event of events) {
    if (event.kind === 'head') {
      const own = head(event.head);
      checkHead(own);
      text += own;
      isChunked = chunked(event.head);
    } else if (event.kind === 'body')
      text += isChunked ? `${chunkHeader(event.text.length)}${event.text}\r\n` : event.text;
    else if (event.kind === 'end' && isChunked) text += lastChunk('');
  }
  return text;
}

/** What stays the same when messages are written anew: heads by their meaning, bodies, ends. */
function outline(events: readonly WireEvent<RequestHead>[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.kind === 'head')
      return [[event.head.method, event.head.rawPath, event.head.query, event.head.host, event.head.framing]];
    if (event.kind === 'body') return [event.text];
    return event.kind === 'end' ? ['end'] : [];
  });
}

function checkRequests(input: string, random: Random): void {
  const events = readRequests([octets(input)]);
  assert.deepEqual(meaning(readRequests(cut(input, random))), meaning(events));
  for (const event of events) {
    if (event.kind === 'fault') assert.match(event.code, /^ERR_WIRE_/);
    if (event.kind === 'head' && event.head.rawPath !== '*') checkPath(event.head.rawPath);
  }
  const anew = written(
    events,
    (head) => serializeRequestHead(head, head.rawPath + head.query, ''),
    (head) => head.framing === 'chunked',
  );
  assert.deepEqual(outline(readRequests([octets(anew)])), outline(events));
}

function checkPath(path: string): void {
  try {
    const canonical = canonicalizePath(path);
    assert.equal(canonicalizePath(canonical), canonical);
    assert.doesNotMatch(canonical, /\/\/|\\|\/\.\.?(\/|$)|%2f|%5c|%00/i);
  } catch (error) {
    assert.ok(isPosternError(error, 'ERR_WIRE_PATH_REFUSED'), String(error));
  }
}

function checkResponses(input: string, random: Random): void {
  const options = { methods: [pick(['GET', 'HEAD'], random), 'GET'], end: true };
  const events = readResponses([octets(input)], options);
  assert.deepEqual(meaning(readResponses(cut(input, random), options)), meaning(events));
  const answer = { added: '', closeAfter: false, minorVersion: 1 } as const;
  written<ResponseHead>(
    events,
    (head) => serializeResponseHead(head, { ...answer, framing: head.framing }),
    () => false,
  );
}

test('mutated messages never break what the codec promises', (context) => {
  const seconds = Number(process.env['FUZZ_SECONDS'] ?? 8);
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  context.diagnostic(`FUZZ_SEED=${seed}`);
  const random = seeded(seed);
  const deadline = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < deadline) {
    let input = pick(corpus, random);
    for (let times = random(5); times >= 0; times--) input = mutate(input, random);
    try {
      checkRequests(input, random);
      checkResponses(input, random);
    } catch (cause) {
      throw new Error(`input ${count} of FUZZ_SEED=${seed}: ${JSON.stringify(input)}`, { cause });
    }
    count++;
  }
  context.diagnostic(`${count} inputs`);
});
