// HOT PATH (bench/audit.bench.ts). Writes whole buffers to a descriptor: with write(2) on the loop as long as the disk
// answers at once, through the thread pool while it does not. Measured (docs/decision-records.md): with few records a turn
// the pool costs two to five times the CPU of a blocking write; but a disk that stalls would stop every connection.

import { write, writeSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { faultCode } from './fault-code.ts';

/** The calls that a writer makes, so that tests and benches can be the disk. */
export interface WriteCalls {
  /** As write(2): may write less than asked, throws with an errno code. */
  writeSync(fd: number, bytes: Uint8Array, offset: number): number;
  write(fd: number, bytes: Uint8Array, offset: number, done: (error: Error | null, written: number) => void): void;
}

/** The kernel. */
export const systemWriteCalls: WriteCalls = Object.freeze({
  writeSync: (fd: number, bytes: Uint8Array, offset: number) => writeSync(fd, bytes, offset, bytes.length - offset),
  write: (fd: number, bytes: Uint8Array, offset: number, done: (error: Error | null, written: number) => void) =>
    write(fd, bytes, offset, bytes.length - offset, null, done),
});

/** How a writer tells a disk that answers from one that stalls, milliseconds. */
export interface PaceOptions {
  /** A write that takes longer counts as a stall; the second within `calmMs` sends the next ones through the thread pool. */
  readonly stallMs: number;
  /** A write that takes longer does so by itself. Through the pool only such a one counts: its time includes the loop's own. */
  readonly longStallMs: number;
  /** The writer goes back to blocking writes when none has stalled for so long. */
  readonly calmMs: number;
  /** Pause before a pipe that is full is tried again. */
  readonly fullPipeMs: number;
}

export const paceDefaults: PaceOptions = Object.freeze({ stallMs: 20, longStallMs: 100, calmMs: 1_000, fullPipeMs: 2 });

/** What a writer works with. */
export interface PacedWriterParts {
  readonly clock: Clock;
  readonly calls: WriteCalls;
  readonly pace: PaceOptions;
  /** True where a blocking write must never be tried. */
  readonly alwaysPooled: boolean;
  /** Sees how long each call took, milliseconds. */
  readonly onWriteMs?: ((ms: number) => void) | undefined;
}

/** `lastStallMs` by the monotonic clock; -Infinity before the first. */
type PaceState =
  | { readonly kind: 'blocking'; readonly lastStallMs: number }
  | { readonly kind: 'pooled'; readonly lastStallMs: number };

const neverStalled: PaceState = Object.freeze({ kind: 'blocking', lastStallMs: Number.NEGATIVE_INFINITY });

/** Called once when all bytes are written or no more can be; `written` counts what is in the file. */
export type WriteDone = (error: Error | null, written: number) => void;

/** Writes buffers one at a time. */
export class PacedWriter {
  readonly #parts: PacedWriterParts;
  #state: PaceState;
  #retry: NodeJS.Timeout | undefined;
  /** Writes that took longer than `stallMs`. */
  stalls = 0;
  /** Calls of write(2). */
  writes = 0;

  constructor(parts: PacedWriterParts) {
    this.#parts = parts;
    this.#state = parts.alwaysPooled ? { kind: 'pooled', lastStallMs: 0 } : neverStalled;
  }

  /** True while writes go through the thread pool. */
  get pooled(): boolean {
    return this.#state.kind === 'pooled';
  }

  /** Writes all of `bytes`; `done` may be called before this returns. The bytes must not change until then. */
  write(fd: number, bytes: Uint8Array, done: WriteDone): void {
    if (this.#state.kind === 'blocking') this.#blocking(fd, bytes, done);
    else this.#pooled({ fd, bytes, done }, 0);
  }

  /** Tries a full pipe no further; its `done` is never called. */
  giveUp(): void {
    clearTimeout(this.#retry);
  }

  #blocking(fd: number, bytes: Uint8Array, done: WriteDone): void {
    const { clock, calls } = this.#parts;
    let written = 0;
    while (written < bytes.length) {
      const startMs = clock.monotonicMs();
      try {
        this.writes += 1;
        written += progress(calls.writeSync(fd, bytes, written));
      } catch (error) {
        this.#timed(startMs);
        if (faultCode(error) === 'EINTR') continue;
        if (isFullPipe(error)) return this.#later({ fd, bytes, done }, written);
        return done(asError(error), written);
      }
      this.#timed(startMs);
    }
    done(null, written);
  }

  #pooled(job: WriteJob, written: number): void {
    if (written === job.bytes.length) return job.done(null, written);
    const startMs = this.#parts.clock.monotonicMs();
    this.writes += 1;
    this.#parts.calls.write(job.fd, job.bytes, written, (error, count) => {
      this.#timed(startMs);
      if (error === null || error === undefined) {
        if (count > 0) return this.#pooled(job, written + count);
        return job.done(new Error('write returned 0'), written);
      }
      if (faultCode(error) === 'EINTR') return this.#pooled(job, written);
      if (isFullPipe(error)) return this.#later(job, written);
      job.done(error, written);
    });
  }

  /** A pipe whose reader is slow is no stall of the loop: what is left is tried again after a pause. */
  #later(job: WriteJob, written: number): void {
    this.#state = { kind: 'pooled', lastStallMs: this.#parts.clock.monotonicMs() };
    this.#retry = setTimeout(() => this.#pooled(job, written), this.#parts.pace.fullPipeMs);
  }

  #isCalm(sinceStallMs: number): boolean {
    return !this.#parts.alwaysPooled && sinceStallMs > this.#parts.pace.calmMs;
  }

  #timed(startMs: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#parts.onWriteMs?.(nowMs - startMs);
    const { stallMs, longStallMs } = this.#parts.pace;
    const tookMs = nowMs - startMs;
    if (tookMs > stallMs) this.stalls += 1;
    const isCalm = this.#isCalm(nowMs - this.#state.lastStallMs);
    if (this.#state.kind === 'pooled') {
      if (tookMs > longStallMs) this.#state = { kind: 'pooled', lastStallMs: nowMs };
      else if (isCalm) this.#state = neverStalled;
      return;
    }
    // One short stall is as often a busy machine as a slow disk, and the pool costs several times the CPU.
    const kind = tookMs > longStallMs || (tookMs > stallMs && !isCalm) ? 'pooled' : 'blocking';
    if (tookMs > stallMs) this.#state = { kind, lastStallMs: nowMs };
  }
}

interface WriteJob {
  readonly fd: number;
  readonly bytes: Uint8Array;
  readonly done: WriteDone;
}

function progress(count: number): number {
  if (count > 0) return count;
  throw new Error('write returned 0');
}

function isFullPipe(error: unknown): boolean {
  const code = faultCode(error);
  return code === 'EAGAIN' || code === 'EWOULDBLOCK';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
