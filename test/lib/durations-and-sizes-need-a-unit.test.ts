// Durations and sizes as operators write them: what is taken, what is refused, and that formatting parses back.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { formatDuration, parseDuration } from '../../src/lib/duration.ts';
import { formatSize, parseSize } from '../../src/lib/size.ts';

const durations: readonly (readonly [text: string, ms: number])[] = [
  ['500ms', 500],
  ['0s', 0],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['90d', 7_776_000_000],
  ['1h30m', 5_400_000],
  ['1d2h3m4s5ms', 93_784_005],
  ['1m30s', 90_000],
];

const notDurations = [
  '',
  '10',
  '5 m',
  '5M',
  '-5s',
  '+5s',
  '1.5h',
  '5m1h',
  '1h1h',
  '5min',
  's',
  '1_000ms',
  '٣s',
  '1e3s',
  ' 5s',
  '5s\n',
];

const sizes: readonly (readonly [text: string, bytes: number])[] = [
  ['0B', 0],
  ['512B', 512],
  ['64KiB', 65_536],
  ['64MiB', 67_108_864],
  ['1GiB', 1_073_741_824],
  ['2TiB', 2_199_023_255_552],
  ['10KB', 10_000],
  ['10MB', 10_000_000],
  ['1GB', 1_000_000_000],
];

const notSizes = ['', '64', '64K', '64kib', '64 KiB', '-1B', '1.5MiB', 'KiB', '99999999999TiB', '1e3B', '64KiB\n'];

function refusesValue(parse: () => unknown): void {
  assert.throws(parse, (error) => isPosternError(error, 'ERR_CONFIG_VALUE'));
}

describe('a duration', () => {
  for (const [text, ms] of durations) test(`\`${text}\` is ${ms} ms`, () => assert.equal(parseDuration(text), ms));
  for (const text of notDurations)
    test(`${JSON.stringify(text)} is refused`, () => refusesValue(() => parseDuration(text)));

  test('is formatted in the form that parses back to it', () => {
    const anyMs = fc.integer({ min: 0, max: 100 * 365 * 86_400_000 });
    fc.assert(fc.property(anyMs, (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
  });

  test('without an end is formatted as `unlimited`', () => {
    assert.equal(formatDuration(Number.POSITIVE_INFINITY), 'unlimited');
  });

  test('of any other text is refused with our code and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        try {
          assert.ok(Number.isSafeInteger(parseDuration(text)));
        } catch (error) {
          assert.ok(isPosternError(error, 'ERR_CONFIG_VALUE'));
        }
      }),
    );
  });
});

describe('a size', () => {
  for (const [text, bytes] of sizes) test(`\`${text}\` is ${bytes} bytes`, () => assert.equal(parseSize(text), bytes));
  for (const text of notSizes) test(`${JSON.stringify(text)} is refused`, () => refusesValue(() => parseSize(text)));

  test('is formatted in the form that parses back to it', () => {
    const anyBytes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(fc.property(anyBytes, (bytes) => assert.equal(parseSize(formatSize(bytes)), bytes)));
  });

  test('is formatted in the largest unit that divides it', () => {
    assert.equal(formatSize(65_536), '64KiB');
    assert.equal(formatSize(65_537), '65537B');
  });
});
