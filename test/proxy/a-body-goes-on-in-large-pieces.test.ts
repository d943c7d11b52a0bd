// The body of a request on its way: what one turn of the loop brings goes in one write, and nothing is lost, doubled or mixed.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyBuffers, GatheredBody } from '../../src/proxy/gathered-body.ts';

const kib = 1024;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A workload's socket that keeps the very buffers it is given for as long as it is `isSlow`, as a queue does. */
class Target {
  readonly writes: Buffer[] = [];
  isSlow = false;
  pendingBytes = 0;
  #queue: Buffer[] = [];

  write(data: string | Buffer): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    if (!this.isSlow) {
      this.writes.push(Buffer.from(bytes));
      return true;
    }
    this.pendingBytes += bytes.length;
    this.#queue.push(bytes);
    return false;
  }

  drain(): void {
    this.writes.push(...this.#queue.map((bytes) => Buffer.from(bytes)));
    this.#queue = [];
    this.pendingBytes = 0;
  }

  cork(): void {}
  uncork(): void {}

  get whole(): Buffer {
    return Buffer.concat(this.writes);
  }
}

function bodyTo(target: Target, buffers = new BodyBuffers(), isChunked = false) {
  let busy = 0;
  const body = new GatheredBody(target, { buffers, isChunked, onBusy: () => void busy++ });
  /** Adds a view that is written over at once, as the next read would. */
  const add = (piece: Buffer): boolean => {
    const view = Buffer.from(piece);
    const more = body.add(view);
    view.fill(0);
    return more;
  };
  return { body, add, busy: () => busy };
}

test('large pieces of one turn go in one write when the turn is over', async () => {
  const target = new Target();
  const { add } = bodyTo(target);
  const pieces = [1, 2, 3].map(() => randomBytes(16 * kib));
  for (const piece of pieces) assert.equal(add(piece), true);
  assert.equal(target.writes.length, 0);
  await nextTurn();
  assert.equal(target.writes.length, 1);
  assert.ok(target.whole.equals(Buffer.concat(pieces)));
});

test('64 KiB go at once, and a small piece where nothing waits', () => {
  const target = new Target();
  const { add } = bodyTo(target);
  const small = randomBytes(100);
  add(small);
  assert.equal(target.writes.length, 1);
  const pieces = [1, 2, 3, 4, 5].map(() => randomBytes(16 * kib));
  for (const piece of pieces) add(piece);
  assert.deepEqual(
    target.writes.map(({ length }) => length),
    [100, 64 * kib],
  );
});

test('a write that waits keeps its buffer; another body of the same connection to come gets one of its own', async () => {
  const target = new Target();
  const buffers = new BodyBuffers();
  const { add, busy } = bodyTo(target, buffers);
  target.isSlow = true;
  const first = randomBytes(64 * kib);
  assert.equal(add(first), false, 'asks to wait');
  const second = randomBytes(20 * kib);
  add(second);
  await nextTurn();
  assert.equal(busy(), 1, 'told after the turn, too');
  target.drain();
  assert.ok(target.whole.equals(Buffer.concat([first, second])));
});

test('after a stop nothing is written', async () => {
  const target = new Target();
  const { body, add } = bodyTo(target);
  add(randomBytes(16 * kib));
  body.stop();
  await nextTurn();
  assert.equal(body.flush(), true);
  assert.equal(target.writes.length, 0);
});

test('in chunks each write is one chunk', async () => {
  const target = new Target();
  const { add } = bodyTo(target, new BodyBuffers(), true);
  add(Buffer.alloc(16 * kib, 'a'));
  add(Buffer.alloc(4 * kib, 'b'));
  await nextTurn();
  const expected = `5000\r\n${'a'.repeat(16 * kib)}${'b'.repeat(4 * kib)}\r\n`;
  assert.ok(target.whole.toString('latin1') === expected);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), body: fc.nat(1), size: fc.integer({ min: 1, max: 40 * kib }) }),
  fc.record({ kind: fc.constantFrom('slow' as const, 'drain' as const, 'turn' as const), body: fc.nat(1) }),
);

test('whatever comes in whatever order, two bodies that share their buffers arrive whole', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const buffers = new BodyBuffers();
      const lanes = [0, 1].map(() => {
        const target = new Target();
        return { target, ...bodyTo(target, buffers), sent: [] as Buffer[] };
      });
      let octet = 0;
      for (const one of steps) {
        const lane = lanes[one.body]!;
        if (one.kind === 'turn') await nextTurn();
        else if (one.kind === 'add') {
          const piece = Buffer.alloc(one.size, octet++ % 251);
          lane.sent.push(piece);
          lane.add(piece);
        } else {
          lane.target.isSlow = one.kind === 'slow';
          if (one.kind === 'drain') lane.target.drain();
        }
      }
      for (const { body, target, sent } of lanes) {
        body.flush();
        target.drain();
        assert.ok(target.whole.equals(Buffer.concat(sent)));
      }
    }),
    { numRuns: 60 },
  );
});
