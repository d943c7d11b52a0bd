// `fsync: interval`: sends what was written to the disk now and then, in the background. A power loss costs at most what
// was written since; a crash of the process costs nothing.

import type { LineTarget } from './line-target.ts';

/** Syncs a target while something new was written. */
export class SyncPacer {
  readonly #timer: NodeJS.Timeout;
  #syncedBytes = 0;
  #busy: Promise<void> | null = null;
  readonly counts = { syncs: 0, failures: 0 };

  constructor(target: LineTarget, writtenBytes: () => number, intervalMs: number) {
    this.#timer = setInterval(() => this.#tick(target, writtenBytes), intervalMs).unref();
  }

  /** Stops, after the sync that may be under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#busy;
  }

  #tick(target: LineTarget, writtenBytes: () => number): void {
    const bytes = writtenBytes();
    if (this.#busy !== null || bytes === this.#syncedBytes) return;
    this.#busy = new Promise((resolve) => {
      target.sync((error) => {
        this.#busy = null;
        this.counts.syncs += 1;
        if (error === null) this.#syncedBytes = bytes;
        else this.counts.failures += 1;
        resolve();
      });
    });
  }
}
