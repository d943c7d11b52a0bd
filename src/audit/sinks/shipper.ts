// Takes a journal to a receiver: at least once, in order within each stream, with a durable cursor. A place is passed when
// the receiver has said of every record before it that it has it, or refuses it; then a `gap` record stands for it.

import { setTimeout as pause } from 'node:timers/promises';
import { isPosternError, type PosternError } from '../../errors.ts';
import type { Backoff } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Encoded, type EncodedRecord, type EncodeForReceiver, encodeAll } from './encoded-record.ts';
import type { Receiver, ReceiverAnswer } from './receiver.ts';
import type { ShipCursor } from './ship-cursor.ts';
import { refusedAmong, refusedRecord, type ShipBatch, type ShipRecord, undelivered } from './ship-reader.ts';

export interface ShipOptions {
  readonly dir: string;
  /** Null for the native encoding. */
  readonly encode: EncodeForReceiver | null;
  /** Go on when everything is delivered. */
  readonly follow: boolean;
  /** How often the folder is looked at then, milliseconds. */
  readonly everyMs: number;
}

/** What surrounds a shipper. */
export interface ShipParts {
  readonly cursor: ShipCursor;
  readonly receiver: Receiver;
  readonly backoff: Backoff;
  readonly clock: Clock;
  /** Hears what goes wrong, in words, once for each kind of trouble until something is delivered again. */
  readonly onTrouble: (text: string) => void;
  /** Ends it; what is under way is given up, and sent again by the next start. */
  readonly signal: AbortSignal;
}

/** What was done since the start. */
export interface ShipCounts {
  delivered: number;
  retries: number;
  /** Records that the receiver does not take; for each it has a gap record. */
  refused: number;
  /** Gap records of our own making that it has. */
  gaps: number;
  /** Characters or bytes of what it has, as encoded. */
  bytes: number;
}

type Group = readonly EncodedRecord<Encoded>[];

/** Delivers until nothing is left, or until its end. */
export class Shipper {
  readonly counts: ShipCounts = { delivered: 0, retries: 0, refused: 0, gaps: 0, bytes: 0 };
  readonly #finishing = new AbortController();
  readonly #options: ShipOptions;
  readonly #parts: ShipParts;
  #trouble = '';

  constructor(options: ShipOptions, parts: ShipParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE, unless it follows: then they are waited out */
  async run(): Promise<void> {
    const { signal } = this.#parts;
    while (!signal.aborted) {
      const isLast = !this.#options.follow || this.#finishing.signal.aborted;
      try {
        await this.#keep(() => this.#parts.cursor.keep());
        await this.#pass();
        if (isLast) return;
        await this.#pause(this.#options.everyMs, this.#finishing.signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isPosternError(error) || !this.#options.follow) throw error;
        await this.#wait(error.message, null);
      }
    }
  }

  /** From now on it does not follow: what is there is delivered, then it ends. */
  finish(): void {
    this.#finishing.abort();
  }

  async #pass(): Promise<void> {
    const { cursor, clock, signal } = this.#parts;
    for await (const batch of undelivered(this.#options.dir, cursor, () => clock.nowUs())) {
      await this.#deliver(batch);
      if (signal.aborted) return;
      cursor.places.set(batch.streamId, batch.next);
      await this.#keep(() => cursor.save());
    }
  }

  /** A cursor that cannot be written costs records twice after the next start, never a record. */
  async #keep(save: () => Promise<void>): Promise<void> {
    try {
      await save();
    } catch (error) {
      this.#tell((error as PosternError).message);
    }
  }

