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

/** Judges the values of a day, one an hour. Shrinking is no fault. */
export function flatnessOf(hourly: readonly number[], allowed: GrowthBound): Flatness {
  const settled = hourly.slice(Math.floor(hourly.length * warmUp));
  const growth = slopeOf(settled) * Math.max(0, settled.length - 1);
  const bound = Math.max(allowed.absolute, allowed.share * median(settled));
  return {
    first: settled[0] ?? Number.NaN,
    last: settled.at(-1) ?? Number.NaN,
    growth,
    bound,
    isFlat: settled.length > 2 && growth <= bound,
  };
}

/** The median of the slopes between all pairs (Theil-Sen): a third of the values may be odd and it says the same. */
export function slopeOf(values: readonly number[]): number {
  const slopes: number[] = [];
  for (let to = 1; to < values.length; to++) {
    for (let from = 0; from < to; from++) slopes.push((values[to]! - values[from]!) / (to - from));
  }
  return slopes.length === 0 ? 0 : median(slopes);
}
