// Runs one load job in its own pinned process and returns what it found.

import { fileURLToPath } from 'node:url';
import { startNode, wholeOutput } from './child-process.ts';
import type {
  ClosedLoopJob,
  ConstantRateJob,
  HandshakeJob,
  HoldJob,
  HoldResult,
  LoadJob,
  LoopResult,
  RateResult,
  StreamsJob,
  TransferJob,
  TransferResult,
} from './load/load-job.ts';

/** 5 MB a second. */
const slowestBytesPerMs = 5_000;

const entry = fileURLToPath(new URL('./load-client.ts', import.meta.url));

export function runLoad(job: ClosedLoopJob | StreamsJob | HandshakeJob, core: number | null): Promise<LoopResult>;
export function runLoad(job: ConstantRateJob, core: number | null): Promise<RateResult>;
export function runLoad(job: TransferJob, core: number | null): Promise<TransferResult>;
export function runLoad(job: HoldJob, core: number | null): Promise<HoldResult>;
export async function runLoad(job: LoadJob, core: number | null): Promise<unknown> {
  const text = await wholeOutput(startNode(entry, [JSON.stringify(job)], core), patienceMs(job));
  return JSON.parse(text);
}

/** Many times what a job takes: one that takes longer is stuck, and would hold up the whole run. */
function patienceMs(job: LoadJob): number {
  switch (job.kind) {
    case 'constant-rate':
      return 60_000 + 3 * (job.warmupMs + job.measureMs);
    case 'closed-loop':
    case 'streams':
    case 'handshake':
      return 60_000 + 20 * (job.warmupCount + job.requestCount);
    case 'transfer':
      return 60_000 + (job.warmupBytes + job.bytes) / slowestBytesPerMs;
    case 'hold':
      return 60_000 + job.settleMs + 20 * job.connectionCount * job.requestsEach;
  }
}
