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
  TransferJob,
  TransferResult,
} from './load/load-job.ts';

const entry = fileURLToPath(new URL('./load-client.ts', import.meta.url));

export function runLoad(job: ClosedLoopJob | HandshakeJob, core: number | null): Promise<LoopResult>;
export function runLoad(job: ConstantRateJob, core: number | null): Promise<RateResult>;
export function runLoad(job: TransferJob, core: number | null): Promise<TransferResult>;
export function runLoad(job: HoldJob, core: number | null): Promise<HoldResult>;
export async function runLoad(job: LoadJob, core: number | null): Promise<unknown> {
  const text = await wholeOutput(startNode(entry, [JSON.stringify(job)], core));
  return JSON.parse(text);
}
