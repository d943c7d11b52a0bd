// Copies of records on standard output, beside a journal. The journal is the truth: a reader that is slow loses copies,
// which are counted, and never slows a decision.

import { closeSync } from 'node:fs';
import type { PacedWriter } from './paced-writer.ts';
import { reopenPipe } from './stdout-target.ts';

/** Most that waits for the reader, characters (lines are ASCII). */
const mostPendingBytes = 4 * 1024 * 1024;

/** Writes lines to a descriptor, one write a turn, and gives up what it cannot keep. */
export class StdoutCopies {
  readonly #writer: PacedWriter;
  readonly #fd: number;
  readonly #own: boolean;
  #pending: string[] = [];
  #pendingBytes = 0;
  #busy = false;
  /** Whether a part of a line is out whose rest never came. */
  #torn = false;
  readonly counts = { copied: 0, dropped: 0, failures: 0 };

  constructor(fd: number, writer: PacedWriter) {
    const own = reopenPipe(fd);
    this.#fd = own ?? fd;
    this.#own = own !== null;
    this.#writer = writer;
  }

  /** Takes the lines of a batch; those that find no room are counted as dropped. */
  add(lines: readonly (string | null)[]): void {
    for (const line of lines) {
      if (line === null) continue;
      if (this.#pendingBytes + line.length > mostPendingBytes) {
        this.counts.dropped += 1;
        continue;
      }
      this.#pending.push(line);
      this.#pendingBytes += line.length;
    }
    this.#flush();
  }

  /** Stops; what still waits is counted as dropped. */
  close(): void {
    this.counts.dropped += this.#pending.length;
    this.#pending = [];
    if (this.#own && !this.#busy) closeSync(this.#fd);
  }

  #flush(): void {
    if (this.#busy || this.#pending.length === 0) return;
    const count = this.#pending.length;
    const text = (this.#torn ? '\n' : '') + this.#pending.join('');
    this.#pending = [];
    this.#busy = true;
    this.#writer.write(this.#fd, Buffer.from(text, 'latin1'), (error, written) => {
      this.#busy = false;
      this.#pendingBytes -= text.length - (this.#torn ? 1 : 0);
      if (error === null) {
        this.#torn = false;
        this.counts.copied += count;
      } else {
        this.#torn ||= written > 0;
        this.counts.failures += 1;
        this.counts.dropped += count;
      }
      this.#flush();
    });
  }
}
