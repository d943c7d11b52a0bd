// Signals of a running sidecar: SIGHUP reloads; SIGTERM drains; SIGINT ends what serves nothing and waits briefly for the
// rest; a second SIGTERM or SIGINT ends at once.

import process from 'node:process';
import type { Sidecar } from '../runtime/sidecar.ts';

/** Ctrl-C at a terminal: nobody wants to wait long. */
const interruptDrainMs = 2_000;

/** Resolves when the sidecar has ended. */
export async function stopOnSignals(sidecar: Sidecar): Promise<void> {
  const hurry = new AbortController();
  let isStopping = false;
  const stop = (drainMs: number): void => {
    if (isStopping) return hurry.abort();
    isStopping = true;
    void sidecar.stop(drainMs, hurry.signal);
  };
  const onTerminate = (): void => stop(sidecar.parts.reloader.config.shutdown.drainMs);
  const onInterrupt = (): void => stop(interruptDrainMs);
  // A refused reload has been logged; the old configuration goes on.
  const onHangUp = (): void => void sidecar.reload().catch(() => {});
  process.on('SIGTERM', onTerminate).on('SIGINT', onInterrupt).on('SIGHUP', onHangUp);
  try {
    await sidecar.ended;
  } finally {
    process.off('SIGTERM', onTerminate).off('SIGINT', onInterrupt).off('SIGHUP', onHangUp);
  }
}
