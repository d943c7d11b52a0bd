// Messages of gRPC, however the network cut them, and bytes that are none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameMessage, MessageFrames } from '../../src/grpc/message-frames.ts';

const most = 100;

/** What comes out when `bytes` go in, cut at `cuts`. */
function read(bytes: Uint8Array, cuts: readonly number[]) {
  const frames = new MessageFrames(most);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), 0, bytes.length].sort((a, b) => a - b);
  const messages = places
    .slice(1)
    .flatMap((end, at) => frames.push(bytes.subarray(places[at], end)).map((one) => Buffer.from(one).toString('hex')));
  return { messages, fault: frames.fault, isWithin: frames.isWithin };
}

test('cutting the bytes anywhere changes nothing', () => {
  const message = fc.uint8Array({ maxLength: most });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat()), (messages, cuts) => {
      const expected = messages.map((one) => Buffer.from(one).toString('hex'));
      const bytes = Buffer.concat(messages.map(frameMessage));
      assert.deepEqual(read(bytes, cuts), { messages: expected, fault: null, isWithin: false });
    }),
  );
});

test('any bytes give messages or a fault, the same however they are cut, and never hold more than they may', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat()), (bytes, cuts) => {
      const whole = read(bytes, []);
      assert.deepEqual(read(bytes, cuts), whole);
      assert.ok(whole.messages.every((one) => one.length <= 2 * most));
    }),
  );
});

test('a message above the limit is refused by its prefix, before it is held', () => {
  const { fault, messages } = read(Buffer.from([0, 0, 0, 0, most + 1]), []);
  assert.deepEqual(fault, { kind: 'too-large', bytes: most + 1, mostBytes: most });
  assert.deepEqual(messages, []);
});

test('a compressed message is refused, and nothing after it is read', () => {
  const bytes = Buffer.concat([frameMessage(Buffer.from('a')), Buffer.from([1]), frameMessage(Buffer.from('bb'))]);
  const { fault, messages } = read(bytes, []);
  assert.deepEqual(fault, { kind: 'compressed' });
  assert.deepEqual(messages, ['61']);
});

test('a stream that ends within a message is known as such', () => {
  const bytes = frameMessage(Buffer.from('abc'));
  assert.equal(read(bytes.subarray(0, 4), []).isWithin, true);
  assert.equal(read(bytes.subarray(0, 6), []).isWithin, true);
});
