// Copies of records on standard output, beside a journal. The journal is the truth: a reader that is slow loses copies,
// which are counted, and never slows a decision.

import type { PacedWriter } from './paced-writer.ts';
import type { StdoutDescriptor } from './stdout-descriptor.ts';
import type { BatchLines } from './stream-writer.ts';

/** Most that waits for the reader. */
const mostPendingBytes = 4 * 1024 * 1024;

const lineFeed = Buffer.from('\n');

/** Writes lines to a descriptor, one write a turn, and gives up what it cannot keep. */
export class StdoutCopies {
  readonly #writer: PacedWriter;
  readonly #stdout: StdoutDescriptor;
  #pending: Buffer[] = [];
  #pendingLines = 0;
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
  add({ bytes, ends }: BatchLines): void {
    const room = mostPendingBytes - this.#pendingBytes;
    let taken = 0;
    for (const end of ends) {
      if (end === taken) continue;
      if (end > room) this.counts.dropped += 1;
      else {
        taken = end;
        this.#pendingLines += 1;
      }
    }
    if (taken > 0) this.#pending.push(Buffer.from(bytes.subarray(0, taken)));
    this.#pendingBytes += taken;
    this.#flush();
  }

  /** Stops; what still waits is given up and counted as dropped. */
  close(): void {
    this.counts.dropped += this.#pendingLines + this.#underWay;
    this.#pending = [];
    this.#closed = true;
    this.#writer.giveUp();
    this.#stdout.close();
  }

  #flush(): void {
    if (this.#underWay > 0 || this.#pending.length === 0) return;
    const count = this.#pendingLines;
    const lines = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingLines = 0;
    this.#underWay = count;
    const bytes = this.#torn ? Buffer.concat([lineFeed, lines]) : lines;
    this.#writer.write(this.#stdout.fd, bytes, (error, written) => {
      if (this.#closed) return;
      this.#underWay = 0;
      this.#pendingBytes -= lines.length;
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
