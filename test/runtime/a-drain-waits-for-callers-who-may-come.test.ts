// How long a drain goes on accepting, by who was there before it began.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drain } from '../../src/runtime/drain.ts';

const never = new AbortController().signal;

/** Something to drain that notes what it was told, with `connections` open until it accepts no more. */
function drainable(unusedMs: number, connections: readonly number[] = [0]) {
  const steps: string[] = [];
  let looks = 0;
  return {
    steps,
    unusedMs,
    get looks() {
      return looks;
    },
    get connectionCount() {
      return connections[Math.min(looks++, connections.length - 1)]!;
    },
    beginDrain: () => void steps.push('close after each answer'),
    stopAccepting: async () => void steps.push('accept no more'),
  };
}

for (const [who, unusedMs] of [
  ['nobody ever came', Number.POSITIVE_INFINITY],
  ['nobody came for a minute', 60_000],
] as const) {
  test(`where ${who}, it accepts no more at once`, async () => {
    const target = drainable(unusedMs);
    assert.equal(await drain(target, 60_000, never), true);
    assert.deepEqual(target.steps, ['close after each answer', 'accept no more']);
    assert.equal(target.looks, 2, 'it looked for connections when it accepted no more, and at the end');
  });
}

test('where somebody was there of late, it waits until nobody came for a quarter of the time', async () => {
  const startedMs = performance.now();
  assert.equal(await drain(drainable(59_999), 400, never), true);
  // Timers of Node may be early by less than a millisecond.
  assert.ok(performance.now() - startedMs >= 99);
});

test('where somebody is still there, they are waited for, and their end is clean', async () => {
  const target = drainable(0, [1, 1, 1, 0]);
  assert.equal(await drain(target, 2_000, never), true);
});

test('where somebody stays, the time is up, and that is told', async () => {
  assert.equal(await drain(drainable(0, [1]), 100, never), false);
});

test('a second signal cuts it short', async () => {
  const hurry = new AbortController();
  hurry.abort();
  assert.equal(await drain(drainable(0, [1]), 60_000, hurry.signal), false);
});
