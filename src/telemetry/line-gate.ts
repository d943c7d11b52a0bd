// Holds back lines of the operational log that come too often, so that a flood of bad peers cannot flood the log. What
// is held back is counted, and told at the end of the second.

import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';

/** What a gate works with. */
export interface LineGateOptions {
  readonly wheel: TimerWheel;
  /** Lines that pass in one second. */
  readonly perSecond: number;
  /** Hears how many lines one second held back. */
  readonly onSuppressed: (count: number) => void;
}

const windowMs = 1_000;

/** The gate of one kind of line. */
export class LineGate {
  readonly #options: LineGateOptions;
  readonly #windowEnd: WheelEntry;
  #passed = 0;
  #suppressed = 0;

  constructor(options: LineGateOptions) {
    this.#options = options;
    this.#windowEnd = new WheelEntry(() => this.#end());
  }

  /** True when the line may be written. */
  pass(): boolean {
    if (!this.#windowEnd.isScheduled) this.#options.wheel.schedule(this.#windowEnd, windowMs);
    if (this.#passed < this.#options.perSecond) {
      this.#passed++;
      return true;
    }
    this.#suppressed++;
    return false;
  }

  /** Tells what was held back so far; for the end of the process. */
  flush(): void {
    this.#options.wheel.cancel(this.#windowEnd);
    this.#end();
  }

  #end(): void {
    const suppressed = this.#suppressed;
    this.#passed = 0;
    this.#suppressed = 0;
    if (suppressed > 0) this.#options.onSuppressed(suppressed);
  }
}
