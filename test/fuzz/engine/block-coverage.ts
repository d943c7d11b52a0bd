// Which blocks of which sources ran, and how often, since it was last asked: V8's own precise coverage, read through the
// inspector of this very process. Costs nothing while code runs, and 2-3 ms each time it is read.

import { statSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '../../..');

/** The blocks that ran since the reading before. */
export type CoverageReading = readonly Profiler.ScriptCoverage[];

/** Begun before the sources to be watched are imported, so that their first run counts. */
export class BlockCoverage {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since the last call; the callback of a session to its own thread comes at once. */
  take(): CoverageReading {
    let reading: CoverageReading = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error;
      reading = taken.result;
    });
    return reading;
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}

/** How often, as fuzzers tell it apart: once, 2, 3, 4-7, 8-15, 16-31, 32-127, more; each a bit. */
function bucketOf(count: number): number {
  if (count <= 3) return 1 << (count - 1);
  if (count <= 7) return 8;
  if (count <= 15) return 16;
  if (count <= 31) return 32;
  return count <= 127 ? 64 : 128;
}

/** Everything that ran so far in the watched sources, character by character. */
export class SeenBlocks {
  readonly #prefixes: readonly string[];
  readonly #seen = new Map<string, Uint8Array>();
  readonly #counts = new Map<string, Uint32Array>();

  /** `covers`: files or folders of the repository. */
  constructor(covers: readonly string[]) {
    this.#prefixes = covers.map((place) => pathToFileURL(path.join(root, place)).href);
  }

  /** True when a reading shows a block that never ran before. */
  isNew(reading: CoverageReading): boolean {
    return this.#watched(reading).some((script) => this.#compare(script, false));
  }

  /** Remembers a reading; true when a block never ran before, or never about so often. */
  add(reading: CoverageReading): boolean {
    let added = false;
    for (const script of this.#watched(reading)) added = this.#compare(script, true) || added;
    return added;
  }

  /** Characters that ran, and all characters, of the watched sources that were loaded. */
  get size(): { readonly covered: number; readonly total: number } {
    let [covered, total] = [0, 0];
    for (const seen of this.#seen.values()) {
      total += seen.length;
      for (const bits of seen) covered += bits === 0 ? 0 : 1;
    }
    return { covered, total };
  }

  #watched(reading: CoverageReading): Profiler.ScriptCoverage[] {
    return reading.filter((script) => this.#prefixes.some((prefix) => script.url.startsWith(prefix)));
  }

  /** Outer ranges come before inner ones, so the count painted last is that of the block. */
  #compare(script: Profiler.ScriptCoverage, keeps: boolean): boolean {
    const { seen, counts } = this.#sheets(script.url);
    let [start, end] = [counts.length, 0];
    for (const { ranges } of script.functions) {
      start = Math.min(start, ranges[0]!.startOffset);
      end = Math.max(end, ranges[0]!.endOffset);
      for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
    }
    const isNew = this.#note(seen, counts.subarray(0, end), { start, keeps });
    counts.fill(0, start, end);
    return isNew;
  }

  #note(seen: Uint8Array, counts: Uint32Array, how: { readonly start: number; readonly keeps: boolean }): boolean {
    const { start, keeps } = how;
    let isNew = false;
    for (let at = start; at < counts.length; at++) {
      if (counts[at] === 0) continue;
      const known = seen[at]!;
      if (!keeps && known === 0) return true;
      const bit = keeps ? bucketOf(counts[at]!) : known;
      if ((known & bit) !== 0) continue;
      seen[at] = known | bit;
      isNew = true;
    }
    return isNew;
  }

  #sheets(url: string): { readonly seen: Uint8Array; readonly counts: Uint32Array } {
    let seen = this.#seen.get(url);
    if (seen === undefined) {
      seen = new Uint8Array(statSync(fileURLToPath(url)).size);
      this.#seen.set(url, seen);
      this.#counts.set(url, new Uint32Array(seen.length));
    }
    return { seen, counts: this.#counts.get(url)! };
  }
}
