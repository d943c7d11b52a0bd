// Copies of records on standard output, beside a journal. The journal is the truth: a reader that is slow loses copies,
// which are counted, and never slows a decision.

import type { PacedWriter } from './paced-writer.ts';
import type { StdoutDescriptor } from './stdout-descriptor.ts';

/** Most that waits for the reader, characters (lines are ASCII). */
const mostPendingBytes = 4 * 1024 * 1024;

/** Writes lines to a descriptor, one write a turn, and gives up what it cannot keep. */
export class StdoutCopies {
  readonly #writer: PacedWriter;
  readonly #stdout: StdoutDescriptor;
  #pending: string[] = [];
  #pendingBytes = 0;
  /** Lines of the write that is under way. */
  #underWay = 0;
  /** Whether a part of a line is out whose rest never came. */
  #torn = false;
  #closed = false;
  readonly counts = { copied: 0, dropped: 0, failures: 0 };

  constructor(stdout: StdoutDescriptor, writer: PacedWriter) {
    this.#stdout = stdout;
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

  /** Stops; what still waits is given up and counted as dropped. */
  close(): void {
    this.counts.dropped += this.#pending.length + this.#underWay;
    this.#pending = [];
    this.#closed = true;
    this.#writer.giveUp();
    this.#stdout.close();
  }

  #flush(): void {
    if (this.#underWay > 0 || this.#pending.length === 0) return;
    const count = this.#pending.length;
    const text = this.#pending.join('');
    this.#pending = [];
    this.#underWay = count;
    const bytes = Buffer.from(this.#torn ? `\n${text}` : text, 'latin1');
    this.#writer.write(this.#stdout.fd, bytes, (error, written) => {
      if (this.#closed) return;
      this.#underWay = 0;
      this.#pendingBytes -= text.length;
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
