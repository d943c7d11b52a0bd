import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { median, pairedRatio, relativeSpread } from '../../bench/statistics.ts';

describe('statistics of the benches', () => {
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
