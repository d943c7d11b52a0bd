// npm run bench:guard: Postern against the built-in reference in one run, short enough for every CI run. It compares the
// ratio of p99 and of CPU time, never a time, and measures again before it fails, since a neighbour's busy second looks
// just like a regression. Exit code 1 when a ratio is over its limit every time.

import { availableParallelism } from 'node:os';
import { guardBudgets, judge, type Verdict } from './budgets.ts';
import { stopAllOnSignal } from './child-process.ts';
import { openStage, type Stage } from './lineup.ts';
import { canPin, planCores } from './machine.ts';
import { measure } from './measure.ts';
import { judgeWithPatience } from './patience.ts';
import { postern } from './peers/postern.ts';
import { nodeHttps } from './peers/reference.ts';
import { budgetTable } from './report.ts';
import { constantRateScenario, keepAliveScenario, type Scenario } from './scenarios.ts';

const attempts = 4;

const guarded: readonly Scenario[] = [
  keepAliveScenario({ warmupCount: 3000, requestCount: 4000, rounds: 3 }),
  constantRateScenario({ warmupMs: 300, measureMs: 1500, rounds: 2 }),
];

async function guard(stage: Stage, scenario: Scenario): Promise<Verdict[]> {
  const { name, rounds } = scenario;
  return judgeWithPatience(attempts, async () =>
    judge(
      name,
      await measure({ stage, scenario, peers: [postern, nodeHttps], rounds, onSample: () => {} }),
      guardBudgets,
    ),
  );
}

stopAllOnSignal();
const stage = await openStage(planCores(availableParallelism(), canPin()));
try {
  const verdicts: Verdict[] = [];
  for (const scenario of guarded) verdicts.push(...(await guard(stage, scenario)));
  console.log(budgetTable(verdicts));
  process.exitCode = verdicts.every(({ met }) => met) ? 0 : 1;
} finally {
  await stage.close();
}
