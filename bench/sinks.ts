// `npm run bench:sinks [RATE] [ROUNDS]`: what a sink costs the sidecar. Small GETs at a constant rate, a record each; CPU time of the process and of its
// main thread a request, and the latencies, without a sink and with each kind, in rounds that take turns. The receiver is of this process.

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { stopAllOnSignal } from './child-process.ts';
import { mainThreadCpuTimeUs } from './cpu-time.ts';
import { type Contestant, enter, openStage, type Stage } from './lineup.ts';
import { runLoad } from './load-run.ts';
import { canPin, planCores } from './machine.ts';
import { posternWith } from './peers/postern.ts';
import { median } from './statistics.ts';

const figures = ['cpuUs', 'mainThreadUs', 'p50Ms', 'p99Ms', 'maxMs'] as const;
type Figures = Readonly<Record<(typeof figures)[number], number>>;

async function main(ratePerS: number, rounds: number): Promise<void> {
  const stage = await openStage(planCores(availableParallelism(), canPin()));
  const receiver = await startReceiver();
  try {
    const contestants = new Map<string, Contestant>();
    for (const [name, audit] of Object.entries(sinks(receiver.url))) {
      contestants.set(name, await enter(stage, posternWith(audit)));
    }
    const samples = new Map<string, Figures[]>([...contestants.keys()].map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, contestant] of contestants) samples.get(name)!.push(await measure(contestant, stage, ratePerS));
    }
    print(samples, ratePerS);
    for (const contestant of contestants.values()) await contestant.stop();
  } finally {
    receiver.close();
    await stage.close();
  }
}

/** Lines of `audit:`. */
function sinks(url: string): Readonly<Record<string, string>> {
  const sink = (text: string): string => `  sinks: [{ ${text} }]\n`;
  return {
    'no sink': '',
    'file, as in the journal': sink('type: file, encode: native, path: sink.ndjson'),
    'HTTP, as in the journal': sink(`type: http, flavour: ndjson, encode: native, url: "${url}/lines"`),
    'HTTP, Elastic ECS': sink(`type: http, flavour: elastic, url: "${url}/_bulk"`),
    'OTLP, protobuf': sink(`type: otlp, url: "${url}/v1/logs"`),
  };
}

async function measure({ target, pids }: Contestant, stage: Stage, ratePerS: number): Promise<Figures> {
  const job = { kind: 'constant-rate', target, pids: pids(), connectionCount: 32, ratePerS } as const;
  const durations = { warmupMs: 1_500, measureMs: 5_000 };
  const [pid] = pids();
  const before = mainThreadCpuTimeUs(pid!);
  const result = await runLoad({ ...job, ...durations }, stage.cores.load);
  const requests = (ratePerS * (durations.warmupMs + durations.measureMs)) / 1_000;
  return {
    cpuUs: result.cpuUsPerRequest,
    mainThreadUs: (mainThreadCpuTimeUs(pid!) - before) / requests,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    maxMs: result.maxMs,
  };
}

function print(samples: ReadonlyMap<string, readonly Figures[]>, ratePerS: number): void {
  console.log(`${ratePerS} requests a second, medians of ${[...samples.values()][0]?.length} rounds`);
  console.log(`| sink | ${figures.join(' | ')} | CPU time of no sink's |`);
  console.log(`| --- |${' --- |'.repeat(figures.length + 1)}`);
  const of = (all: readonly Figures[], figure: keyof Figures): number => median(all.map((one) => one[figure]));
  const base = of(samples.get('no sink') ?? [], 'cpuUs');
  for (const [name, all] of samples) {
    const row = figures.map((figure) => of(all, figure).toFixed(1));
    console.log(`| ${name} | ${row.join(' | ')} | ${(of(all, 'cpuUs') / base).toFixed(2)} |`);
  }
}

/** Takes everything, and says so. */
async function startReceiver(): Promise<{ readonly url: string; close(): void }> {
  const server = http.createServer((request, answer) => {
    let lines = 0;
    request.on('data', (piece: Buffer) => {
      for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) lines++;
    });
    request.on('end', () => {
      if (request.url === '/v1/logs') return void answer.end();
      const count = request.url === '/_bulk' ? lines / 2 : 0;
      answer.end(JSON.stringify({ errors: false, items: Array(count).fill({ create: { status: 201 } }) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

stopAllOnSignal();
await main(Number(process.argv[2] ?? 3_000), Number(process.argv[3] ?? 5));
