// Reload of all workers with one verdict: every worker reads and checks the whole next state; only when all can, and all
// read the same policies, is it put in force everywhere. A worker that ends meanwhile is started with what comes out.

import type { PosternConfig } from '../config/postern-config.ts';
import { isPosternError, PosternError } from '../errors.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Reading large policies takes a while; milliseconds. */
const patienceMs = 60_000;

/**
 * Resolves with the digest of the policies in force in all of them; empty where no worker is left.
 * @throws PosternError saying why nothing has changed anywhere
 */
export async function reloadAll(workers: readonly WorkerProcess[], config: PosternConfig): Promise<string> {
  const prepared: { readonly worker: WorkerProcess; readonly digest: string }[] = [];
  const faults: unknown[] = [];
  const prepare = async (worker: WorkerProcess): Promise<void> => {
    try {
      prepared.push({ worker, digest: await worker.ask('prepare', config, patienceMs) });
    } catch (error) {
      faults.push(error);
      // It is gone, or hangs; in both cases another takes its place.
      if (isPosternError(error, 'ERR_WORKER')) worker.kill();
    }
  };
  await Promise.all(workers.map(prepare));
  const ready = prepared.map(({ worker }) => worker);
  const refusal = faults.find((fault) => !isPosternError(fault, 'ERR_WORKER')) ?? differing(prepared);
  if (refusal !== null) {
    await Promise.allSettled(ready.map((worker) => worker.ask('discard', undefined, patienceMs)));
    throw refusal;
  }
  await Promise.all(ready.map(commit));
  return prepared[0]?.digest ?? '';
}

function differing(prepared: readonly { readonly digest: string }[]): PosternError | null {
  if (new Set(prepared.map(({ digest }) => digest)).size <= 1) return null;
  return new PosternError('ERR_WORKER', 'policy files changed while the workers read them', {
    mend: 'reload again when all files are written; a change of a file does so by itself',
  });
}

/** Nothing that can fail is left to do; a worker that fails all the same must not go on as another than its siblings. */
async function commit(worker: WorkerProcess): Promise<void> {
  try {
    await worker.ask('commit', undefined, patienceMs);
  } catch {
    worker.kill();
  }
}
