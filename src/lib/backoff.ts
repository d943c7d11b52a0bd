// How long to wait before something is tried again: longer each time, up to a bound, and never in step with others who
// failed at the same moment.

/** Times in milliseconds. */
export interface BackoffOptions {
  /** Longest wait after the first failure. */
  readonly firstMs: number;
  /** Longest wait of all. */
  readonly mostMs: number;
  /** 0 up to but without 1, as Math.random. */
  readonly random: () => number;
}

/** Counts failures; each wait is drawn from the upper half of a span that doubles with every failure. */
export class Backoff {
  readonly #options: BackoffOptions;
  #spanMs: number;

  constructor(options: BackoffOptions) {
    if (!(options.firstMs > 0 && options.mostMs >= options.firstMs)) {
      throw new TypeError('a backoff needs 0 < firstMs <= mostMs');
    }
    this.#options = options;
    this.#spanMs = options.firstMs;
  }

  /** It failed: how long to wait. */
  next(): number {
    const spanMs = this.#spanMs;
    this.#spanMs = Math.min(spanMs * 2, this.#options.mostMs);
    return spanMs / 2 + (this.#options.random() * spanMs) / 2;
  }

  /** It worked: the next failure is a first one. */
  reset(): void {
    this.#spanMs = this.#options.firstMs;
  }
}
