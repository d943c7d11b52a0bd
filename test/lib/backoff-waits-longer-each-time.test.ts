// Waits between tries.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Backoff } from '../../src/lib/backoff.ts';

test('waits double up to the bound, and begin anew after a success', () => {
  const backoff = new Backoff({ firstMs: 100, mostMs: 500, random: () => 0.999_999 });
  const waits = Array.from({ length: 5 }, () => Math.round(backoff.next()));
  assert.deepEqual(waits, [100, 200, 400, 500, 500]);
  backoff.reset();
  assert.equal(Math.round(backoff.next()), 100);
});

test('every wait is within the upper half of its span, so that peers spread and nobody hammers', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999_999, noNaN: true }), fc.nat({ max: 20 }), (drawn, failures) => {
      const backoff = new Backoff({ firstMs: 100, mostMs: 10_000, random: () => drawn });
      for (let failed = 0; failed < failures; failed++) backoff.next();
      const spanMs = Math.min(100 * 2 ** failures, 10_000);
      const waitMs = backoff.next();
      assert.ok(waitMs >= spanMs / 2 && waitMs <= spanMs);
    }),
  );
});

for (const { firstMs, mostMs } of [
  { firstMs: 0, mostMs: 10 },
  { firstMs: 20, mostMs: 10 },
  { firstMs: Number.NaN, mostMs: 10 },
]) {
  test(`refuses a first wait of ${firstMs} with a bound of ${mostMs}`, () => {
    assert.throws(() => new Backoff({ firstMs, mostMs, random: Math.random }), TypeError);
  });
}
