// A current value that can be watched. Publication is synchronous and in order; a listener that throws does not keep
// the others from hearing.

/** The read side of a value that changes over time. */
export interface Latest<T> {
  readonly current: T;
  /** Calls `listener` with every later value; returns the function that stops it. */
  subscribe(listener: (next: T) => void): () => void;
}

/** The write side. `onListenerError` receives what a listener throws. */
export class LatestValue<T> implements Latest<T> {
  #current: T;
  readonly #listeners = new Set<(next: T) => void>();
  readonly #onListenerError: (error: unknown) => void;

  constructor(initial: T, onListenerError: (error: unknown) => void) {
    this.#current = initial;
    this.#onListenerError = onListenerError;
  }

  get current(): T {
    return this.#current;
  }

  publish(next: T): void {
    this.#current = next;
    for (const listener of [...this.#listeners]) {
      try {
        listener(next);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  subscribe(listener: (next: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
