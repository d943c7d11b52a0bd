// Time as a parameter, so that tests own it. Wall time only where an outside party's clock matters (certificates,
// records); intervals use the monotonic clock.

/** A source of time. */
export interface Clock {
  /** Whole milliseconds since the Unix epoch; follows the machine's clock when it is set. */
  nowMs(): number;
  /** Monotonic milliseconds from an arbitrary start. */
  monotonicMs(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** A clock that moves only when told to, for tests. */
export class ManualClock implements Clock {
  #nowMs: number;
  constructor(startMs: number) {
    this.#nowMs = startMs;
  }
  nowMs(): number {
    return this.#nowMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  /** Moves on by `ms` milliseconds. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
