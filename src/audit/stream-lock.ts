// A lock on a stream that ends with its process, however that ends. Node has no flock(2); SQLite holds fcntl(2) locks,
// which the kernel gives back on SIGKILL and which hold across containers that share a volume. Process ids do neither.
//
// INVARIANT: nobody opens the lock file but through here. Closing any descriptor of a file drops all fcntl locks that
// the process has on it.

import { DatabaseSync } from 'node:sqlite';

/** A held lock. */
export interface StreamLock {
  release(): void;
}

/**
 * Takes the lock; null when somebody else holds it, for longer than `waitMs` (whoever only looks holds it for a moment).
 * Throws when the file cannot be made or opened.
 */
export function tryLock(path: string, waitMs = 0): StreamLock | null {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { release: () => database.close() };
}

/** SQLITE_BUSY (5), with or without an extended part. */
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
  );
}
