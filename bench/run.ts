// npm run bench [-- --only keep-alive,handshake] [--peers postern,envoy] [--rounds 5] [--no-docs]: measures all scenarios
// over all installed peers, prints tables and budgets, writes bench/results/*.json, and draws docs/benchmark.md when all was
// measured: a part must not take the place of the whole. Exit code 1 when a budget is missed.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { judge, type Verdict } from './budgets.ts';
import { stopAllOnSignal } from './child-process.ts';
import { openStage, type Stage } from './lineup.ts';
import { canPin, describeMachine, planCores } from './machine.ts';
import { measure } from './measure.ts';
import { allPeers } from './peers/all-peers.ts';
import type { Peer } from './peers/peer.ts';
import { publish } from './publish.ts';
import { budgetTable, type ScenarioResult, scenarioTable, storedResult, writeResult } from './report.ts';
import { longScenarios, type Scenario, scenarios } from './scenarios.ts';

interface Choice {
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly Peer[];
  readonly rounds: number | undefined;
  /** Everything was measured, and the page is wanted. */
  readonly publishes: boolean;
}

async function main(): Promise<number> {
  const choice = chosen();
  const cores = planCores(availableParallelism(), canPin());
  const machine = describeMachine(cores);
  const versions = Object.fromEntries(choice.peers.map((peer) => [peer.name, peer.version() ?? 'unknown']));
  console.log(
    `${machine.cores} x ${machine.cpu}, Linux ${machine.kernel}, node ${machine.node}, commit ${machine.commit}`,
  );
  console.log(choice.peers.map((peer) => `  ${peer.name} ${versions[peer.name]}: ${peer.note}`).join('\n'));
  const stage = await openStage(cores);
  const results: ScenarioResult[] = [];
  try {
    for (const scenario of choice.scenarios) results.push(await runScenario(stage, scenario, choice));
  } finally {
    await stage.close();
  }
  const verdicts = results.flatMap((result) => result.verdicts);
  if (verdicts.length > 0) console.log(`\nbudgets\n${budgetTable(verdicts)}`);
  const run = { time: new Date().toISOString(), machine, versions, scenarios: results };
  console.log(`\n${writeResult(run)}`);
  if (choice.publishes) console.log(publish([storedResult(run)]).join('\n'));
  return verdicts.some(isFailure) ? 1 : 0;
}

async function runScenario(stage: Stage, scenario: Scenario, choice: Choice): Promise<ScenarioResult> {
  const samples = await measure({
    stage,
    scenario,
    peers: choice.peers,
    rounds: choice.rounds ?? scenario.rounds,
    onSample: (owner, round, sample) =>
      console.error(`  ${scenario.name} ${round + 1} ${owner} ${sample[scenario.headline]}`),
    onStep: (owner, round, step) => console.error(`  ${scenario.name} ${round + 1} ${owner}: ${step}`),
  });
  console.log(`\n${scenarioTable(scenario, samples)}`);
  return { scenario: scenario.name, samples, verdicts: judge(scenario.name, samples) };
}

function isFailure(verdict: Verdict): boolean {
  return verdict.budget.enforced && !verdict.met;
}

function chosen(): Choice {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      docs: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const installed = allPeers.filter((peer) => peer.version() !== null);
  return {
    scenarios: values.only === undefined ? scenarios : pick([...scenarios, ...longScenarios], values.only, '--only'),
    peers: pick(installed, values.peers, '--peers'),
    rounds: values.rounds === undefined ? undefined : Number.parseInt(values.rounds, 10),
    publishes: values.docs && values.only === undefined && values.peers === undefined,
  };
}

/** The entries of `known` that `names`, comma-separated, lists; all for undefined. */
function pick<T extends { readonly name: string }>(
  known: readonly T[],
  names: string | undefined,
  option: string,
): readonly T[] {
  if (names === undefined) return known;
  return names.split(',').map((name) => {
    const found = known.find((one) => one.name === name);
    if (found === undefined)
      throw new TypeError(`${option}: \`${name}\` is none of ${known.map((one) => one.name).join(', ')}`);
    return found;
  });
}

stopAllOnSignal();
process.exitCode = await main();
