// The figures of a soak that must stay flat, with what each may grow by in a day, and the judgement of a run.

import { type Flatness, flatnessOf, type GrowthBound, type Reach } from './flatness.ts';
import type { HourCounts } from './hour.ts';
import type { Reading } from './reading.ts';

/** One hour: what was counted in it, and what the sidecar held when everybody had gone. */
export interface HourResult {
  readonly counts: HourCounts;
  readonly atRest: Reading;
  readonly tookMs: number;
}

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly read: (hour: HourResult) => number;
  readonly allowed: GrowthBound;
  readonly reach: Reach;
}

/** Half of one: a whole one more at the end of the day is a leak. */
const countBound: GrowthBound = { absolute: 0.5, share: 0 };
const memoryBound: GrowthBound = { absolute: 8, share: 0.06 };

/** In the order of the report. */
export const figures: readonly Figure[] = [
  {
    name: 'resident memory at rest',
    unit: 'MB',
    read: ({ atRest }) => atRest.residentMb,
    allowed: memoryBound,
    reach: 'floor',
  },
  {
    name: 'highest resident memory',
    unit: 'MB',
    read: ({ counts }) => counts.highestResidentMb,
    allowed: memoryBound,
    reach: 'crest',
  },
  {
    name: 'lowest heap',
    unit: 'MB',
    read: ({ counts }) => counts.lowestHeapMb,
    allowed: { absolute: 3, share: 0.06 },
    reach: 'floor',
  },
  {
    name: 'buffers outside the heap',
    unit: 'MB',
    read: ({ atRest }) => atRest.externalMb,
    allowed: { absolute: 3, share: 0.06 },
    reach: 'floor',
  },
  {
    name: 'descriptors at rest',
    unit: '',
    read: ({ atRest }) => atRest.descriptors,
    allowed: countBound,
    reach: 'level',
  },
  { name: 'timers at rest', unit: '', read: ({ atRest }) => atRest.timers, allowed: countBound, reach: 'level' },
  {
    name: 'other handles at rest',
    unit: '',
    read: ({ atRest }) => atRest.handles,
    allowed: countBound,
    reach: 'level',
  },
  { name: 'threads', unit: '', read: ({ atRest }) => atRest.threads, allowed: countBound, reach: 'level' },
];

export interface JudgedFigure extends Figure, Flatness {
  readonly hourly: readonly number[];
}

export interface SoakVerdict {
  readonly figures: readonly JudgedFigure[];
  /** One sentence for each thing that is wrong besides growth. */
  readonly faults: readonly string[];
  readonly isSound: boolean;
}

/** What a run is judged by besides its hours. */
export interface SoakFacts {
  readonly hours: readonly HourResult[];
  readonly journalKeepMb: number;
  readonly stderr: string;
  readonly exitCode: number | null;
}

export function judge(facts: SoakFacts): SoakVerdict {
  const judged = figures.map((figure) => {
    const hourly = facts.hours.map(figure.read);
    return { ...figure, ...flatnessOf(hourly, figure.allowed, figure.reach), hourly };
  });
  const faults = faultsOf(facts);
  return { figures: judged, faults, isSound: faults.length === 0 && judged.every(({ isFlat }) => isFlat) };
}

function faultsOf({ hours, journalKeepMb, stderr, exitCode }: SoakFacts): string[] {
  const faults: string[] = [];
  const last = hours.at(-1)?.atRest;
  const journalMb = Math.max(...hours.map(({ atRest }) => atRest.journalMb));
  if (journalMb > journalKeepMb)
    faults.push(`the journal took ${journalMb.toFixed(1)} MB, more than its ${journalKeepMb}`);
  if (last !== undefined && last.lostRecords > 0) faults.push(`${last.lostRecords} records were lost`);
  if (exitCode !== 0) faults.push(`the sidecar ended with ${exitCode}`);
  // Node says so when listeners gather on one emitter.
  const warning = /.*(?:MaxListenersExceeded|Warning: ).*/.exec(stderr)?.[0];
  if (warning !== undefined) faults.push(`the sidecar warned: ${warning.slice(0, 200)}`);
  for (const [what, count] of joined(hours.map(({ counts }) => counts.unexpected)))
    faults.push(`${count} times ${what}`);
  return faults;
}

/** The sums of several counts. */
export function joined<Key>(parts: readonly ReadonlyMap<Key, number>[]): Map<Key, number> {
  const sums = new Map<Key, number>();
  for (const part of parts) for (const [key, count] of part) sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}
