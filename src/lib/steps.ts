// Work that can stop between its steps, so that a large input does not hold up the loop. The same work at once, for a
// command line.

/** Yields wherever it may stop, after some milliseconds of work at most. */
export type Steps<T> = Generator<void, T, void>;

/** All of it now. @throws whatever the work throws */
export function atOnce<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** All of it, each step in a turn of its own. @throws whatever the work throws */
export async function inTurns<T>(work: Steps<T>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
