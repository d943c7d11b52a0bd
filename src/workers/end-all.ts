// The end of all workers: each drains by itself, at the same time; one that does not end when its time is over is ended.

import { setTimeout as pause } from 'node:timers/promises';
import type { WorkerProcess } from './worker-process.ts';
import type { WorkerSlot } from './worker-slot.ts';

/** Beyond the drain: to write and seal the journal, and to end. */
const closingMs = 10_000;

/** Resolves when every worker has ended; true where each could let its requests end. `signal` cuts it short. */
export async function endAll(slots: readonly WorkerSlot[], drainMs: number, signal: AbortSignal): Promise<boolean> {
  const workers = slots.flatMap(({ worker }) => (worker === null ? [] : [worker]));
  const hurry = (): void => {
    for (const worker of workers) void worker.ask('hurry', undefined, closingMs).catch(() => {});
  };
  const ends = workers.map((worker) => endOne(worker, drainMs));
  if (signal.aborted) hurry();
  else signal.addEventListener('abort', hurry, { once: true });
  try {
    return (await Promise.all(ends)).every((isClean) => isClean);
  } finally {
    signal.removeEventListener('abort', hurry);
  }
}

async function endOne(worker: WorkerProcess, drainMs: number): Promise<boolean> {
  const isClean = await worker.ask('stop', drainMs, drainMs + closingMs).catch(() => false);
  const late = new AbortController();
  const kill = pause(closingMs, undefined, { signal: late.signal }).then(
    () => worker.kill(),
    () => {},
  );
  await worker.exited;
  late.abort();
  await kill;
  return isClean;
}
