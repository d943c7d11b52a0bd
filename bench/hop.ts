// `npm run bench:hop [ROUNDS]`: what a call costs that leaves by one Postern and comes in by another, beside a caller that makes the
// mutual TLS itself. CPU time of each sidecar a request, in rounds that take turns; the table gives medians. Between two Posterns HTTP/1.1 is
// spoken; what HTTP/2 would cost is seen in a sidecar that speaks it on both sides, beside one that speaks HTTP/1.1 on both.

import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { shippedEntry } from '../scripts/shipped-form.ts';
import { type RunningProcess, startProcess, stopAllOnSignal, until } from './child-process.ts';
import { type Contestant, enter, openStage, type Stage, settingFor } from './lineup.ts';
import { exchange } from './load/closed-loop.ts';
import type { ClosedLoopJob, HandshakeJob, StreamsJob, Target } from './load/load-job.ts';
import { createDialer } from './load/raw-connection.ts';
import { runLoad } from './load-run.ts';
import { canPin, planCores } from './machine.ts';
import { pidsOf } from './peers/peer.ts';
import { postern } from './peers/postern.ts';
import { median } from './statistics.ts';

const connectionCount = 32;
const checkout = fileURLToPath(new URL('..', import.meta.url));

/** A way to the workload, and the processes whose time a request on it takes. */
interface Way {
  readonly name: string;
  readonly target: Target;
  readonly kind: 'closed-loop' | 'handshake' | 'streams';
  /** In flight on each connection of HTTP/2. */
  readonly streamCount?: number;
  readonly sidecars: Readonly<Record<string, readonly number[]>>;
}

async function main(rounds: number): Promise<void> {
  const stage = await openStage(planCores(availableParallelism(), canPin()));
  try {
    const far = await enter(stage, postern);
    const near = await startNear(stage, far.target.port);
    const multiplexed = await enter(stage, postern, 'http2');
    const ways = waysOf({ far, multiplexed }, near);
    const samples = new Map<string, number[]>();
    for (let round = 0; round < rounds; round++) {
      for (const way of ways) for (const [label, us] of await measure(way, stage)) add(samples, label, us);
    }
    for (const [label, all] of samples) {
      console.log(
        `${label.padEnd(78)} ${median(all).toFixed(1).padStart(7)} us  (${all.map((us) => us.toFixed(0)).join(' ')})`,
      );
    }
    await near.running.stop();
    await multiplexed.stop();
    await far.stop();
  } finally {
    await stage.close();
  }
}

interface Servers {
  readonly far: Contestant;
  /** Speaks HTTP/2 to callers and workload. */
  readonly multiplexed: Contestant;
}

function waysOf({ far, multiplexed }: Servers, near: Near): readonly Way[] {
  const both = { near: pidsOf(near.running), far: far.pids() };
  const alone = { far: far.pids() };
  return [
    { name: 'caller with mTLS, kept', target: far.target, kind: 'closed-loop', sidecars: alone },
    { name: 'through two sidecars, kept', target: near.target, kind: 'closed-loop', sidecars: both },
    ...[1, 8].map((streamCount) => ({
      name: `caller with mTLS, HTTP/2 on both sides, ${streamCount} in flight on each`,
      target: multiplexed.target,
      kind: 'streams' as const,
      streamCount,
      sidecars: { far: multiplexed.pids() },
    })),
    { name: 'caller with mTLS, a connection each', target: far.target, kind: 'handshake', sidecars: alone },
    { name: 'through two sidecars, a connection each', target: near.target, kind: 'handshake', sidecars: both },
  ];
}

/** One load for each sidecar: a load looks at the processes of one figure. */
async function measure(way: Way, stage: Stage): Promise<readonly (readonly [label: string, us: number])[]> {
  const found: [string, number][] = [];
  for (const [sidecar, pids] of Object.entries(way.sidecars)) {
    const { cpuUsPerRequest } = await runLoad(jobOf(way, pids), stage.cores.load);
    found.push([`${way.name}: ${sidecar} sidecar`, cpuUsPerRequest]);
  }
  return found;
}

/** As many requests in flight in every way whose connections are kept. */
function jobOf(
  { target, kind, streamCount = 1 }: Way,
  pids: readonly number[],
): ClosedLoopJob | HandshakeJob | StreamsJob {
  const kept = { target, pids, warmupCount: 4_000, requestCount: 15_000 };
  if (kind === 'closed-loop') return { kind, ...kept, connectionCount };
  if (kind === 'streams')
    return { kind, ...kept, connectionCount: connectionCount / streamCount, streamCount, request: 'get' };
  return { kind, target, pids, concurrency: 8, warmupCount: 200, requestCount: 1_500 };
}

interface Near {
  readonly running: RunningProcess;
  readonly target: Target;
}

/** The sidecar of the caller, with the caller's SVID. */
async function startNear(stage: Stage, farPort: number): Promise<Near> {
  const setting = await settingFor(stage, postern);
  const { certificates, dir, listenPort, adminPort } = setting;
  const file = join(dir, 'postern.yaml');
  const { cert, key } = certificates.caller;
  writeFileSync(
    file,
    `version: 1
identity: { source: files, files: { cert: ${cert}, key: ${key}, bundle: ${certificates.ca} } }
outbound:
  - { name: ledger, listen: 127.0.0.1:${listenPort}, to: [127.0.0.1:${farPort}], accept: [${certificates.workloadId}] }
policy: { paths: [policy.yaml], environment_boundary: off }
audit: { journal: { dir: journal }, stdout: off }
admin: { listen: 127.0.0.1:${adminPort} }
shutdown: { drain: 0s }
`,
  );
  writeFileSync(
    join(dir, 'policy.yaml'),
    `policy "calls":
  principals: { spiffe_id: "${certificates.callerId}" }
  rules: [{ name: out, effect: allow, actions: [read], conditions: ['network.direction == "outbound"'] }]
`,
  );
  const running = startProcess({
    command: process.execPath,
    args: [shippedEntry(checkout, join(dirname(dir), 'shipped')), 'run', '-c', file],
    env: process.env,
    core: setting.core,
    logFile: join(dir, 'output.log'),
    cwd: dir,
  });
  const target: Target = { host: '127.0.0.1', port: listenPort, tls: null };
  await until('the sidecar of the caller to answer', () => answers(target, running));
  return { running, target };
}

async function answers(target: Target, running: RunningProcess): Promise<boolean> {
  if (running.ended()) throw new Error(`the sidecar of the caller has ended: ${running.lastWords()}`);
  try {
    const connection = await createDialer(target).open();
    await exchange([connection], 1);
    connection.close();
    return true;
  } catch {
    return false;
  }
}

function add(samples: Map<string, number[]>, label: string, us: number): void {
  const found = samples.get(label);
  if (found === undefined) samples.set(label, [us]);
  else found.push(us);
}

stopAllOnSignal();
await main(Number(process.argv[2] ?? 3));
