// Signals of a running sidecar: SIGHUP reloads; SIGTERM drains; SIGINT ends what serves nothing and waits briefly for the
// rest; a second SIGTERM or SIGINT ends at once. Heard from before the start on: one that falls into the start is obeyed
// as soon as there is something to end, and never by the default action, which would leave the journal unsealed.

import process from 'node:process';

/** Ctrl-C at a terminal: nobody wants to wait long. */
const interruptDrainMs = 2_000;

/** What signals steer: a sidecar, or the supervisor of several. */
export interface Steered {
  /** What SIGTERM drains for, milliseconds. */
  readonly drainMs: number;
  readonly ended: Promise<void>;
  reload(): Promise<void>;
  stop(drainMs: number, signal: AbortSignal): Promise<boolean>;
}

type Wish = 'terminate' | 'interrupt';

export class SignalWatch {
  readonly #hurry = new AbortController();
  readonly #ending = new AbortController();
  readonly #onTerminate = (): void => this.#stop('terminate');
  readonly #onInterrupt = (): void => this.#stop('interrupt');
  // A refused reload has been logged; the old configuration goes on.
  readonly #onHangUp = (): void => void this.#steered?.reload().catch(() => {});
  #steered: Steered | null = null;
  #wish: Wish | null = null;

  constructor() {
    process.on('SIGTERM', this.#onTerminate).on('SIGINT', this.#onInterrupt).on('SIGHUP', this.#onHangUp);
  }

  /** Aborted by the first signal to end: for a start that may take for ever. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Steers what was started until it has ended. */
  async drive(steered: Steered): Promise<void> {
    this.#steered = steered;
    if (this.#wish !== null) this.#begin(this.#wish);
    await steered.ended;
  }

  close(): void {
    process.off('SIGTERM', this.#onTerminate).off('SIGINT', this.#onInterrupt).off('SIGHUP', this.#onHangUp);
  }

  #stop(wish: Wish): void {
    if (this.#wish !== null) return this.#hurry.abort();
    this.#wish = wish;
    this.#ending.abort();
    if (this.#steered !== null) this.#begin(wish);
  }

  #begin(wish: Wish): void {
    const steered = this.#steered!;
    const drainMs = wish === 'interrupt' ? interruptDrainMs : steered.drainMs;
    void steered.stop(drainMs, this.#hurry.signal);
  }
}
