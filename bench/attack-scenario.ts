// How a caller in earnest fares while others attack: its p99 at a constant rate, quiet and beside each attack, as a ratio.

import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { firstLine, startNode } from './child-process.ts';
import { residentBytes } from './cpu-time.ts';
import type { Stage } from './lineup.ts';
import { type AttackName, attackNames } from './load/attacks.ts';
import { runLoad } from './load-run.ts';
import type { Measured, Scenario } from './scenarios.ts';
import { median } from './statistics.ts';

const attackerEntry = fileURLToPath(new URL('./attacker.ts', import.meta.url));
const callerJob = {
  kind: 'constant-rate',
  connectionCount: 32,
  ratePerS: 500,
  warmupMs: 300,
  measureMs: 1000,
} as const;
/** Beside each attack; the quiet caller is measured before and after each of them. */
const stretchCount = 3;
/** A quiet p99 of code that is still being compiled would flatter every ratio. */
const warmupJob = { kind: 'closed-loop', connectionCount: 32, warmupCount: 0, requestCount: 10_000 } as const;
/** Time for a proxy to close what the last attack left behind. */
const settleMs = 1_000;

export const attackScenario: Scenario = {
  name: 'attack',
  title: '500 requests a second, open loop: p99 quiet, and how many times that beside each attack; highest memory',
  rounds: 3,
  fresh: false,
  direct: false,
  headline: 'quietP99Ms',
  measure: async (measured, stage, onStep) => {
    await runLoad({ ...warmupJob, target: measured.target, pids: measured.pids() }, stage.cores.load);
    const quiet = [await p99Ms(measured, stage)];
    const found: [AttackName, number][] = [];
    let residentMb = 0;
    for (const name of attackNames) {
      const beside = await besideAttack(name, measured, stage);
      quiet.push(await p99Ms(measured, stage));
      onStep(`${name} ${beside.p99Ms} ms, then quiet ${quiet.at(-1)} ms, ${beside.residentMb.toFixed(0)} MB`);
      found.push([name, beside.p99Ms]);
      residentMb = Math.max(residentMb, beside.residentMb);
    }
    const quietP99Ms = median(quiet);
    return { quietP99Ms, ...Object.fromEntries(found.map(([name, ms]) => [name, ms / quietP99Ms])), residentMb };
  },
};

/** Of one short stretch. */
async function p99Ms(measured: Measured, stage: Stage): Promise<number> {
  const job = { ...callerJob, target: measured.target, pids: measured.pids() };
  return (await runLoad(job, stage.cores.load)).p99Ms;
}

/** The median over short stretches: what a neighbour does to the machine comes in bursts, an attack goes on. */
async function besideAttack(
  name: AttackName,
  measured: Measured,
  stage: Stage,
): Promise<{ readonly p99Ms: number; readonly residentMb: number }> {
  const attacker = startNode(attackerEntry, [JSON.stringify({ name, target: measured.target })], stage.cores.load);
  try {
    await firstLine(attacker);
    const stretches: number[] = [];
    while (stretches.length < stretchCount) stretches.push(await p99Ms(measured, stage));
    return { p99Ms: median(stretches), residentMb: residentBytes(measured.pids()) / 1e6 };
  } finally {
    await attacker.stop();
    await pause(settleMs);
  }
}
