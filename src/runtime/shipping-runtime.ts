// The thread that ships the journal to its sinks: started where there are any, started anew when it ends by itself, and
// told the own certificate whenever that changes. Nothing it does or fails to do changes what is decided or recorded.

import { Worker } from 'node:worker_threads';
import type { FromShipping, ShipOrder, SinkFigures, ToShipping } from '../audit/sinks/ship-messages.ts';
import type { ClientIdentity } from '../audit/sinks/sink-options.ts';
import { Backoff } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { ShippingFigures } from '../telemetry/figures.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import { faultFields } from './fault-fields.ts';

export interface ShippingOptions extends Omit<ShipOrder, 'identity'> {
  /** File that the thread runs. */
  readonly entry: string;
  readonly log: OperationalLog;
  readonly clock: Clock;
  readonly identity: () => ClientIdentity;
}

/** Longest that sinks have to take what is left when the sidecar ends. */
const finishMs = 5_000;
const reportMs = 1_000;
/** A thread that held so long was well: its end is a first one. */
const wellMs = 60_000;
/** Bound of its heap, so that a defect there cannot take the memory of the proxy. */
const heapMiB = 256;

export class Shipping {
  readonly #options: ShippingOptions;
  readonly #backoff = new Backoff({ firstMs: 500, mostMs: 30_000, random: Math.random });
  #thread: Worker | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #ended: Promise<void> = Promise.resolve();
  /** Of threads that are gone. */
  #carried: ReadonlyMap<string, SinkFigures> = new Map();
  #figures: ReadonlyMap<string, SinkFigures> = new Map();
  restarts = 0;

  constructor(options: ShippingOptions) {
    this.#options = options;
    this.#start();
  }

  /** Each sink, as it said last. */
  get figures(): ShippingFigures {
    const sinks = this.#options.sinks.map(({ name }) => joined(name, this.#carried.get(name), this.#figures.get(name)));
    return { sinks, restarts: this.restarts };
  }

  /** Shows this certificate from now on. */
  renew(): void {
    this.#tell({ kind: 'identity', identity: this.#options.identity() });
  }

  /** Lets sinks take what is left, for a bounded time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const thread = this.#thread;
    if (thread === null) return;
    this.#tell({ kind: 'finish' });
    const timer = setTimeout(() => void thread.terminate(), finishMs);
    await this.#ended;
    clearTimeout(timer);
    const left = this.figures.sinks.filter(({ lagRecords }) => lagRecords > 0);
    for (const { sink, lagRecords } of left) this.#options.log.warn('a sink did not take all', { sink, lagRecords });
  }

  #start(): void {
    const { dir, sinks, entry, identity, log, clock } = this.#options;
    const order: ShipOrder = { dir, sinks, identity: identity() };
    const thread = new Worker(entry, { workerData: order, resourceLimits: { maxOldGenerationSizeMb: heapMiB } });
    this.#thread = thread;
    const startedMs = clock.monotonicMs();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    thread.on('message', (message: FromShipping) => this.#take(message));
    thread.on('error', (error) => log.error('the thread that ships records failed', faultFields(error)));
    thread.on('exit', (code) => {
      this.#lost(code, clock.monotonicMs() - startedMs);
      resolve();
    });
    this.#schedule(reportMs, () => this.#report());
  }

  #lost(code: number, livedMs: number): void {
    this.#thread = null;
    clearTimeout(this.#timer);
    const { log, sinks } = this.#options;
    this.#carried = new Map(this.figures.sinks.map((figures) => [figures.sink, figures]));
    this.#figures = new Map();
    if (this.#isClosed) return;
    this.restarts += 1;
    if (livedMs > wellMs) this.#backoff.reset();
    log.error('the thread that ships records ended by itself', { code, sinks: sinks.map(({ name }) => name) });
    this.#schedule(this.#backoff.next(), () => this.#start());
  }

  #report(): void {
    this.#tell({ kind: 'figures' });
    this.#schedule(reportMs, () => this.#report());
  }

  #schedule(ms: number, work: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(work, ms).unref();
  }

  #tell(message: ToShipping): void {
    this.#thread?.postMessage(message);
  }

  #take(message: FromShipping): void {
    if (message.kind === 'figures') this.#figures = new Map(message.sinks.map((sink) => [sink.sink, sink]));
    else {
      const { sink, why } = message;
      this.#options.log.sampled(`sink ${sink}`, 1).warn('a sink takes no records, trying again', { sink, error: why });
    }
  }
}

/** What gone threads counted and the present one; how far behind, as last said. */
function joined(sink: string, before: SinkFigures | undefined, now: SinkFigures | undefined): SinkFigures {
  const sum = (key: 'records' | 'bytes' | 'retries' | 'refused' | 'gaps'): number =>
    (before?.[key] ?? 0) + (now?.[key] ?? 0);
  const { lagRecords = 0, lagMs = 0 } = now ?? before ?? {};
  const counts = { records: sum('records'), bytes: sum('bytes'), retries: sum('retries') };
  return { sink, ...counts, refused: sum('refused'), gaps: sum('gaps'), lagRecords, lagMs };
}
