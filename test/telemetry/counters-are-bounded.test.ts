// Histograms and labelled counters: exact, and bounded whatever they are fed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FixedHistogram } from '../../src/telemetry/fixed-histogram.ts';
import { IndeterminateCounts } from '../../src/telemetry/indeterminate-counts.ts';
import { LabelCounts } from '../../src/telemetry/label-counts.ts';
import { metricCatalog } from '../../src/telemetry/metric-catalog.ts';
import { metricsMarkdown } from '../../src/telemetry/metrics-docs.ts';

const bounds = [0.001, 0.01, 0.1, 1];

test('a histogram counts each value where a walk over the bounds puts it', () => {
  const value = fc.oneof(
    fc.double({ min: 0, max: 5_000, noNaN: true }),
    fc.constantFrom(...bounds.map((bound) => bound * 1_000)),
  );
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const histogram = new FixedHistogram(bounds, 1_000);
      for (const one of values) histogram.observe(one);
      const expected = [...bounds, Number.POSITIVE_INFINITY].map((upper, at) => {
        const lower = at === 0 ? -1 : bounds[at - 1]! * 1_000;
        return values.filter((one) => one > lower && one <= upper * 1_000).length;
      });
      assert.deepEqual([...histogram.counts], expected);
      const sum = values.reduce((total, one) => total + one, 0) / 1_000;
      assert.ok(Math.abs(histogram.sum - sum) <= 1e-9 * Math.max(1, sum));
    }),
  );
});

for (const odd of [Number.NaN, -5, Number.NEGATIVE_INFINITY, -0]) {
  test(`a histogram counts ${Object.is(odd, -0) ? '-0' : odd} as 0 and its sum stays a number`, () => {
    const histogram = new FixedHistogram(bounds, 1_000);
    histogram.observe(odd);
    assert.equal(histogram.counts[0], 1);
    assert.equal(histogram.sum, 0);
  });
}

test('labels beyond the bound are counted together as `other`', () => {
  const counts = new LabelCounts(['known']);
  for (let at = 0; at < 1_000; at++) counts.add(`label ${at}`);
  counts.add('known');
  const entries = new Map(counts.entries());
  assert.ok(entries.size <= 65, `${entries.size} labels`);
  assert.equal(counts.get('known'), 1);
  assert.equal(
    [...entries.values()].reduce((sum, count) => sum + count, 0),
    1_001,
    'nothing is lost',
  );
});

test('labels named like members of an object are labels like others', () => {
  const counts = new LabelCounts();
  counts.add('__proto__');
  counts.add('constructor');
  counts.add('__proto__');
  assert.deepEqual(
    [...counts.entries()],
    [
      ['__proto__', 2],
      ['constructor', 1],
    ],
  );
});

test('rules that cannot be judged are counted by attribute, and beyond the bound together', () => {
  const counts = new IndeterminateCounts();
  for (let at = 0; at < 1_000; at++) counts.add([{ policy: 'p', rule: `r${at}`, attributes: ['a', 'b'] }]);
  const entries = [...counts.entries()];
  assert.ok(entries.length <= 257, `${entries.length} counters`);
  assert.equal(
    entries.reduce((sum, { count }) => sum + count, 0),
    2_000,
  );
  assert.ok(entries.some(({ rule, attribute }) => rule === 'other' && attribute === 'other'));
});

test('the documentation has one row for each metric', () => {
  const rows = metricsMarkdown().trimEnd().split('\n').slice(2);
  assert.deepEqual(
    rows.map((row) => /^\| `(\w+)` \|/.exec(row)?.[1]),
    Object.keys(metricCatalog),
  );
});
