// Signals of a running sidecar: SIGHUP reloads; SIGTERM drains; SIGINT ends what serves nothing and waits briefly for the
// rest; a second SIGTERM or SIGINT ends at once. Heard from before the start on: one that falls into the start is obeyed
// as soon as there is something to end, and never by the default action, which would leave the journal unsealed.

import process from 'node:process';
import type { Sidecar } from '../runtime/sidecar.ts';

/** Ctrl-C at a terminal: nobody wants to wait long. */
const interruptDrainMs = 2_000;

type Wish = 'terminate' | 'interrupt';

export class SignalWatch {
  readonly #hurry = new AbortController();
  readonly #onTerminate = (): void => this.#stop('terminate');
  readonly #onInterrupt = (): void => this.#stop('interrupt');
  // A refused reload has been logged; the old configuration goes on.
  readonly #onHangUp = (): void => void this.#sidecar?.reload().catch(() => {});
  #sidecar: Sidecar | null = null;
  #wish: Wish | null = null;

  constructor() {
    process.on('SIGTERM', this.#onTerminate).on('SIGINT', this.#onInterrupt).on('SIGHUP', this.#onHangUp);
  }

  /** Steers a started sidecar until it has ended. */
  async drive(sidecar: Sidecar): Promise<void> {
    this.#sidecar = sidecar;
    if (this.#wish !== null) this.#begin(this.#wish);
    await sidecar.ended;
  }

  close(): void {
    process.off('SIGTERM', this.#onTerminate).off('SIGINT', this.#onInterrupt).off('SIGHUP', this.#onHangUp);
  }

  #stop(wish: Wish): void {
    if (this.#wish !== null) return this.#hurry.abort();
    this.#wish = wish;
    if (this.#sidecar !== null) this.#begin(wish);
  }

  #begin(wish: Wish): void {
    const sidecar = this.#sidecar!;
    const drainMs = wish === 'interrupt' ? interruptDrainMs : sidecar.parts.reloader.config.shutdown.drainMs;
    void sidecar.stop(drainMs, this.#hurry.signal);
  }
}
