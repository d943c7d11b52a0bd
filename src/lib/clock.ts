// Time as a parameter, so that tests own it. Wall time only where an outside party's clock matters (certificates,
// records); intervals use the monotonic clock.

/** A source of time. */
export interface Clock {
  /** Whole milliseconds since the Unix epoch; follows the machine's clock when it is set. */
  nowMs(): number;
  /** Microseconds since the Unix epoch, for records. */
  nowUs(): number;
  /** Monotonic milliseconds from an arbitrary start. */
  monotonicMs(): number;
}

/** How far the fine clock may be from the machine's before it is set anew, milliseconds. */
const toleratedDriftMs = 2;

/** The machine's clocks. Microseconds are the monotonic clock, anchored to the wall clock whenever the two part. */
export class SystemClock implements Clock {
  #anchorMs = Date.now() - performance.now();

  nowMs(): number {
    return Date.now();
  }

  nowUs(): number {
    const monotonic = performance.now();
    const wall = Date.now();
    // Date.now() is whole milliseconds, so up to one millisecond of difference is rounding, not drift.
    const drift = this.#anchorMs + monotonic - wall;
    if (drift > toleratedDriftMs || drift < -toleratedDriftMs) this.#anchorMs = wall - monotonic;
    return Math.round((this.#anchorMs + monotonic) * 1000);
  }

  monotonicMs(): number {
    return performance.now();
  }
}

/** The machine's clocks; holds nothing but its anchor. */
export const systemClock: Clock = new SystemClock();

/** A clock that moves only when told to, for tests. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  nowUs(): number {
    return this.#nowMs * 1000;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Moves on by `ms` milliseconds. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
