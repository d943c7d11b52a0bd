// Referee: `node:http2`. The same requests, many at once, between our ends of a connection and Node's in every pairing: what the
// server sees and what the client gets is the same in all four.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { FrameScratch, FrameWriter } from '../../src/proxy/http2/frame-writer.ts';
import type { FieldList } from '../../src/wire/field-list.ts';
import { Http2Session, type SessionEvents } from '../../src/wire/http2/http2-session.ts';
import type { Http2Stream } from '../../src/wire/http2/http2-stream.ts';

type Pair = readonly [name: string, value: string];

/** A request or an answer: fields in order, pseudo-header fields first. */
interface Message {
  readonly fields: readonly Pair[];
  readonly body: Buffer;
  readonly trailers: readonly Pair[];
}

/** What came of one request. */
interface Exchanged {
  readonly seen: Message;
  readonly got: Message;
}

type Ask = (request: Message) => Promise<Message>;

const bounds = { listBytes: 65_536, fieldCount: 200 };
const windows = { streamWindowBytes: 65_535, connectionWindowBytes: 1_048_576, growthBytes: 262_144 };
const scratch = new FrameScratch();

const name = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,20}$/).map((text) => `x-${text}`);
const value = fc.stringMatching(/^([!-~]([ -~]{0,60}[!-~])?)?$/);
const pairs = (most: number) => fc.uniqueArray(fc.tuple(name, value), { maxLength: most, selector: ([key]) => key });
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly fields: Pair[];
  readonly trailers: Pair[];
  readonly length: number;
}

const requests: fc.Arbitrary<Asked> = fc
  .record({
    method: fc.constantFrom('POST', 'PUT', 'PATCH'),
    path: fc.webPath(),
    fields: pairs(12),
    trailers: pairs(3),
  })
  .chain((parts) => fc.constantFrom(0, 1, 5, 16_384, 16_385, 70_000, 200_000).map((length) => ({ ...parts, length })));

function requestOf({ method, path, fields, trailers, length }: Asked, at: number): Message {
  const pseudo: Pair[] = [
    [':method', method],
    [':path', path === '' ? '/' : path],
    [':scheme', 'http'],
    [':authority', 'a'],
  ];
  const body = Buffer.alloc(length, `piece ${at} `);
  return { fields: [...pseudo, ['x-number', String(at)], ...fields], body, trailers };
}

/** Says back what was asked: own fields, then those of the request under another name. */
function answerTo(request: Message): Message {
  const said = request.fields.filter(([key]) => key.startsWith('x-'));
  const fields: Pair[] = [[':status', '203'], ...said.map(([key, text]): Pair => [`x-answer-${key}`, text])];
  return { fields, body: request.body, trailers: request.trailers };
}

/** Takes a message in until it is whole. */
class Gathered {
  readonly #pieces: Buffer[] = [];
  fields: readonly Pair[] = [];
  trailers: readonly Pair[] = [];

  add(piece: Buffer): void {
    this.#pieces.push(Buffer.from(piece));
  }

  get whole(): Message {
    return { fields: this.fields, body: Buffer.concat(this.#pieces), trailers: this.trailers };
  }
}

const pairsOf = (list: FieldList | null): Pair[] => (list?.keys ?? []).map((key, at) => [key, list!.values[at]!]);
const rawPairs = (raw: readonly string[]): Pair[] =>
  raw.flatMap((text, at): Pair[] => (at % 2 === 0 ? [[text, raw[at + 1]!]] : []));

function sessionOn(socket: net.Socket, isServer: boolean, onRequest: SessionEvents['onRequest']): Http2Session {
  const options = { isServer, maxStreams: 1_000, bounds, ...windows, nowMs: 0 };
  const events = { onRequest, onGoaway: () => {}, onPingAnswered: () => {}, onFault: () => socket.destroy() };
  const session = new Http2Session(options, events, new FrameWriter(socket, scratch));
  socket.on('data', (bytes: Buffer) => session.feed(bytes, performance.now()));
  socket.on('error', () => socket.destroy());
  return session;
}

function sendWith(stream: Http2Stream, { fields, body, trailers }: Message): void {
  const isBare = body.length === 0 && trailers.length === 0;
  stream.sendHead(fields.flat(), isBare);
  if (body.length > 0) stream.sendData(body, trailers.length === 0);
  if (trailers.length > 0) stream.sendTrailers(trailers.flat());
}

/** A user of a stream that gathers what comes and tells its end. */
function gathering(stream: () => Http2Stream, into: Gathered, onWhole: () => void, onReset: (code: number) => void) {
  return {
    onHead: ({ fields }: { readonly fields: FieldList }) => {
      into.fields = pairsOf(fields);
      stream().hasHead = true;
      return null;
    },
    onData: (view: Buffer) => {
      into.add(view);
      stream().credit(view.length);
    },
    onEnd: (trailers: FieldList | null) => {
      into.trailers = pairsOf(trailers);
      onWhole();
    },
    onReset,
    onWritable: () => {},
  };
}

function ownServer(onSeen: (seen: Message) => void): net.Server {
  return net.createServer((socket) => {
    sessionOn(socket, true, (stream, { fields }) => {
      const into = new Gathered();
      into.fields = pairsOf(fields);
      const answer = (): void => {
        onSeen(into.whole);
        sendWith(stream, answerTo(into.whole));
      };
      stream.user = gathering(
        () => stream,
        into,
        answer,
        () => {},
      );
    });
  });
}

function nodeServer(onSeen: (seen: Message) => void): http2.Http2Server {
  return http2.createServer().on('stream', (stream: http2.ServerHttp2Stream, _headers, _flags, raw) => {
    const into = new Gathered();
    into.fields = rawPairs(raw as unknown as string[]);
    stream.on('data', (piece: Buffer) => into.add(piece));
    stream.on('trailers', (_trailers, _more, rawTrailers: string[]) => (into.trailers = rawPairs(rawTrailers)));
    stream.on('end', () => {
      onSeen(into.whole);
      const { fields, body, trailers } = answerTo(into.whole);
      stream.respond(Object.fromEntries(fields), {
        sendDate: false,
        waitForTrailers: true,
      } as http2.ServerStreamResponseOptions);
      stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(trailers)));
      stream.end(body);
    });
  });
}

