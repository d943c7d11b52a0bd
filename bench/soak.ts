// `npm run soak`: the work of a usual sidecar's day in minutes, against a real sidecar, and whether anything grew by it. Ends
// with 1 when a figure is not flat or something went wrong.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../test/fuzz/engine/seeded-random.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import { describeMachine, planCores } from './machine.ts';
import { hoursOfDay, quotaOf, requestsPerConnection, usualRequestsPerS } from './soak/day.ts';
import { runHour } from './soak/hour.ts';
import { type Reading, takeReading } from './soak/reading.ts';
import { soakChart, soakText } from './soak/report.ts';
import { journalKeepMb, SoakWorld } from './soak/soak-world.ts';
import { figures, type HourResult, judge } from './soak/verdict.ts';

const help = `npm run soak -- [options]

  --minutes N     how long a day is to take (default 60); a slower machine takes longer and does as much
  --per-second N  requests a second of the day, on average (default ${usualRequestsPerS})
  --seed N        of all random choices (default: drawn, and printed)
  --out DIR       where soak.md and soak.svg go (default bench/results)

A day has ${hoursOfDay} hours. Each has its requests, a new connection for every ${requestsPerConnection} of them, one restart of the workload, one rotation of the
sidecar's certificate and one new policy. When it is over everybody leaves, and what the sidecar holds is read.
Ends with 1 when a figure grows, a record is lost, or an answer is not what it must be.
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    'per-second': { type: 'string', default: String(usualRequestsPerS) },
    seed: { type: 'string' },
    out: { type: 'string', default: path.resolve(import.meta.dirname, 'results') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Everybody has left: reads what the sidecar still holds, when that has come to rest. */
async function atRest(world: SoakWorld): Promise<Reading> {
  await world.workload.stop();
  let before: Reading | null = null;
  const reading = await waitFor(
    'the sidecar to come to rest',
    async () => {
      // Seldom, so that the process is quiet enough to collect its garbage.
      await pause(1_000);
      const now = await takeReading(world.sidecar, world.journalDir);
      const isQuiet = now.connections === 0 && now.upstreams === 0 && now.descriptors === before?.descriptors;
      const isSteady = isQuiet && now.timers === before?.timers && now.handles === before?.handles;
      before = now;
      return isSteady ? now : null;
    },
    60_000,
  );
  await world.workload.start();
  return reading;
}

/** An interrupted soak leaves no sidecar behind. */
function endOnSignal(world: SoakWorld): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      world.sidecar.child.kill('SIGKILL');
      rmSync(world.mesh.dir, { recursive: true, force: true });
      process.exit(code);
    });
  }
}

async function runDay(world: SoakWorld, random: SeededRandom): Promise<readonly HourResult[]> {
  const quota = quotaOf(Number(values.minutes), Number(values['per-second']));
  const hours: HourResult[] = [];
  while (hours.length < hoursOfDay) {
    const startedMs = performance.now();
    const counts = await runHour(world, quota, random);
    const hour = { counts, atRest: await atRest(world), tookMs: performance.now() - startedMs };
    hours.push(hour);
    const shown = figures.map(({ name, unit, read }) => `${name} ${Math.round(read(hour))} ${unit}`.trim());
    print(`hour ${String(hours.length).padStart(2)} in ${(hour.tookMs / 1000).toFixed(0)} s: ${shown.join(', ')}`);
  }
  return hours;
}

async function soak(): Promise<boolean> {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
  const scope: (() => Promise<void> | void)[] = [];
  const machine = describeMachine(planCores(1, false));
  print(`seed ${seed}, ${values.minutes} min for a day of ${values['per-second']} requests a second`);
  try {
    const world = await SoakWorld.start({ after: (end) => scope.unshift(end) });
    endOnSignal(world);
    const hours = await runDay(world, new SeededRandom(seed));
    world.sidecar.signal('SIGTERM');
    const { code } = await world.sidecar.ended(30_000);
    const verdict = judge({ hours, journalKeepMb, stderr: world.sidecar.stderr, exitCode: code });
    const text = soakText({
      command: `npm run soak -- --minutes ${values.minutes} --per-second ${values['per-second']} --seed ${seed}`,
      date: new Date().toISOString().slice(0, 10),
      machine,
      minutes: Number(values.minutes),
      requestsPerS: Number(values['per-second']),
      hours,
      verdict,
    });
    mkdirSync(values.out, { recursive: true });
    writeFileSync(path.join(values.out, 'soak.md'), text);
    writeFileSync(path.join(values.out, 'soak.svg'), soakChart(verdict));
    print(`\n${text}\nwritten to ${values.out}: soak.md, soak.svg`);
    return verdict.isSound;
  } finally {
    for (const end of scope) await end();
  }
}

if (values.help) {
  print(help.trimEnd());
} else if (!(Number(values.minutes) > 0 && Number(values['per-second']) > 0)) {
  process.stderr.write(`--minutes and --per-second are numbers above 0\n\n${help}`);
  process.exitCode = 2;
} else {
  process.exitCode = (await soak()) ? 0 : 1;
}
