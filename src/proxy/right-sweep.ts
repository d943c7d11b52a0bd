// Looks at every open connection twice a second, and at once when told that something changed, to end those whose right
// ended meanwhile (promise 3).

import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';

const sweepMs = 500;
/** Time for one turn of the loop: judging a chain again costs up to a millisecond, and requests must not wait for thousands. */
const sliceMs = 2;
/**
 * Connections that end in one turn: to take one down costs 0.2 to 0.6 ms, most of it after the slice, in callbacks of its
 * two sockets, in its records and in the collection of what it held.
 */
const endsEachSlice = 6;

export class RightSweep<Connection> {
  readonly #wheel: TimerWheel;
  readonly #connections: ReadonlySet<Connection>;
  readonly #judge: (connection: Connection) => boolean;
  readonly #entry = new WheelEntry(() => this.now());
  #isStopped = false;
  #running = false;
  /** Something changed while a sweep was under way, which looked at some connections before. */
  #again = false;

  /** `judge` tells whether it ended the connection; it may take it out of the set. */
  constructor(wheel: TimerWheel, connections: ReadonlySet<Connection>, judge: (connection: Connection) => boolean) {
    this.#wheel = wheel;
    this.#connections = connections;
    this.#judge = judge;
  }

  start(): void {
    this.#wheel.schedule(this.#entry, sweepMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#wheel.cancel(this.#entry);
  }

  /** Begins to sweep: what rights stand on has changed. Not in this turn, which has that change to carry. */
  now(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#later(this.#connections.values());
  }

  #later(rest: Iterator<Connection>): void {
    setImmediate(() => this.#slice(rest));
  }

  #slice(rest: Iterator<Connection>): void {
    if (this.#isStopped) return;
    const endMs = performance.now() + sliceMs;
    let ends = 0;
    do {
      const next = rest.next();
      if (next.done) return this.#done();
      if (this.#judge(next.value)) ends += 1;
    } while (ends < endsEachSlice && performance.now() < endMs);
    this.#later(rest);
  }

  #done(): void {
    this.#running = false;
    this.start();
    if (!this.#again) return;
    this.#again = false;
    this.now();
  }
}
