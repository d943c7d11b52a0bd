// An outside referee: whatever we accept, raw and written anew, means the same to the parser of node:http, over real
// sockets. The reverse does not hold, and need not: we are the stricter one.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { chunkHeader, lastChunk } from '../../src/wire/chunk.ts';
import type { FieldList } from '../../src/wire/field-list.ts';
import { serializeRequestHead, serializeResponseHead } from '../../src/wire/forward-head.ts';
import type { RequestHead, ResponseHead } from '../../src/wire/http1-message.ts';
import { damaged, request, response } from './message-grammar.ts';
import { octets, readRequests, readResponses, type WireEvent } from './recorded-events.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  /** `name: value` in order. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

interface Message<Head> {
  readonly head: Head;
  readonly body: string;
  readonly trailers: readonly string[];
}

/** The message, where the input is exactly one. */
function only<Head>(events: readonly WireEvent<Head>[]): Message<Head> | null {
  const [head, ...rest] = events;
  const end = rest.pop();
  if (head?.kind !== 'head' || end?.kind !== 'end' || rest.some((event) => event.kind !== 'body')) return null;
  const body = rest.map((event) => (event.kind === 'body' ? event.text : '')).join('');
  return { head: head.head, body, trailers: end.trailers ?? [] };
}

function linesOf(raw: readonly string[]): string[] {
  return raw.flatMap((text, at) => (at % 2 === 0 ? [`${text}: ${raw[at + 1]}`] : []));
}

function fieldLines(fields: FieldList): string[] {
  return fields.names.map((name, at) => `${name}: ${fields.values[at]}`);
}

async function textOf(stream: http.IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
}

/** What node:http makes of some octets; null where it refuses them. */
async function nodeReads(server: http.Server, bytes: string): Promise<Seen | null> {
  let seen: Seen | null = null;
  const onRequest = (message: http.IncomingMessage, answer: http.ServerResponse): void => {
    void textOf(message).then((body) => {
      const { method = '', url = '' } = message;
      seen = { method, url, fields: linesOf(message.rawHeaders), body, trailers: linesOf(message.rawTrailers) };
      answer.setHeader('connection', 'close').end();
    });
  };
  server.once('request', onRequest);
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  server.off('request', onRequest);
  return seen;
}

function rewritten({ head, body }: Message<RequestHead>): string {
  const text = serializeRequestHead(head, head.rawPath + head.query, '');
  if (head.framing !== 'chunked') return text + body;
  return `${text}${body === '' ? '' : `${chunkHeader(body.length) + body}\r\n`}${lastChunk('')}`;
}

const isKnownToNode = (head: RequestHead): boolean => http.METHODS.includes(head.method) && head.rawPath !== '*';

describe('node:http as a server', () => {
  const server = http.createServer({ insecureHTTPParser: false, keepAliveTimeout: 1000 });
  server.on('clientError', (_, socket) => socket.destroy());
  // An Upgrade that nobody listens for is an ordinary request to Node, as it is to us.
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  test('reads an accepted request as we do', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(damaged(request), async (bytes) => {
        const message = only(readRequests([octets(bytes)]));
        if (message === null || !isKnownToNode(message.head)) return;
        const seen = await nodeReads(server, bytes);
        assert.ok(seen !== null, 'node refuses what we accept');
        assert.equal(seen.method, message.head.method);
        assert.ok(seen.url.endsWith(message.head.rawPath + message.head.query) || message.head.rawPath === '/');
        assert.equal(seen.body, message.body);
        assert.deepEqual(seen.trailers, message.trailers);
        if (message.head.nominated === null) assert.deepEqual(seen.fields, fieldLines(message.head.fields));
        compared++;
      }),
      { numRuns: 500 },
    );
    assert.ok(compared > 80, `only ${compared} were compared`);
  });

  test('reads a request that we wrote anew as we read the first', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(request), async (bytes) => {
        const message = only(readRequests([octets(bytes)]));
        if (message === null || !isKnownToNode(message.head)) return;
        const written = rewritten(message);
        const seen = await nodeReads(server, written);
        const again = only(readRequests([octets(written)]));
        assert.ok(seen !== null && again !== null);
        assert.equal(seen.method, message.head.method);
        assert.equal(seen.url, message.head.rawPath + message.head.query);
        assert.deepEqual(seen.fields, fieldLines(again.head.fields));
        assert.equal(seen.body, message.body);
      }),
      { numRuns: 300 },
    );
  });
});

describe('node:http as a client', () => {
  /** What a client of node:http makes of an answer. */
  async function clientReads(bytes: string, method: string): Promise<Seen & { readonly status: number }> {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(bytes, 'latin1'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const sent = http.request({ port: (server.address() as AddressInfo).port, method, agent: false }).end();
      const [message] = (await once(sent, 'response')) as [http.IncomingMessage];
      const body = await textOf(message);
      const { statusCode: status = 0, rawHeaders, rawTrailers } = message;
      return { status, method, url: '', fields: linesOf(rawHeaders), body, trailers: linesOf(rawTrailers) };
    } finally {
      server.close();
    }
  }

  function answerAnew({ head, body }: Message<ResponseHead>): string {
    const framing = head.framing === 'close' ? 'chunked' : head.framing;
    const text = serializeResponseHead(head, { added: '', framing, closeAfter: true, minorVersion: 1 });
    if (framing !== 'chunked') return text + body;
    return `${text}${body === '' ? '' : `${chunkHeader(body.length) + body}\r\n`}${lastChunk('')}`;
  }

  test('reads an answer that we wrote anew as we read the first', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(damaged(response), fc.constantFrom('GET', 'HEAD'), async (bytes, method) => {
        const message = only(readResponses([octets(bytes)], { methods: [method], end: true }));
        if (message === null) return;
        const written = answerAnew(message);
        const again = only(readResponses([octets(written)], { methods: [method], end: true }));
        const seen = await clientReads(written, method);
        assert.ok(again !== null);
        assert.equal(seen.status, message.head.status);
        assert.equal(seen.body, message.body);
        assert.deepEqual(seen.fields, fieldLines(again.head.fields));
        compared++;
      }),
      { numRuns: 500 },
    );
    assert.ok(compared > 30, `only ${compared} were compared`);
  });
});
