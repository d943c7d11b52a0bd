// `npm run bench:query [MIB]`: what `postern audit query` takes to go through a journal of so many MiB (default 1,024), filter by
// filter. Each run is a process of its own with its output thrown away; the journal is made by the recorder and removed.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { openRecorder, type RecorderHandle } from '../src/audit/recorder.ts';
import { processIo } from '../src/cli/cli-io.ts';
import { runCli } from '../src/cli/main.ts';
import { systemClock } from '../src/lib/clock.ts';
import { decisionEvent, deny, journalOptions } from '../test/audit/sample-events.ts';

const mebibyte = 1024 * 1024;
const perTurn = 500;
/** Decisions apart by so much, so that a day is some 864,000 of them. */
const stepUs = 100_000;
const startUs = 1_795_341_600_000_000;

/** One filter, by what it is for. */
interface Query {
  readonly name: string;
  readonly flags: readonly string[];
}

function queriesFor(recordCount: number): readonly Query[] {
  const at = (share: number) => new Date((startUs + Math.floor(recordCount * share) * stepUs) / 1000).toISOString();
  return [
    { name: 'denied (one in 1,000)', flags: ['--decision', 'deny'] },
    { name: 'one principal (one in 1,000)', flags: ['--principal', 'spiffe://prod.acme.com/ns/shop/sa/cart'] },
    { name: 'principals by pattern (all), denied', flags: ['--principal', 'spiffe://*/ns/**', '--decision', 'deny'] },
    { name: 'one resource (one in 1,000)', flags: ['--resource', 'ledger'] },
    { name: 'one reason (one in 1,000)', flags: ['--reason', 'default'] },
    { name: 'one trace', flags: ['--trace', traceOf(Math.floor(recordCount / 2))] },
    { name: 'a hundredth of the time', flags: ['--since', at(0.5), '--until', at(0.51)] },
    { name: 'the last hundredth of the time', flags: ['--since', at(0.99)] },
    { name: 'allowed, first 100', flags: ['--decision', 'allow', '--limit', '100'] },
    { name: 'allowed (nearly all), printed', flags: ['--decision', 'allow', '--json'] },
  ];
}

function traceOf(n: number): string {
  return `0af7651916cd43dd8448${String(n).padStart(12, '0')}`;
}

async function main(mebibytes: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-query-'));
  try {
    const { bytes, records } = await makeJournal(dir, mebibytes * mebibyte);
    console.log(`${records} records, ${(bytes / mebibyte).toFixed(0)} MiB\n`);
    for (const { name, flags } of queriesFor(records)) {
      const { cpuS, wallS, residentMb, lines } = await timed(['audit', 'query', '--journal', dir, ...flags]);
      const figures = [`${cpuS.toFixed(2)} s CPU`, `${wallS.toFixed(2)} s`, `${residentMb.toFixed(0)} MB`];
      console.log(`${name.padEnd(40)} ${figures.map((figure) => figure.padStart(11)).join(' ')} ${lines} lines`);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function makeJournal(dir: string, wantedBytes: number): Promise<{ bytes: number; records: number }> {
  const options = { keepBytes: wantedBytes * 2, fsync: { kind: 'off' } } as const;
  const recorder = await openRecorder(journalOptions(dir, options), { clock: systemClock });
  let records = 0;
  for (; recorder.stats().bytes < wantedBytes; records += perTurn) await recordTurn(recorder, records);
  await recorder.close();
  return { bytes: recorder.stats().bytes, records };
}

/** Records one turn of decisions, of which every thousandth is a deny, or of another principal and resource. */
async function recordTurn(recorder: RecorderHandle, first: number): Promise<void> {
  const waits = Array.from({ length: perTurn }, (_, n) => {
    const made = decisionEvent(first + n);
    const timeUs = startUs + (first + n) * stepUs;
    const decision = (first + n) % 1000 === 17 ? deny : made.decision;
    const request = (first + n) % 1000 === 29 ? rareRequest(made.request) : made.request;
    return new Promise<void>((resolve, reject) =>
      recorder.decision({ ...made, timeUs, decision, request }, { recorded: resolve, recordFailed: reject }),
    );
  });
  await Promise.all(waits);
}

function rareRequest(request: ReturnType<typeof decisionEvent>['request']) {
  const id = 'spiffe://prod.acme.com/ns/shop/sa/cart';
  return {
    ...request,
    principal: { ...request.principal, id, spiffeId: id },
    resource: { ...request.resource, name: 'ledger' },
  };
}

interface Timed {
  readonly cpuS: number;
  readonly wallS: number;
  readonly residentMb: number;
  readonly lines: number;
}

/** Runs one command line in a process of its own. */
async function timed(argv: readonly string[]): Promise<Timed> {
  const child = spawn(process.execPath, [import.meta.filename, '--one', ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout)) as Timed;
}

/** Runs a command line here, counting what it prints, and says what that took. */
async function runOne(argv: readonly string[]): Promise<void> {
  const begun = performance.now();
  let lines = 0;
  await runCli(argv, { ...processIo(process), out: () => void lines++ });
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const figures: Timed = {
    cpuS: (userCPUTime + systemCPUTime) / 1e6,
    wallS: (performance.now() - begun) / 1e3,
    residentMb: maxRSS / 1024,
    lines,
  };
  process.stdout.write(JSON.stringify(figures));
}

if (process.argv[2] === '--one') await runOne(process.argv.slice(3));
else await main(Number(process.argv[2] ?? 1024));
