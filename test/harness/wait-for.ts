// Tests wait for conditions with a deadline, never for time to pass.

import { setTimeout as pause } from 'node:timers/promises';

const pollMs = 10;

/** Resolves with the first truthy value of `probe`; rejects, naming `what`, when `deadlineMs` is over. */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  deadlineMs = 30_000,
): Promise<NonNullable<T>> {
  const until = performance.now() + deadlineMs;
  let lastError: unknown = null;
  while (performance.now() < until) {
    try {
      const value = await probe();
      if (value) return value;
      lastError = null;
    } catch (error) {
      lastError = error;
    }
    await pause(pollMs);
  }
  throw new Error(`waited ${deadlineMs} ms in vain: ${what}`, lastError === null ? undefined : { cause: lastError });
}
