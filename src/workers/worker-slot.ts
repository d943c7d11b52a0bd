// The place of one worker: whoever fills it is started anew when it ends by itself, with longer pauses the more often it
// fails. What a worker has written is in its journal stream; the next one that starts closes that stream (`recovered`).

import { setTimeout as pause } from 'node:timers/promises';
import { isPosternError } from '../errors.ts';
import { Backoff } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import type { WorkerExit, WorkerProcess } from './worker-process.ts';

export interface WorkerSlotParts {
  readonly number: number;
  /** Starts a worker and resolves when it serves. @throws PosternError; then its process has ended */
  readonly launch: (number: number) => Promise<WorkerProcess>;
  readonly log: OperationalLog;
  readonly clock: Clock;
  readonly watch: WatchTimes;
  /** The worker is gone, and not because it was told to go. */
  readonly onLost: (number: number) => void;
}

/** How often a worker is asked whether it lives, and how long it may take to say so; milliseconds. */
export interface WatchTimes {
  readonly everyMs: number;
  readonly patienceMs: number;
}

export const watchDefaults: WatchTimes = Object.freeze({ everyMs: 5_000, patienceMs: 30_000 });

const firstPauseMs = 200;
const longestPauseMs = 30_000;
/** A worker that has served so long was well: its end is a first one. */
const wellMs = 60_000;

export class WorkerSlot {
  readonly number: number;
  readonly #parts: WorkerSlotParts;
  readonly #backoff = new Backoff({ firstMs: firstPauseMs, mostMs: longestPauseMs, random: Math.random });
  readonly #closing = new AbortController();
  #worker: WorkerProcess | null = null;
  #restarting: Promise<void> = Promise.resolve();
  /** How often a worker ended by itself or could not be started again. */
  failures = 0;

  constructor(parts: WorkerSlotParts) {
    this.#parts = parts;
    this.number = parts.number;
  }

  /** The worker that serves; null while there is none. */
  get worker(): WorkerProcess | null {
    return this.#worker;
  }

  /** The first start. @throws PosternError */
  async fill(): Promise<void> {
    this.#take(await this.#parts.launch(this.number));
  }

  /** From now on nobody is started any more; resolves when no start is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#restarting;
  }

  #take(worker: WorkerProcess): void {
    this.#worker = worker;
    const sinceMs = this.#parts.clock.monotonicMs();
    void worker.exited.then((exit) => this.#lost(exit, sinceMs));
    void this.#watch(worker);
  }

  /** A worker whose loop stands still keeps its part of the connections and serves none: it is ended, and so begun anew. */
  async #watch(worker: WorkerProcess): Promise<void> {
    const { everyMs, patienceMs } = this.#parts.watch;
    const { signal } = this.#closing;
    while (this.#worker === worker && !signal.aborted) {
      await pause(everyMs, undefined, { signal, ref: false }).catch(() => {});
      if (this.#worker !== worker || signal.aborted) return;
      try {
        await worker.ask('health', undefined, patienceMs);
      } catch (error) {
        // Who ends by itself closes its channel first, and is not to be taken for one that stands still.
        if (worker.isLeaving) await this.#within(patienceMs, worker.exited);
        if (worker.isGone) return;
        this.#parts.log.error('a worker does not answer and is ended', { worker: this.number, error: String(error) });
        worker.kill();
        return;
      }
    }
  }

  /** Waits for `end`, no longer than this and not beyond the closing. */
  async #within(patienceMs: number, end: Promise<unknown>): Promise<void> {
    const { signal } = this.#closing;
    await Promise.race([end, pause(patienceMs, undefined, { signal, ref: false }).catch(() => {})]);
  }

  #lost(exit: WorkerExit, sinceMs: number): void {
    this.#worker = null;
    if (this.#closing.signal.aborted) return;
    if (this.#parts.clock.monotonicMs() - sinceMs > wellMs) this.#backoff.reset();
    this.failures++;
    this.#parts.log.error('a worker ended by itself', { worker: this.number, code: exit.code, signal: exit.signal });
    this.#parts.onLost(this.number);
    this.#restarting = this.#restart();
  }

  async #restart(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await pause(this.#backoff.next(), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        this.#take(await this.#parts.launch(this.number));
        this.#parts.log.info('a worker was started again', { worker: this.number });
        return;
      } catch (error) {
        this.failures++;
        const fields = isPosternError(error) ? { code: error.code, mend: error.mend } : {};
        this.#parts.log.error('a worker cannot be started', { worker: this.number, error: String(error), ...fields });
      }
    }
  }
}
