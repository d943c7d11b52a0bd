// What each side may have under way (RFC 9113 §5.2): a stream that keeps moving gets more, within a bound for all of a connection; one
// whose reader stalls keeps what it had, and holds up no other.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Http2Session } from '../../../src/wire/http2/http2-session.ts';
import type { Http2Stream, StreamUser } from '../../../src/wire/http2/http2-stream.ts';
import { flags, frame, opening, SessionProbe, types } from './session-probe.ts';

const firstWindowBytes = 65_535;
const piece = 'x'.repeat(16_384);

/** What the peer may have under way on a stream: its first window, and all that was told since, less what it sent. */
function openTo(probe: SessionProbe, streamId: number, sentBytes: number): number {
  const told = probe
    .framesOf(types.window)
    .filter((one) => one.streamId === streamId)
    .reduce((sum, { payload }) => sum + Buffer.from(payload, 'latin1').readUInt32BE(0), 0);
  return firstWindowBytes + told - sentBytes;
}

/** Sends as many pieces, each as soon as its window has room; gives the octets sent. */
function send(probe: SessionProbe, streamId: number, pieceCount: number): number {
  for (let at = 0; at < pieceCount; at++) probe.feed(frame(types.data, 0, streamId, piece));
  return pieceCount * piece.length;
}

/** The block of a POST; indices of the static table (RFC 7541 appendix A), and `:authority` as a literal. */
const block = '\x83\x87\x84\x01\x01a';

function begin(probe: SessionProbe, streamIds: readonly number[]): void {
  probe.feed(streamIds.map((id) => frame(types.headers, flags.endHeaders, id, block)).join(''));
}

describe('the window of a stream', () => {
  test('grows while it keeps moving, up to half a mebibyte, as long as the connection has some to give', () => {
    const probe = new SessionProbe({ growthBytes: 1_048_576 }).feed(opening);
    begin(probe, [1]);
    const sent = send(probe, 1, 200);
    const open = openTo(probe, 1, sent);
    assert.ok(open > 2 * firstWindowBytes && open <= 524_288, String(open));
    assert.equal(probe.fault, null);
  });

  test('is what it was where the reader stalls, and more than that is refused', () => {
    const probe = new SessionProbe({ growthBytes: 1_048_576 }).feed(opening);
    begin(probe, [1]);
    probe.reads = false;
    const sent = send(probe, 1, 4);
    assert.equal(openTo(probe, 1, sent), firstWindowBytes - sent);
    probe.feed(frame(types.data, 0, 1, piece));
    assert.deepEqual(probe.resets, ['1:3']);
  });

  test('takes of what all have together, and gives it back at its end', () => {
    const probe = new SessionProbe({ growthBytes: firstWindowBytes }).feed(opening);
    begin(probe, [1, 3]);
    const first = openTo(probe, 1, send(probe, 1, 60));
    const second = openTo(probe, 3, send(probe, 3, 60));
    assert.ok(first > firstWindowBytes, String(first));
    assert.ok(second <= firstWindowBytes, String(second));
    probe.feed(frame(types.rst, 0, 1, '\0\0\0\x08'));
    begin(probe, [5]);
    const third = openTo(probe, 5, send(probe, 5, 60));
    assert.ok(third > firstWindowBytes, String(third));
  });
});

/** Two ends of one connection, in memory; what each writes the other reads when `run` is called. */
class Pair {
  readonly client: Http2Session;
  readonly server: Http2Session;
  readonly #queues: { readonly to: () => Http2Session; pieces: Buffer[] }[] = [];

  constructor(onRequest: (stream: Http2Stream) => void) {
    this.client = this.#end(
      false,
      () => this.server,
      () => {},
    );
    this.server = this.#end(true, () => this.client, onRequest);
  }

  run(): void {
    while (this.#queues.some(({ pieces }) => pieces.length > 0)) {
      for (const queue of this.#queues) {
        const { pieces } = queue;
        queue.pieces = [];
        for (const bytes of pieces) queue.to().feed(bytes, 0);
      }
    }
  }

  #end(isServer: boolean, to: () => Http2Session, onRequest: (stream: Http2Stream) => void): Http2Session {
    const queue = { to, pieces: [] as Buffer[] };
    this.#queues.push(queue);
    const bounds = { listBytes: 65_536, fieldCount: 100 };
    const windows = { streamWindowBytes: firstWindowBytes, connectionWindowBytes: 1_048_576, growthBytes: 1_048_576 };
    return new Http2Session(
      { isServer, maxStreams: 1_000, bounds, ...windows, nowMs: 0 },
      {
        onRequest,
        onGoaway: () => {},
        onPingAnswered: () => {},
        onFault: ({ detail }) => assert.fail(detail),
      },
      {
        text: (frames) => void queue.pieces.push(Buffer.from(frames, 'latin1')),
        data: (head, view) => void queue.pieces.push(Buffer.from(head, 'latin1'), Buffer.from(view)),
      },
    );
  }
}

test('of 1,000 streams one that is not read holds up no other, and holds no more than its window', () => {
  const answerBytes = 70_000;
  const answer = Buffer.alloc(answerBytes, 'a');
  const streams: Http2Stream[] = [];
  const pair = new Pair((stream) => {
    const send = (): void => {
      stream.sendHead([':status', '200'], false);
      stream.sendData(answer, true);
    };
    stream.user = { onHead: () => null, onData: () => {}, onEnd: send, onReset: () => {}, onWritable: () => {} };
  });
  const received = Array.from({ length: 1_000 }, () => 0);
  let ended = 0;
  const reader = (at: number): StreamUser => ({
    onHead: () => {
      streams[at]!.hasHead = true;
      return null;
    },
    onData: (view) => {
      received[at]! += view.length;
      if (at !== 500) streams[at]!.credit(view.length);
    },
    onEnd: () => ended++,
    onReset: () => assert.fail('a stream was reset'),
    onWritable: () => {},
  });
  pair.run();
  for (let at = 0; at < 1_000; at++) {
    const stream = pair.client.open(reader(at));
    assert.ok(stream !== null, `stream ${at}`);
    streams.push(stream);
    stream.sendHead([':method', 'GET', ':scheme', 'https', ':path', '/', ':authority', 'a'], true);
  }
  pair.run();
  assert.equal(ended, 999);
  assert.equal(received[500], firstWindowBytes);
  streams[500]!.credit(firstWindowBytes);
  pair.run();
  assert.deepEqual([ended, received[500]], [1_000, answerBytes]);
});
