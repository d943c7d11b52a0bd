// Measuring again before a budget is called missed: a neighbour's busy second looks just like a regression, and passes.

import type { Verdict } from './budgets.ts';

/**
 * The first verdicts that all hold, else the last ones, of at most `attempts` measurings. Rejects where there is nothing
 * to judge: a guard that measured nothing must not pass.
 */
export async function judgeWithPatience(attempts: number, attempt: () => Promise<Verdict[]>): Promise<Verdict[]> {
  let verdicts: Verdict[] = [];
  for (let done = 0; done < attempts; done += 1) {
    verdicts = await attempt();
    if (verdicts.length === 0) throw new Error('nothing was measured that a budget is about');
    if (verdicts.every(({ met }) => met)) break;
  }
  return verdicts;
}
