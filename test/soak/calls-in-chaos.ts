// `npm run soak:calls [MINUTES] [SEED]`: callers, their sidecar, three ways that fail in turn, the sidecar of a workload that breaks
// off now and then. Ends with 1 where an answer was wrong, an unsafe request arrived twice, a call hung, or memory grew without
// end. Not part of `npm test`, which does the same for some seconds.

import { setTimeout as pause } from 'node:timers/promises';
import { type ChaosCalls, seededRandom } from '../harness/chaos-calls.ts';
import type { RelayMode } from '../harness/chaos-relay.ts';
import { callsInChaos } from '../harness/chaos-world.ts';

const minutes = Number(process.argv[2] ?? 5);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
/** What memory may grow by after the first minute, bytes. */
const mostGrowthBytes = 40 * 1024 * 1024;
const stepMs = 1_000;

const cleanups: (() => Promise<void> | void)[] = [];
const lived = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };

/** Most ways are good most of the time, or nothing would be learnt but how nothing works. */
function steps(): readonly (readonly RelayMode[])[] {
  const random = seededRandom(seed);
  const mode = (): RelayMode => (random() < 0.8 ? 'pass' : random() < 0.5 ? 'reset' : 'swallow');
  return Array.from({ length: minutes * 60 }, () => [mode(), mode(), mode()]);
}

async function soak(): Promise<readonly string[]> {
  console.log(`seed ${seed}, ${minutes} minutes`);
  let settledBytes = 0;
  const { calls, world, relays } = await callsInChaos(lived, {
    seed,
    steps: steps(),
    stepMs,
    stepCalls: 1,
    senders: 16,
    // The share that the promise speaks of, and as many calls that the workload breaks off.
    cutShare: 0.01,
    brokenShare: 0.01,
    isBothWays: true,
    onStep: (step, { calls: running, world: { client } }) => {
      if (step === 60) settledBytes = client.residentBytes;
      if (step % 30 === 0) console.log(`${step} s: ${shown(running)}, ${mebibytes(client.residentBytes)}`);
    },
  });
  await pause(stepMs);
  const faults = [...calls.faults];
  const grown = world.client.residentBytes - settledBytes;
  if (settledBytes > 0 && grown > mostGrowthBytes) faults.push(`memory grew by ${mebibytes(grown)}`);
  const left = await world.client.metric('postern_requests_in_flight');
  if (left > 0) faults.push(`${left} requests are not over`);
  const cuts = relays.reduce((sum, relay) => sum + relay.cuts, 0);
  console.log(`${shown(calls)}, ${cuts} connections cut, the longest call ${Math.round(calls.longestMs)} ms`);
  for (const [code, count] of calls.codes) console.log(`${code} ${count}`);
  return faults;
}

function shown({ ends }: ChaosCalls): string {
  return `${ends.answered} answered, ${ends.told} told why not, ${ends.cut} cut within`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

const faults = await soak();
for (const cleanup of cleanups.reverse()) await cleanup();
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? 'no fault' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
