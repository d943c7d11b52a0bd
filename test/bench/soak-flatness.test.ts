import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { quotaOf } from '../../bench/soak/day.ts';
import { flatnessOf, slopeOf } from '../../bench/soak/flatness.ts';
import type { Reading } from '../../bench/soak/reading.ts';
import { metricOf } from '../../bench/soak/reading.ts';
import { soakChart } from '../../bench/soak/report.ts';
import { type HourResult, judge } from '../../bench/soak/verdict.ts';

const bound = { absolute: 2, share: 0 };
const hours = Array.from({ length: 24 }, (_, hour) => hour);

const rest: Reading = {
  ...{ residentMb: 140, heapMb: 30, externalMb: 8, descriptors: 28, threads: 11, timers: 0, handles: 6, journalMb: 10 },
  ...{ connections: 0, upstreams: 0, records: 100, lostRecords: 0 },
};

function hour(changed: Partial<Reading> = {}, unexpected: readonly string[] = []): HourResult {
  const counts = {
    statuses: new Map([[200, 10]]),
    visitors: new Map<string, number>(),
    unexpected: new Map(unexpected.map((what) => [what, 1])),
    ...{ broken: 0, lowestHeapMb: 25, highestResidentMb: 141 },
  };
  return { counts, atRest: { ...rest, ...changed }, tookMs: 1_000 };
}

const sound = { hours: hours.map(() => hour()), journalKeepMb: 16, stderr: '', exitCode: 0 };

describe('flatness of a figure over a day', () => {
  for (const { what, values, isFlat } of [
    { what: 'one that never moves', values: hours.map(() => 7), isFlat: true },
    { what: 'one that jumps up and down', values: hours.map((at) => 7 + 3 * (at % 2)), isFlat: true },
    { what: 'one that rises by a tenth an hour', values: hours.map((at) => 7 + at / 5), isFlat: false },
    { what: 'one that rises in the warm-up alone', values: hours.map((at) => Math.min(at, 8) * 10), isFlat: true },
    { what: 'one that falls', values: hours.map((at) => 100 - at), isFlat: true },
    { what: 'one with a single peak', values: hours.map((at) => (at === 20 ? 900 : 7)), isFlat: true },
    { what: 'one of too few hours', values: [1, 1], isFlat: false },
  ]) {
    it(`${what} is ${isFlat ? 'flat' : 'not flat'}`, () => assert.equal(flatnessOf(values, bound).isFlat, isFlat));
  }

  it('is said by the slope of the middle, whatever a few hours say', () => {
    assert.equal(slopeOf([0, 2, 4, 6, 100, 10]), 2);
    assert.equal(slopeOf([5]), 0);
  });

  it('is said by the floor of what swings: a saw stays flat, a saw that climbs does not', () => {
    const saw = (climb: number) => hours.map((at) => 26 + 5 * (at % 5) + climb * at);
    assert.equal(flatnessOf(saw(0), bound, 'floor').isFlat, true);
    assert.equal(flatnessOf(saw(0), bound, 'crest').isFlat, true);
    assert.equal(flatnessOf(saw(0.3), bound, 'floor').isFlat, false);
    assert.equal(flatnessOf(saw(0.6), bound, 'crest').isFlat, false);
  });

  it('allows a share of the figure where that is more', () => {
    const values = hours.map((at) => 100 + at / 4);
    assert.equal(flatnessOf(values, bound).isFlat, false);
    assert.equal(flatnessOf(values, { absolute: 2, share: 0.06 }).isFlat, true);
  });
});

describe('the verdict of a soak', () => {
  it('is sound when every figure is flat and nothing went wrong', () => assert.equal(judge(sound).isSound, true));

  for (const { what, facts, fault } of [
    {
      what: 'a descriptor every other hour',
      facts: { hours: hours.map((at) => hour({ descriptors: 28 + (at >> 1) })) },
    },
    { what: 'a time limit in the second half', facts: { hours: hours.map((at) => hour({ timers: at >> 3 })) } },
    { what: 'memory', facts: { hours: hours.map((at) => hour({ residentMb: 140 + 2 * at })) } },
    {
      what: 'a lost record',
      facts: { hours: [...sound.hours, hour({ lostRecords: 1 })] },
      fault: /1 records were lost/,
    },
    {
      what: 'a journal above its room',
      facts: { hours: [...sound.hours, hour({ journalMb: 17 })] },
      fault: /17\.0 MB/,
    },
    {
      what: 'a wrong answer',
      facts: { hours: [...sound.hours, hour({}, ['a stranger got 200'])] },
      fault: /1 times a str/,
    },
    { what: 'a warning', facts: { stderr: 'x\n(node) MaxListenersExceededWarning: 11 close' }, fault: /MaxListeners/ },
    { what: 'a bad end', facts: { exitCode: 1 }, fault: /ended with 1/ },
  ]) {
    it(`is not sound after ${what}`, () => {
      const verdict = judge({ ...sound, ...facts });
      assert.equal(verdict.isSound, false);
      assert.match(verdict.faults.join('\n'), fault ?? /^$/);
    });
  }

  it('is drawn as one line for each figure', () => {
    const verdict = judge(sound);
    assert.equal(soakChart(verdict).match(/<polyline/g)?.length, verdict.figures.length);
  });
});

describe('the day of a soak', () => {
  it('has the requests of a day however short it is', () => {
    for (const minutes of [1, 60]) assert.equal(quotaOf(minutes, 10).requests * 24, 864_000);
    assert.equal(quotaOf(60, 10).durationMs, 150_000);
  });

  it('adds up the samples of a metric by their label', () => {
    const text = 'a_b{type="x"} 3\na_b{type="y"} 4\na_b_total 9\n';
    assert.deepEqual([metricOf(text, 'a_b'), metricOf(text, 'a_b', 'type="x"'), metricOf(text, 'none')], [7, 3, 0]);
  });

  for (const { words, code } of [
    { words: ['--help'], code: 0 },
    { words: ['--minutes', 'soon'], code: 2 },
  ]) {
    it(`\`npm run soak -- ${words.join(' ')}\` ends with ${code}`, () => {
      const file = path.resolve(import.meta.dirname, '../../bench/soak.ts');
      assert.equal(spawnSync(process.execPath, [file, ...words]).status, code);
    });
  }
});
