// One sink at work: opened until that works, then shipping until its end.

import { setTimeout as pause } from 'node:timers/promises';
import { isPosternError } from '../../errors.ts';
import { Backoff } from '../../lib/backoff.ts';
import { systemClock } from '../../lib/clock.ts';
import { faultCode } from '../fault-code.ts';
import type { Receiver } from './receiver.ts';
import { ShipCursor } from './ship-cursor.ts';
import type { SinkFigures } from './ship-messages.ts';
import { Shipper } from './shipper.ts';
import { measureLag } from './sink-lag.ts';
import type { SinkOptions } from './sink-options.ts';
import { encodingOf } from './sink-receivers.ts';

/** What surrounds a sink. */
export interface SinkParts {
  readonly dir: string;
  readonly open: (sink: SinkOptions) => Promise<Receiver>;
  readonly onTrouble: (sink: string, why: string) => void;
}

const backoffTimes = { firstMs: 500, mostMs: 30_000, random: Math.random };
/** How often the journal is looked at by a sink that has everything. */
const everyMs = 200;
/** Where each delivery is a connection of its own. */
const everyMsOfSyslog = 1_000;

interface Open {
  readonly cursor: ShipCursor;
  readonly receiver: Receiver;
  readonly shipper: Shipper;
}

export class RunningSink {
  readonly #sink: SinkOptions;
  readonly #parts: SinkParts;
  #open: Open | null = null;
  #isFinishing = false;

  constructor(sink: SinkOptions, parts: SinkParts) {
    this.#sink = sink;
    this.#parts = parts;
  }

  /** Ships until the end; rejects only by a defect. */
  async run(): Promise<void> {
    const open = await this.#opened();
    if (open === null) return;
    this.#open = open;
    if (this.#isFinishing) open.shipper.finish();
    try {
      await open.shipper.run();
    } finally {
      open.cursor.close();
      open.receiver.close();
    }
  }

  /** Delivers what is there, then ends. */
  finish(): void {
    this.#isFinishing = true;
    this.#open?.shipper.finish();
  }

  /** Another certificate is to be shown from now on. */
  renew(): void {
    this.#open?.receiver.renew();
  }

  async figures(): Promise<SinkFigures> {
    const { delivered, ...counts } = this.#open?.shipper.counts ?? none;
    const places = this.#open?.cursor.places ?? new Map();
    const lag = await measureLag(this.#parts.dir, places).catch(() => ({ records: 0, oldestMs: null }));
    const lagMs = lag.oldestMs === null ? 0 : Math.max(0, systemClock.nowMs() - lag.oldestMs);
    return { sink: this.#sink.name, records: delivered, ...counts, lagRecords: lag.records, lagMs };
  }

  /** A cursor that another process holds for a moment, or a file of CAs that is not there yet, is waited for. */
  async #opened(): Promise<Open | null> {
    const backoff = new Backoff(backoffTimes);
    for (;;) {
      try {
        return await this.#tryOpen();
      } catch (error) {
        this.#trouble(isPosternError(error) ? error.message : faultCode(error));
      }
      if (this.#isFinishing) return null;
      await pause(backoff.next());
    }
  }

  async #tryOpen(): Promise<Open> {
    const { dir, open } = this.#parts;
    const { name, type } = this.#sink;
    const cursor = await ShipCursor.open(dir, name);
    try {
      const receiver = await open(this.#sink);
      const options = {
        dir,
        encode: encodingOf(this.#sink),
        follow: true,
        everyMs: type === 'syslog' ? everyMsOfSyslog : everyMs,
      };
      const onTrouble = (why: string): void => this.#trouble(why);
      // Nothing aborts: whoever has waited long enough for the end of the thread ends it.
      const { signal } = new AbortController();
      const backoff = new Backoff(backoffTimes);
      const shipper = new Shipper(options, { cursor, receiver, signal, onTrouble, clock: systemClock, backoff });
      return { cursor, receiver, shipper };
    } catch (error) {
      cursor.close();
      throw error;
    }
  }

  #trouble(why: string): void {
    this.#parts.onTrouble(this.#sink.name, why);
  }
}

const none = Object.freeze({ delivered: 0, retries: 0, refused: 0, gaps: 0, bytes: 0 });
