// The shared timer wheel against a model that keeps a plain list, and its promises one by one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import { TimerWheel, WheelEntry } from '../../src/lib/timer-wheel.ts';

const tickMs = 100;

function manualWheel(onError: (error: unknown) => void = assert.ifError) {
  const clock = new ManualClock(1_000_000_037);
  const wheel = new TimerWheel({ clock, tickMs, onError });
  const advance = (ms: number): void => {
    clock.advance(ms);
    wheel.turn();
  };
  return { clock, wheel, advance };
}

type Step =
  | { readonly kind: 'schedule'; readonly entry: number; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly entry: number }
  | { readonly kind: 'advance'; readonly ms: number };

const entryCount = 12;
const entryIndex = fc.nat({ max: entryCount - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('schedule'), entry: entryIndex, delayMs: fc.nat(120_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel'), entry: entryIndex }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.nat(1_500) }) },
  // A stall longer than one round of the wheel.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.nat(200_000) }) },
) as fc.Arbitrary<Step>;

test('whatever is scheduled, moved and cancelled: nothing fires early, twice, or more than a tick late', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { clock, wheel, advance } = manualWheel();
      const start = clock.monotonicMs();
      const due = new Map<number, number>();
      const entries = Array.from({ length: entryCount }, (_, at) => {
        return new WheelEntry(() => {
          assert.ok(due.has(at), 'fires only what waits');
          assert.ok(clock.monotonicMs() >= due.get(at)!, 'never early');
          due.delete(at);
        });
      });
      for (const one of steps) {
        if (one.kind === 'schedule') {
          wheel.schedule(entries[one.entry]!, one.delayMs);
          due.set(one.entry, clock.monotonicMs() + one.delayMs);
        } else if (one.kind === 'cancel') {
          wheel.cancel(entries[one.entry]!);
          due.delete(one.entry);
        } else {
          const before = new Map(due);
          advance(one.ms);
          const tickStart = clock.monotonicMs() - ((clock.monotonicMs() - start) % tickMs);
          // What was due at the last full tick, and was there one tick before it, has fired.
          for (const [at, dueMs] of before) if (dueMs + tickMs <= tickStart) assert.ok(!due.has(at), 'a tick late');
        }
        assert.equal(wheel.size, due.size);
        for (const [at, entry] of entries.entries()) assert.equal(entry.isScheduled, due.has(at));
      }
    }),
    { numRuns: 300 },
  );
});

test('an entry that is scheduled again moves and fires once', () => {
  const { wheel, advance } = manualWheel();
  let fired = 0;
  const entry = new WheelEntry(() => fired++);
  wheel.schedule(entry, 200);
  advance(100);
  wheel.schedule(entry, 1_000);
  advance(600);
  assert.equal(fired, 0);
  advance(600);
  assert.equal(fired, 1);
  advance(200_000);
  assert.equal(fired, 1);
});

test('an entry that fires may schedule itself again, without a second turn in the same tick', () => {
  const { wheel, advance } = manualWheel();
  let fired = 0;
  const entry: WheelEntry = new WheelEntry(() => {
    fired++;
    wheel.schedule(entry, 0);
  });
  wheel.schedule(entry, 0);
  for (let turn = 0; turn < 5; turn++) advance(tickMs);
  assert.equal(fired, 5);
});

test('an entry cancelled by one that fires in the same tick does not fire', () => {
  const { wheel, advance } = manualWheel();
  const second = new WheelEntry(() => assert.fail('was cancelled'));
  const first = new WheelEntry(() => wheel.cancel(second));
  wheel.schedule(first, 150);
  wheel.schedule(second, 150);
  advance(400);
  assert.equal(wheel.size, 0);
});

test('an entry that throws is reported and keeps no other from firing', () => {
  const errors: unknown[] = [];
  const { wheel, advance } = manualWheel((error) => errors.push(error));
  const fault = new Error('from an entry');
  let fired = 0;
  wheel.schedule(
    new WheelEntry(() => {
      throw fault;
    }),
    50,
  );
  wheel.schedule(new WheelEntry(() => fired++), 50);
  advance(200);
  assert.deepEqual(errors, [fault]);
  assert.equal(fired, 1);
});

test('unlimited means never: Infinity cancels', () => {
  const { wheel, advance } = manualWheel();
  const entry = new WheelEntry(() => assert.fail('fired'));
  wheel.schedule(entry, 100);
  wheel.schedule(entry, Number.POSITIVE_INFINITY);
  assert.equal(wheel.size, 0);
  advance(200_000);
});

test('started, it turns by itself, and stopped it does not', async () => {
  const wheel = new TimerWheel({ clock: systemClock, tickMs: 5, onError: assert.ifError });
  wheel.start();
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = systemClock.monotonicMs();
  wheel.schedule(new WheelEntry(resolve), 20);
  // The wheel's own timer is unref'ed: something else must keep the process alive.
  const alive = setTimeout(() => {}, 5_000);
  await promise;
  clearTimeout(alive);
  assert.ok(systemClock.monotonicMs() - before >= 20);
  assert.ok(wheel.nowMs - before >= 20);
  wheel.stop();
});
