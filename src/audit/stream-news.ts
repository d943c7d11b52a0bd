// What a stream must tell before its next records: numbers that have no line, faults of the place where lines go, and what
// was deleted early. Told once, by the first batch that is written.

import type { LineTarget } from './line-target.ts';
import { type Gap, gapLine, recoveredLine } from './service-records.ts';

/** Lines that tell, and what they told of. */
export interface NewsLines {
  readonly lines: readonly string[];
  /** Number after the last of them. */
  readonly nextSeq: number;
  readonly told: Told;
}

/** How much of what is pending a batch has told of. */
export interface Told {
  readonly lost: number;
  readonly recoveries: number;
  readonly dropped: number;
}

const nothing: Told = Object.freeze({ lost: 0, recoveries: 0, dropped: 0 });

/** News of one stream. */
export class StreamNews {
  readonly #streamId: string;
  readonly #target: LineTarget;
  #lost = 0;
  #dropped: readonly Gap[] = [];

  constructor(streamId: string, target: LineTarget) {
    this.#streamId = streamId;
    this.#target = target;
  }

  /** True when there is something to tell. */
  get pending(): boolean {
    return this.#lost > 0 || this.#dropped.length > 0 || this.#target.recoveries.length > 0;
  }

  /** Records that could not be written. */
  lose(count: number): void {
    this.#lost += count;
  }

  /** Records that were deleted before every sink took them. */
  drop(gap: Gap): void {
    this.#dropped = [...this.#dropped, gap];
  }

  /** The lines for the next batch, numbered from `seq`; lost records get the numbers before the first line. */
  lines(seq: number, timeUs: number): NewsLines {
    if (!this.pending) return { lines: [], nextSeq: seq, told: nothing };
    const streamId = this.#streamId;
    const { recoveries } = this.#target;
    const lines: string[] = [];
    let nextSeq = seq;
    if (this.#lost > 0) {
      nextSeq += this.#lost;
      const gap = { fromSeq: seq, toSeq: nextSeq - 1, count: this.#lost, cause: 'unwritten' } as const;
      lines.push(gapLine({ streamId, seq: nextSeq++, timeUs }, gap));
    }
    for (const recovery of recoveries) lines.push(recoveredLine({ streamId, seq: nextSeq++, timeUs }, recovery));
    for (const gap of this.#dropped) lines.push(gapLine({ streamId, seq: nextSeq++, timeUs }, gap));
    return { lines, nextSeq, told: { lost: this.#lost, recoveries: recoveries.length, dropped: this.#dropped.length } };
  }

  /** The lines are written; what came up since stays. */
  written(told: Told): void {
    this.#lost -= told.lost;
    if (told.dropped > 0) this.#dropped = this.#dropped.slice(told.dropped);
  }
}