  async #deliver(batch: ShipBatch): Promise<void> {
    const groups: Group[] = [this.#encode(batch.records)];
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      if (group.length === 0) continue;
      if (this.#parts.signal.aborted) return;
      const { answer, retryAfterMs } = await this.#parts.receiver.send(group, this.#parts.signal);
      if (answer.kind === 'later') {
        groups.unshift(group);
        await this.#wait(answer.why, retryAfterMs);
      } else groups.unshift(...(await this.#settle(group, answer, retryAfterMs)));
    }
  }

  /** What is left of a group after an answer, in order. */
  async #settle(
    group: Group,
    answer: Exclude<ReceiverAnswer, { kind: 'later' }>,
    retryAfterMs: number | null,
  ): Promise<readonly Group[]> {
    const again = answer.kind === 'taken' ? answer.again : [];
    let refused = answer.kind === 'taken' ? answer.refused : [0];
    if (answer.kind === 'refused') {
      const half = group.length >> 1;
      // Which record it is shows by halves.
      if (half > 0) return [group.slice(0, half), group.slice(half)];
      this.#tell(answer.why);
    } else this.#count(group, new Set([...again, ...refused]));
    const gaps = pick(group, refused).filter(({ source }) => source.isGap);
    if (gaps.length > 0) {
      // Not even that is taken: the receiver is set up wrong, and nothing is given up for it.
      refused = refused.filter((index) => group[index]?.source.isGap !== true);
      await this.#wait('the receiver refuses every record', retryAfterMs);
    } else if (again.length > 0) await this.#wait('the receiver took only some', retryAfterMs);
    else if (answer.kind === 'taken') this.#parts.backoff.reset();
    const originals = gaps.map(({ source }) => source.standsFor ?? source);
    const left = [this.#gapsFor(pick(group, refused)), this.#encode(originals), pick(group, again)];
    const unnamed = answer.kind === 'taken' ? answer.unnamed : undefined;
    return unnamed === undefined ? left : [this.#gapAmong(group, unnamed), ...left];
  }

  /** Counts what was taken: a gap record that stands for a record is that record refused. */
  #count(group: Group, left: ReadonlySet<number>): void {
    for (const [index, { source, text }] of group.entries()) {
      if (left.has(index)) continue;
      this.counts.bytes += text.length;
      if (!source.isGap) this.counts.delivered += 1;
      else {
        this.counts.gaps += 1;
        this.counts.refused += source.standsFor === null ? 0 : 1;
      }
    }
    if (left.size === 0) this.#trouble = '';
  }

  /** Gap records in place of those that will never be taken. */
  #gapsFor(refused: Group): Group {
    for (const { source } of refused) this.#tell(`the receiver refuses record ${source.seq} of ${source.streamId}`);
    const nowUs = this.#parts.clock.nowUs();
    return this.#encode(refused.map(({ source }) => refusedRecord(source, nowUs)));
  }

  /** A gap record for what was refused unnamed; none for gap records themselves, which would have no end. */
  #gapAmong(group: Group, { count, why }: { readonly count: number; readonly why: string }): Group {
    this.#tell(`the receiver refuses ${count} of ${group.length} records without saying which: ${why || 'no reason'}`);
    const records = group.map(({ source }) => source).filter(({ isGap }) => !isGap);
    const some = Math.min(count, records.length);
    this.counts.gaps -= Math.min(count, group.length) - some;
    if (some === 0) return [];
    this.counts.refused += some;
    this.counts.delivered -= some;
    return this.#encode([refusedAmong(records, some, this.#parts.clock.nowUs())]);
  }

  #encode(records: readonly ShipRecord[]): Group {
    return encodeAll(records, this.#options.encode);
  }

  async #wait(why: string, retryAfterMs: number | null): Promise<void> {
    this.counts.retries += 1;
    this.#tell(why);
    await this.#keep(() => this.#parts.cursor.keep());
    await this.#pause(Math.max(this.#parts.backoff.next(), retryAfterMs ?? 0));
  }

  async #pause(ms: number, ending?: AbortSignal): Promise<void> {
    const { signal } = this.#parts;
    try {
      await pause(ms, undefined, { signal: ending === undefined ? signal : AbortSignal.any([signal, ending]) });
    } catch {
      // Only its end ends a pause early.
    }
  }

  #tell(text: string): void {
    if (text === this.#trouble) return;
    this.#trouble = text;
    this.#parts.onTrouble(text);
  }
}

function pick(group: Group, indexes: readonly number[]): Group {
  return indexes.map((index) => group[index]).filter((record) => record !== undefined);
}
