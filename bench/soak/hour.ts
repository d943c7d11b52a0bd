// One hour of the day under load: kept connections with requests of every kind, visitors, and in its middle a restart of the
// workload, a rotation and a new policy. Its counts are kept to however long it takes.

import { setTimeout as pause } from 'node:timers/promises';
import type { SeededRandom } from '../../test/fuzz/engine/seeded-random.ts';
import { Caller } from './caller.ts';
import type { HourQuota } from './day.ts';
import { takeReading } from './reading.ts';
import type { SoakWorld } from './soak-world.ts';
import { visits } from './visitors.ts';

export interface HourCounts {
  readonly statuses: Map<number, number>;
  readonly visitors: Map<string, number>;
  readonly unexpected: Map<string, number>;
  /** Answers that were not got since a connection or the workload ended. */
  broken: number;
  /** Lowest heap and highest resident memory seen, MB. */
  lowestHeapMb: number;
  highestResidentMb: number;
}

const keptConnections = 12;
/** Visitors at once; dawdlers are not counted among them. */
const visitorsAtOnce = 16;

const small = 'GET /small?q=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: soak\r\n\r\n';
const bulk = 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n';
const upload = `POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n${'x'.repeat(0x4000)}\r\n0\r\n\r\n`;

/** Each kind as often as it comes. */
const everyVisit = visits.flatMap((one) => Array.from({ length: one.share }, () => one));

class Hour {
  readonly counts: HourCounts = {
    statuses: new Map(),
    visitors: new Map(),
    unexpected: new Map(),
    broken: 0,
    lowestHeapMb: Number.POSITIVE_INFINITY,
    highestResidentMb: 0,
  };
  readonly #world: SoakWorld;
  readonly #quota: HourQuota;
  readonly #random: SeededRandom;
  readonly #startedMs = performance.now();
  #asked = 0;
  #visited = 0;
  #visiting = 0;

  constructor(world: SoakWorld, quota: HourQuota, random: SeededRandom) {
    this.#world = world;
    this.#quota = quota;
    this.#random = random;
  }

  async run(): Promise<HourCounts> {
    const load = [this.#visit(), ...Array.from({ length: keptConnections }, () => this.#keepAsking())];
    const working = Promise.all(load);
    let isOver = false;
    const watching = this.#watch(() => isOver);
    await pause(this.#quota.durationMs / 3);
    await this.#world.restartWorkload();
    await this.#world.rotate();
    await this.#world.changePolicy();
    await working;
    isOver = true;
    await watching;
    return this.counts;
  }

  /** Requests that are due by now, of `total` in this hour. */
  #due(total: number): number {
    return (total * (performance.now() - this.#startedMs)) / this.#quota.durationMs;
  }

  async #keepAsking(): Promise<void> {
    let caller: Caller | null = null;
    while (this.#asked < this.#quota.requests) {
      if (this.#asked > this.#due(this.#quota.requests)) {
        await pause(5);
        continue;
      }
      const count = 1 + this.#random.below(4);
      this.#asked += count;
      try {
        caller ??= await this.#connect();
        const text = Array.from({ length: count }, () => this.#request()).join('');
        for (const status of await caller.ask(text, count)) this.#answered(status);
      } catch {
        this.counts.broken += count;
      }
      if (caller?.isClosed === true) caller = null;
    }
    caller?.close();
  }

  #answered(status: number): void {
    raise(this.counts.statuses, status);
    if (![200, 502, 503].includes(status)) raise(this.counts.unexpected, `a caller got ${status}`);
  }

  #connect(): Promise<Caller> {
    return Caller.connect(this.#world.mesh.port, this.#random.pick(this.#world.contexts));
  }

  #request(): string {
    const drawn = this.#random.below(1000);
    if (drawn < 10) return upload;
    return drawn < 12 ? bulk : small;
  }

  async #visit(): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (this.#visited < this.#quota.connections) {
      if (this.#visited > this.#due(this.#quota.connections) || this.#visiting >= visitorsAtOnce) {
        await pause(5);
        continue;
      }
      this.#visited++;
      const one = this.#oneVisit().finally(() => underWay.delete(one));
      underWay.add(one);
    }
    await Promise.all(underWay);
  }

  async #oneVisit(): Promise<void> {
    const { name, visit } = this.#random.pick(everyVisit);
    raise(this.counts.visitors, name);
    // Whoever waits to be closed takes seconds: it must not hold up the others.
    const isSlow = name === 'silent' || name === 'half a head';
    this.#visiting += isSlow ? 0 : 1;
    try {
      await visit({
        port: this.#world.mesh.port,
        caBundle: this.#world.mesh.ca.bundlePem,
        stranger: this.#world.stranger,
        context: () => this.#random.pick(this.#world.contexts),
        unexpected: (what) => raise(this.counts.unexpected, what),
      });
    } catch {
      this.counts.broken++;
    }
    this.#visiting -= isSlow ? 0 : 1;
  }

  async #watch(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const { heapMb, residentMb } = await takeReading(this.#world.sidecar, this.#world.journalDir);
      this.counts.lowestHeapMb = Math.min(this.counts.lowestHeapMb, heapMb);
      this.counts.highestResidentMb = Math.max(this.counts.highestResidentMb, residentMb);
      await pause(500);
    }
  }
}

/** Runs one hour to its last request. */
export function runHour(world: SoakWorld, quota: HourQuota, random: SeededRandom): Promise<HourCounts> {
  return new Hour(world, quota, random).run();
}

function raise<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
