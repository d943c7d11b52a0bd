// HOT PATH (npm run bench). A histogram with fixed bounds: observing is a few comparisons and two additions.

/** Counts values into buckets; read at scrape. */
export class FixedHistogram {
  /** Upper bounds in the exported unit, rising. */
  readonly bounds: readonly number[];
  /** Count of each bucket alone; the last one holds what is above every bound. */
  readonly counts: Float64Array;
  readonly #limits: Float64Array;
  readonly #scale: number;
  #sum = 0;

  /** `scale`: how many observed units make one exported unit; 1000 to observe milliseconds and export seconds. */
  constructor(bounds: readonly number[], scale: number) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.#limits = Float64Array.from(bounds, (bound) => bound * scale);
    this.#scale = scale;
  }

  /** Adds one value; a negative one or NaN counts as 0 (a clock that was set back). */
  observe(value: number): void {
    const limits = this.#limits;
    const observed = value > 0 ? value : 0;
    let at = 0;
    while (at < limits.length && observed > limits[at]!) at++;
    this.counts[at]!++;
    this.#sum += observed;
  }

  /** Sum of all values, in the exported unit. */
  get sum(): number {
    return this.#sum / this.#scale;
  }
}
