// How many retries may be made: a part of the requests, and a few each second besides, so that calls to an upstream that is
// down do not become a multiple of themselves.

/** Retries that a request earns. */
const perRequest = 0.2;
const perSecond = 1;
/** Most that is saved up. */
const most = 10;

export class RetryBudget {
  #saved = most;
  #asOfMs = 0;

  /** A request was made. */
  earn(): void {
    this.#saved = Math.min(most, this.#saved + perRequest);
  }

  /** True where one more retry may be made; it is counted then. `nowMs` is of one monotonic clock. */
  spend(nowMs: number): boolean {
    const gainedMs = Math.max(0, nowMs - this.#asOfMs);
    this.#asOfMs = nowMs;
    this.#saved = Math.min(most, this.#saved + (gainedMs / 1_000) * perSecond);
    if (this.#saved < 1) return false;
    this.#saved--;
    return true;
  }
}
