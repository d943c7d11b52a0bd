// The guard in `npm test`: patient with a busy machine, not with a regression, and never content with nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardBudgets, judge, type Verdict } from '../../bench/budgets.ts';
import { judgeWithPatience } from '../../bench/patience.ts';

/** CPU time a request of Postern against the reference's 100, one measuring after the other. */
async function guarded(...cpuUs: readonly number[]): Promise<{ verdicts: Verdict[]; measurings: number }> {
  let measurings = 0;
  const verdicts = await judgeWithPatience(4, async () => {
    const cpuUsPerRequest = cpuUs[measurings] ?? assert.fail('measured too often');
    measurings += 1;
    const samples = new Map([
      ['postern', [{ cpuUsPerRequest }]],
      ['node-https', [{ cpuUsPerRequest: 100 }]],
    ] as const);
    return judge('keep-alive', samples, guardBudgets);
  });
  return { verdicts, measurings };
}

test('a good measuring is the only one', async () => {
  const { verdicts, measurings } = await guarded(45);
  assert.equal(measurings, 1);
  assert.ok(verdicts[0]?.met);
});

test('one bad measuring fails nothing when the next is good', async () => {
  const { verdicts, measurings } = await guarded(90, 80, 45);
  assert.equal(measurings, 3);
  assert.deepEqual([verdicts[0]?.figure, verdicts[0]?.met], [0.45, true]);
});

test('what is bad each time fails, after four measurings', async () => {
  const { verdicts, measurings } = await guarded(90, 80, 85, 95);
  assert.equal(measurings, 4);
  assert.deepEqual([verdicts[0]?.figure, verdicts[0]?.met], [0.95, false]);
});

test('a figure that is no number fails', async () => {
  const { verdicts } = await guarded(Number.NaN, Number.NaN, Number.NaN, Number.NaN);
  assert.equal(verdicts[0]?.met, false);
});

test('nothing to judge is an error, not a success', async () => {
  await assert.rejects(
    judgeWithPatience(4, async () => []),
    /nothing was measured/,
  );
});

test('CPU time and p99 are both guarded against the built-in reference', () => {
  const guardedFigures = guardBudgets.map(({ what, enforced }) => [what, enforced]);
  assert.deepEqual(guardedFigures, [
    ['cpuUsPerRequest against node-https', true],
    ['p99Ms against node-https', true],
  ]);
});
