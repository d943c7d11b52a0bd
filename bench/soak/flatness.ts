// Whether a figure stays flat: its slope after the warm-up, drawn robustly, and how far that would carry it in a day.

import { median } from '../statistics.ts';

/** What a figure may grow by in a day, as its slope says; the larger of the two bounds holds. */
export interface GrowthBound {
  readonly absolute: number;
  /** Of its median. */
  readonly share: number;
}

export interface Flatness {
  readonly first: number;
  readonly last: number;
  /** By which it grows over the hours looked at. */
  readonly growth: number;
  readonly bound: number;
  readonly isFlat: boolean;
}

/** Share of the day in which caches, pools and the heap come to their size. */
const warmUp = 1 / 3;

/** Hours that hold at least one collection of the old generation: between two of them memory rises and means nothing. */
const swingHours = 6;

/**
 * How a figure is read. `level`: as it is. `floor`: the lowest of every few hours, for memory, which swings with garbage
 * collection. `crest`: the highest of the last third of the day against all before it.
 */
export type Reach = 'level' | 'floor' | 'crest';

/** Judges the values of a day, one an hour. Shrinking is no fault. */
export function flatnessOf(hourly: readonly number[], allowed: GrowthBound, reach: Reach = 'level'): Flatness {
  const settled = hourly.slice(Math.floor(hourly.length * warmUp));
  const [first, last, growth] =
    reach === 'crest' ? crestOf(hourly) : trendOf(reach === 'floor' ? floorOf(settled) : settled);
  const bound = Math.max(allowed.absolute, allowed.share * median(settled));
  return { first, last, growth, bound, isFlat: settled.length > 2 && growth <= bound };
}

/** First, last, and what the slope carries it from one to the other. */
function trendOf(values: readonly number[]): readonly [first: number, last: number, growth: number] {
  return [values[0] ?? Number.NaN, values.at(-1) ?? Number.NaN, slopeOf(values) * Math.max(0, values.length - 1)];
}

function floorOf(values: readonly number[]): readonly number[] {
  const windowCount = Math.max(1, values.length - swingHours + 1);
  return Array.from({ length: windowCount }, (_, at) => Math.min(...values.slice(at, at + swingHours)));
}

function crestOf(values: readonly number[]): readonly [first: number, last: number, growth: number] {
  const lastThird = Math.ceil(values.length * (1 - warmUp));
  const [before, after] = [Math.max(...values.slice(0, lastThird)), Math.max(...values.slice(lastThird))];
  return [before, after, after - before];
}

/** The median of the slopes between all pairs (Theil-Sen): a third of the values may be odd and it says the same. */
export function slopeOf(values: readonly number[]): number {
  const slopes: number[] = [];
  for (let to = 1; to < values.length; to++) {
    for (let from = 0; from < to; from++) slopes.push((values[to]! - values[from]!) / (to - from));
  }
  return slopes.length === 0 ? 0 : median(slopes);
}
