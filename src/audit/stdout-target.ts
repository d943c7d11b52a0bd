// Standard output as the record itself (`journal: off`, `stdout: native`). There is nothing to cut and nothing to end: a
// line that was torn by a fault is closed with a line feed, and a `recovered` record says that it does not count.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { LineTarget } from './line-target.ts';
import type { Recovery } from './service-records.ts';

/** A pipe or file that only takes. */
export class StdoutTarget implements LineTarget {
  readonly segmentFull = false;
  readonly #fd: number;
  readonly #own: boolean;
  #bytes = 0;
  #tornBytes = 0;

  constructor(fd: number) {
    const own = reopenPipe(fd);
    this.#fd = own ?? fd;
    this.#own = own !== null;
  }

  get recoveries(): readonly Recovery[] {
    if (this.#tornBytes === 0) return [];
    return [{ segment: 'stdout', goodBytes: this.#bytes, cutBytes: this.#tornBytes, unsealed: 0 }];
  }

  get lead(): string {
    return this.#tornBytes > 0 ? '\n' : '';
  }

  get segmentBytes(): number {
    return this.#bytes;
  }

  ready(): number {
    return this.#fd;
  }

  accept(bytes: number): void {
    this.#bytes += bytes + this.#tornBytes;
    this.#tornBytes = 0;
  }

  reject(writtenBytes: number): void {
    this.#tornBytes += writtenBytes;
  }

  endSegment(): void {}

  check(): void {}

  sync(done: (error: Error | null) => void): void {
    done(null);
  }

  close(): void {
    if (this.#own) closeSync(this.#fd);
  }
}

/**
 * A descriptor of our own for a pipe, which never blocks: a reader that stops must not stop the loop, and the flag must
 * not reach others who share the pipe. Null where the descriptor is no pipe or may not be opened again.
 */
export function reopenPipe(fd: number): number | null {
  try {
    if (!fstatSync(fd).isFIFO()) return null;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}
