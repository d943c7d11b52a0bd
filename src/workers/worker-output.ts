// Standard output of all workers. A pipe with several writers keeps a line whole only up to 4 KiB (pipe(7), PIPE_BUF), so
// each worker writes to its supervisor, which passes on whole lines. They are copies: the record is in the journal.

import type { Readable } from 'node:stream';
import { PacedWriter, paceDefaults } from '../audit/paced-writer.ts';
import { StdoutCopies } from '../audit/stdout-copies.ts';
import { openStdout } from '../audit/stdout-descriptor.ts';
import type { BatchLines } from '../audit/stream-writer.ts';
import type { Clock } from '../lib/clock.ts';

/** Longer than any line; what has no end by then is no line of ours. */
const longestLine = 64 * 1024;

export class WorkerOutput {
  readonly #clock: Clock;
  #copies: StdoutCopies | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lines that found no reader. */
  get dropped(): number {
    return this.#copies?.counts.dropped ?? 0;
  }

  /** Passes on what a worker writes, until it ends; a torn line at its end is left out. */
  passOn(stream: Readable): void {
    let rest = '';
    // Records are ASCII.
    stream.setEncoding('latin1');
    stream.on('error', () => {});
    stream.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestLine) rest = '';
      if (lines.length > 0) this.#open().add(asBatch(lines));
    });
  }

  close(): void {
    this.#copies?.close();
  }

  #open(): StdoutCopies {
    if (this.#copies !== null) return this.#copies;
    const stdout = openStdout(1);
    const { calls, alwaysPooled } = stdout;
    const writer = new PacedWriter({ clock: this.#clock, pace: paceDefaults, calls, alwaysPooled });
    this.#copies = new StdoutCopies(stdout, writer);
    return this.#copies;
  }
}

/** Lines without their line feeds as the bytes of a batch. */
function asBatch(lines: readonly string[]): BatchLines {
  let end = 0;
  const ends = lines.map((line) => (end += line.length + 1));
  return { bytes: Buffer.from(`${lines.join('\n')}\n`, 'latin1'), ends };
}
