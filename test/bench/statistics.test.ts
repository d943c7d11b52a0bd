import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { median, pairedRatio, percentileOfSorted, relativeSpread } from '../../bench/statistics.ts';

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe('statistics of the benches', () => {
  for (const { of, percent, is } of [
    { of: oneTo(100), percent: 50, is: 50 },
    { of: oneTo(100), percent: 99, is: 99 },
    { of: oneTo(100), percent: 99.9, is: 100 },
    { of: oneTo(1000), percent: 99.9, is: 999 },
    { of: oneTo(4000), percent: 99, is: 3960 },
    { of: oneTo(4000), percent: 100, is: 4000 },
    { of: [7], percent: 0.1, is: 7 },
  ]) {
    it(`takes the nearest rank: ${percent} % of ${of.length} values is number ${is}`, () => {
      assert.equal(percentileOfSorted(of, percent), is);
    });
  }

  it('knows no percentile of nothing and refuses shares outside of (0, 100]', () => {
    assert.ok(Number.isNaN(percentileOfSorted([], 99)));
    assert.throws(() => percentileOfSorted([1], 0), TypeError);
    assert.throws(() => percentileOfSorted([1], 101), TypeError);
  });

  it('takes the middle as the median without disturbing its input', () => {
    const values = [9, 1, 5];
    assert.equal(median(values), 5);
    assert.deepEqual(values, [9, 1, 5]);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([10, 9, 100]), 10, 'as numbers, not as text');
    assert.ok(Number.isNaN(median([])));
  });

  it('compares pair by pair, so that a machine that was slow in one round does not count', () => {
    assert.equal(pairedRatio([50, 150, 55], [100, 300, 110]), 0.5);
    assert.equal(pairedRatio([50, 60], [100]), 0.5, 'a sample without its pair is left out');
  });

  it('gives half the range as the spread', () => {
    assert.equal(relativeSpread([90, 100, 110]), 0.1);
    assert.equal(relativeSpread([100]), 0);
  });
});
