// HOT PATH (npm run bench). A coarse shared timer wheel: a request that sets and clears three limits must not cost three
// timers (performance.md). Entries fire never early and at most one tick late.

import type { Clock } from './clock.ts';

/** A place in a slot's ring; the wheel's slots are ring heads of the same shape. */
interface Link {
  previous: Link;
  next: Link;
}

/** One time limit; owned by its user, re-used as often as needed, in at most one wheel at a time. */
export class WheelEntry implements Link {
  previous: Link = this;
  next: Link = this;
  /** Tick at which it fires; -1 while it is not scheduled. */
  dueTick = -1;
  readonly onTimeout: () => void;

  constructor(onTimeout: () => void) {
    this.onTimeout = onTimeout;
  }

  get isScheduled(): boolean {
    return this.dueTick >= 0;
  }
}

export interface TimerWheelOptions {
  readonly clock: Clock;
  /** Length of a tick, milliseconds. Default 100. */
  readonly tickMs: number;
  /** Receives what an entry throws; the others fire all the same. */
  readonly onError: (error: unknown) => void;
}

/** Slots of the wheel: with 100 ms a tick one turn is 51 s; longer limits go round several times. */
const slotCount = 512;

export class TimerWheel {
  readonly #options: TimerWheelOptions;
  readonly #slots: Link[] = Array.from({ length: slotCount }, emptyRing);
  readonly #startMs: number;
  #tick = 0;
  #size = 0;
  #nowMs: number;
  #interval: NodeJS.Timeout | null = null;

  constructor(options: TimerWheelOptions) {
    this.#options = options;
    this.#startMs = options.clock.monotonicMs();
    this.#nowMs = this.#startMs;
  }

  /** Monotonic milliseconds as of the last tick. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Entries that wait. */
  get size(): number {
    return this.#size;
  }

  start(): void {
    if (this.#interval !== null) return;
    this.#interval = setInterval(() => this.turn(), this.#options.tickMs);
    this.#interval.unref();
  }

  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval);
    this.#interval = null;
  }

  /** Fires `entry` once after `delayMs`; an entry that waits already is moved. Infinity cancels. */
  schedule(entry: WheelEntry, delayMs: number): void {
    if (entry.dueTick >= 0) this.#remove(entry);
    if (delayMs === Number.POSITIVE_INFINITY) return;
    // By the clock and not by the last tick: after a stall the wheel is behind, and no limit may fire early.
    const sinceStartMs = this.#options.clock.monotonicMs() - this.#startMs;
    entry.dueTick = Math.ceil((sinceStartMs + delayMs) / this.#options.tickMs);
    if (entry.dueTick <= this.#tick) entry.dueTick = this.#tick + 1;
    insert(this.#slots[entry.dueTick % slotCount]!, entry);
    this.#size++;
  }

  cancel(entry: WheelEntry): void {
    if (entry.dueTick >= 0) this.#remove(entry);
  }

  /** Fires what is due by the clock; the interval calls it, and tests with their own clock. */
  turn(): void {
    this.#nowMs = this.#options.clock.monotonicMs();
    const target = Math.floor((this.#nowMs - this.#startMs) / this.#options.tickMs);
    // After a long stall one round of the wheel sees every slot.
    if (target - this.#tick > slotCount) {
      const due = target - slotCount;
      for (const slot of this.#slots) this.#fire(slot, due);
      this.#tick = due;
    }
    while (this.#tick < target) {
      this.#tick++;
      this.#fire(this.#slots[this.#tick % slotCount]!, this.#tick);
    }
  }

  #fire(slot: Link, tick: number): void {
    const due: WheelEntry[] = [];
    for (let link = slot.next; link !== slot; link = link.next) {
      const entry = link as WheelEntry;
      if (entry.dueTick <= tick) due.push(entry);
    }
    for (const entry of due) {
      // An entry that fired before it may have cancelled or moved this one.
      if (entry.dueTick < 0 || entry.dueTick > tick) continue;
      this.#remove(entry);
      try {
        entry.onTimeout();
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  #remove(entry: WheelEntry): void {
    entry.previous.next = entry.next;
    entry.next.previous = entry.previous;
    entry.previous = entry;
    entry.next = entry;
    entry.dueTick = -1;
    this.#size--;
  }
}

function emptyRing(): Link {
  const ring = {} as Link;
  ring.previous = ring;
  ring.next = ring;
  return ring;
}

function insert(ring: Link, entry: WheelEntry): void {
  entry.previous = ring.previous;
  entry.next = ring;
  ring.previous.next = entry;
  ring.previous = entry;
}
