// Lines on their way to an output that may be slow or gone: kept within a bound, then dropped and counted.

import { setTimeout as pause } from 'node:timers/promises';
import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';
import type { LineOutput } from './line-output.ts';

const mostWaitingBytes = 1024 * 1024;
const retryMs = 100;
const pollMs = 20;

export class LineWriter {
  readonly #output: LineOutput;
  readonly #wheel: TimerWheel;
  readonly #retry: WheelEntry;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #closed = false;
  /** Lines that were lost: there was no room, or nobody to read them. */
  dropped = 0;

  constructor(output: LineOutput, wheel: TimerWheel) {
    this.#output = output;
    this.#wheel = wheel;
    this.#retry = new WheelEntry(() => this.#flush());
  }

  /** Takes a line with its line feed. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#closed || this.#waitingBytes + bytes.length > mostWaitingBytes) {
      this.dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#retry.isScheduled) this.#flush();
  }

  /** Writes what waits, for at most `patienceMs`; the rest is dropped. */
  async close(patienceMs: number): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    // A timer of its own: the wheel's keeps no process alive, and what waits is worth the wait.
    for (let waitedMs = 0; !this.#isIdle && waitedMs < patienceMs; waitedMs += pollMs) {
      await pause(pollMs);
      this.#flush();
    }
    this.#closed = true;
    this.#wheel.cancel(this.#retry);
    this.#drop();
    this.#output.close();
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#output.isEmpty;
  }

  #flush(): void {
    try {
      while (this.#waiting.length > 0 && this.#takeFirst());
    } catch {
      // Nobody reads any more (EPIPE), or the disk is full: the counter is the only place left to say so.
      this.#drop();
    }
    if (this.#waiting.length > 0) this.#wheel.schedule(this.#retry, retryMs);
  }

  /** False when the output is full. */
  #takeFirst(): boolean {
    const first = this.#waiting[0]!;
    const taken = this.#output.take(first);
    this.#waitingBytes -= taken;
    if (taken === first.length) this.#waiting.shift();
    else this.#waiting[0] = first.subarray(taken);
    return taken > 0;
  }

  #drop(): void {
    this.dropped += this.#waiting.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
