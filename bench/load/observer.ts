// Reads what the observed processes have used, at the edges of a measurement.

import { cpuTimeUs, type MachineTicks, machineTicks, residentBytes, stolenShare } from '../cpu-time.ts';

/** One edge. */
export interface Edge {
  readonly cpuUs: number;
  readonly atMs: number;
  readonly ticks: MachineTicks;
}

/** What lies between two edges. */
export interface Span {
  readonly cpuUs: number;
  readonly seconds: number;
  readonly stolenShare: number;
}

export function readEdge(pids: readonly number[]): Edge {
  return { cpuUs: cpuTimeUs(pids), atMs: performance.now(), ticks: machineTicks() };
}

export function spanSince(before: Edge, pids: readonly number[]): Span {
  const after = readEdge(pids);
  return {
    cpuUs: after.cpuUs - before.cpuUs,
    seconds: (after.atMs - before.atMs) / 1000,
    stolenShare: stolenShare(before.ticks, after.ticks),
  };
}

/** Watches resident memory until `stop` is called, which returns the highest value seen, bytes. */
export function watchResident(pids: readonly number[], everyMs = 50): { stop(): number } {
  let peak = residentBytes(pids);
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(pids));
  }, everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(peak, residentBytes(pids));
    },
  };
}
