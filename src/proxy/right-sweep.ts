// Looks at every open connection twice a second, and at once when told that something changed, to end those whose right
// ended meanwhile (promise 3).

import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';

const sweepMs = 500;
/**
 * Time for one turn of the loop: judging a chain again costs up to a millisecond, and requests must not wait for thousands.
 * The turn takes several times as long where connections end: their callbacks and records come in the same one.
 */
const sliceMs = 2;

export class RightSweep<Connection> {
  readonly #wheel: TimerWheel;
  readonly #connections: ReadonlySet<Connection>;
  readonly #judge: (connection: Connection) => void;
  readonly #entry = new WheelEntry(() => this.now());
  #isStopped = false;
  #running = false;
  /** Something changed while a sweep was under way, which looked at some connections before. */
  #again = false;

  /** `judge` may take the connection out of the set. */
  constructor(wheel: TimerWheel, connections: ReadonlySet<Connection>, judge: (connection: Connection) => void) {
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

  /** Sweeps now: what rights stand on has changed. */
  now(): void {
    if (this.#running) this.#again = true;
    else this.#slice(this.#connections.values());
  }

  #slice(rest: Iterator<Connection>): void {
    if (this.#isStopped) return;
    this.#running = true;
    const endMs = performance.now() + sliceMs;
    do {
      const next = rest.next();
      if (next.done) return this.#done();
      this.#judge(next.value);
    } while (performance.now() < endMs);
    setImmediate(() => this.#slice(rest));
  }

  #done(): void {
    this.#running = false;
    this.start();
    if (!this.#again) return;
    this.#again = false;
    this.now();
  }
}
