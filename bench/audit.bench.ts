// Micro benches of the journal: a record, its seal, its write; then blocking writes against writes through the thread pool
// on this disk and on one that stalls. Prints CPU microseconds a record; run with `node bench/audit.bench.ts [folder]`.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { DecisionEvent } from '../src/audit/decision-event.ts';
import { LineBuffer } from '../src/audit/line-buffer.ts';
import { NativeEncoder } from '../src/audit/native-encoder.ts';
import { type PaceOptions, paceDefaults, systemWriteCalls, type WriteCalls } from '../src/audit/paced-writer.ts';
import { openRecorder } from '../src/audit/recorder.ts';
import { systemClock } from '../src/lib/clock.ts';
import { decisionEvent, journalOptions } from '../test/audit/sample-events.ts';

const events: readonly DecisionEvent[] = Array.from({ length: 64 }, (_, n) => decisionEvent(n));
const proxy = {
  instance: 'bench',
  workloadId: 'spiffe://prod.acme.com/ns/payments/sa/db',
  node: 'n1',
  pod: 'p1',
  version: '0.1.0',
};

/** CPU microseconds of one call: the best of five rounds, for the machine is shared. */
function cpuUs(count: number, work: (n: number) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const before = process.cpuUsage();
    for (let n = 0; n < count; n += 1) work(n);
    const used = process.cpuUsage(before);
    best = Math.min(best, (used.user + used.system) / count);
  }
  return best;
}

function micro(): void {
  const encoder = new NativeEncoder({ proxy, redactPath: 'full', streamId: '20260101T000000000Z-0123456789ab' });
  const out = new LineBuffer();
  encoder.decision(events[0]!, 1, out);
  const line = out.view(0).toString('latin1');
  const bytes = Buffer.from(line.repeat(16), 'latin1');
  const hash = createHash('sha256');
  console.log(`record of ${line.length} bytes`);
  row(
    'encode into a buffer',
    cpuUs(100_000, (n) => {
      out.clear();
      encoder.decision(events[n & 63]!, n, out);
    }),
  );
  row(
    'JSON.stringify of the same data',
    cpuUs(
      50_000,
      (
        (parsed) => () =>
          JSON.stringify(parsed)
      )(JSON.parse(line)),
    ),
  );
  row('SHA-256 for the seal, batches of 16', cpuUs(20_000, () => hash.update(bytes)) / 16);
}

interface Load {
  readonly name: string;
  readonly perTurn: number;
  readonly records: number;
  readonly calls: WriteCalls;
  readonly pace: PaceOptions;
}

const blocking: PaceOptions = {
  ...paceDefaults,
  stallMs: Number.POSITIVE_INFINITY,
  longStallMs: Number.POSITIVE_INFINITY,
};
/** Everything is a stall: after the first write all go through the pool. */
const pooled: PaceOptions = { ...paceDefaults, stallMs: -1, longStallMs: -1 };

/** Records come `perTurn` a turn, as from so many busy connections; the next ones when these are on record. */
async function journal(dir: string, load: Load): Promise<void> {
  const recorder = await openRecorder(journalOptions(dir, { proxy }), {
    clock: systemClock,
    calls: load.calls,
    pace: load.pace,
  });
  let worstTurnMs = 0;
  let last = performance.now();
  const heartbeat = setInterval(() => {
    worstTurnMs = Math.max(worstTurnMs, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const waits: number[] = [];
  const before = process.cpuUsage();
  const startMs = performance.now();
  for (let done = 0; done < load.records; done += load.perTurn) {
    await Promise.all(Array.from({ length: load.perTurn }, (_, n) => timed(recorder, events[n & 63]!, waits)));
  }
  const used = process.cpuUsage(before);
  const perS = (load.records / (performance.now() - startMs)) * 1000;
  clearInterval(heartbeat);
  await recorder.close();
  waits.sort((a, b) => a - b);
  const p = (share: number): string => ((waits[Math.floor(waits.length * share)] ?? 0) * 1000).toFixed(0).padStart(6);
  const cpu = (used.user + used.system) / load.records;
  const stats = recorder.stats();
  console.log(
    `${load.name.padEnd(46)} cpu ${cpu.toFixed(2).padStart(6)} us  wait p50 ${p(0.5)} p99 ${p(0.99)} us  ` +
      `loop held ${worstTurnMs.toFixed(0).padStart(4)} ms  ${perS.toFixed(0).padStart(7)} records/s  stalls ${stats.stalls}`,
  );
}

function timed(
  recorder: Awaited<ReturnType<typeof openRecorder>>,
  event: DecisionEvent,
  waits: number[],
): Promise<void> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    recorder.decision(event, {
      recorded: () => {
        waits.push(performance.now() - startMs);
        resolve();
      },
      recordFailed: reject,
    });
  });
}

/** A disk that holds every 500th write for 100 ms, wherever the write runs. */
function stallingDisk(): WriteCalls {
  let writes = 0;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const isStall = (): boolean => {
    writes += 1;
    return writes % 500 === 0;
  };
  return {
    writeSync(fd, bytes, offset) {
      if (isStall()) Atomics.wait(cell, 0, 0, 100);
      return systemWriteCalls.writeSync(fd, bytes, offset);
    },
    write(fd, bytes, offset, done) {
      if (!isStall()) return systemWriteCalls.write(fd, bytes, offset, done);
      setTimeout(() => systemWriteCalls.write(fd, bytes, offset, done), 100);
    },
  };
}

function row(name: string, us: number): void {
  console.log(`${name.padEnd(46)} ${us.toFixed(2).padStart(6)} us`);
}

async function main(): Promise<void> {
  micro();
  const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'postern-bench-'));
  try {
    for (const perTurn of [1, 4, 16]) {
      for (const [name, pace] of [
        ['blocking', blocking],
        ['pool', pooled],
        ['blocking', blocking],
        ['pool', pooled],
      ] as const) {
        await journal(join(root, 'j'), {
          name: `${name}, ${perTurn} a turn`,
          perTurn,
          records: 20_000,
          calls: systemWriteCalls,
          pace,
        });
      }
    }
    for (const [name, pace] of [
      ['blocking', blocking],
      ['pool', pooled],
      ['as shipped', paceDefaults],
    ] as const) {
      await journal(join(root, 'j'), {
        name: `${name}, 4 a turn, 100 ms stalls`,
        perTurn: 4,
        records: 20_000,
        calls: stallingDisk(),
        pace,
      });
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

await main();
