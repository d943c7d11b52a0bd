// Standard output as the record itself (`journal: off`, `stdout: native`). There is nothing to cut and nothing to end: a
// line that was torn by a fault is closed with a line feed, and a `recovered` record says that it does not count.

import type { LineTarget } from './line-target.ts';
import type { Recovery } from './service-records.ts';
import type { StdoutDescriptor } from './stdout-descriptor.ts';

/** A pipe or file that only takes. */
export class StdoutTarget implements LineTarget {
  readonly segmentFull = false;
  readonly #stdout: StdoutDescriptor;
  #bytes = 0;
  #tornBytes = 0;

  constructor(stdout: StdoutDescriptor) {
    this.#stdout = stdout;
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
    return this.#stdout.fd;
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
    this.#stdout.close();
  }
}