function ownClient(port: number): { ask: Ask; close: () => void } {
  const socket = net.connect(port, '127.0.0.1');
  const session = sessionOn(socket, false, () => {});
  const ask: Ask = (request) =>
    new Promise((resolve, reject) => {
      const into = new Gathered();
      const user = gathering(
        () => stream!,
        into,
        () => resolve(into.whole),
        (code) => reject(new Error(`reset ${code}`)),
      );
      const stream = session.open(user);
      if (stream === null) return reject(new Error('no stream'));
      sendWith(stream, request);
    });
  return { ask, close: () => socket.destroy() };
}

function nodeClient(port: number): { ask: Ask; close: () => void } {
  const session = http2.connect(`http://127.0.0.1:${port}`).on('error', () => {});
  const ask: Ask = ({ fields, body, trailers }) =>
    new Promise((resolve, reject) => {
      const into = new Gathered();
      const stream = session.request(Object.fromEntries(fields), { waitForTrailers: trailers.length > 0 });
      stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(trailers)));
      stream.on('response', (_headers, _flags, raw) => (into.fields = rawPairs(raw as unknown as string[])));
      stream.on('trailers', (_trailers, _flags, raw: string[]) => (into.trailers = rawPairs(raw)));
      stream.on('data', (piece: Buffer) => into.add(piece));
      stream.on('end', () => resolve(into.whole));
      stream.on('error', reject);
      stream.end(body);
    });
  return { ask, close: () => session.destroy() };
}

describe('of the same requests, server and client', () => {
  const asked = fc.sample(requests, { numRuns: 60, seed: 9113 }).map(requestOf);
  const outcomes = new Map<string, readonly Exchanged[]>();

  before(async () => {
    for (const [serverName, serve] of [
      ['our', ownServer],
      ["Node's", nodeServer],
    ] as const) {
      for (const [clientName, connect] of [
        ['our', ownClient],
        ["Node's", nodeClient],
      ] as const) {
        outcomes.set(`${clientName} client and ${serverName} server`, await exchangeAll(serve, connect));
      }
    }
  });

  async function exchangeAll(
    serve: (onSeen: (seen: Message) => void) => net.Server,
    connect: (port: number) => { ask: Ask; close: () => void },
  ): Promise<readonly Exchanged[]> {
    const seen = new Map<string, Message>();
    const server = serve((message) => seen.set(message.fields.find(([key]) => key === 'x-number')?.[1] ?? '', message));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect((server.address() as net.AddressInfo).port);
    try {
      const got = await Promise.all(asked.map((request) => client.ask(request)));
      return got.map((answer, at) => ({ seen: seen.get(String(at))!, got: answer }));
    } finally {
      client.close();
      server.close();
    }
  }

  for (const pairing of [
    'our client and our server',
    "Node's client and our server",
    "our client and Node's server",
    "Node's client and Node's server",
  ]) {
    test(`see what was said: ${pairing}`, () => {
      for (const [at, { seen, got }] of outcomes.get(pairing)!.entries()) {
        const said = asked[at]!;
        assert.deepEqual([seen.fields, seen.trailers], [said.fields, said.trailers], `request ${at}`);
        assert.ok(seen.body.equals(said.body), `body ${at}`);
        const answer = answerTo(said);
        assert.deepEqual([got.fields, got.trailers], [answer.fields, answer.trailers], `answer ${at}`);
        assert.ok(got.body.equals(answer.body), `answer's body ${at}`);
      }
    });
  }
});
