// Looks at every open connection once a second, to end those whose right ended meanwhile (promise 3).

import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';

const sweepMs = 1_000;
/** Connections looked at in one turn of the loop: a sweep over thousands must not hold up requests. */
const sweepSlice = 200;

export class RightSweep<Connection> {
  readonly #wheel: TimerWheel;
  readonly #connections: ReadonlySet<Connection>;
  readonly #judge: (connection: Connection) => void;
  readonly #entry = new WheelEntry(() => this.#slice(this.#connections.values()));
  #isStopped = false;

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

  #slice(rest: Iterator<Connection>): void {
    if (this.#isStopped) return;
    for (let count = 0; count < sweepSlice; count++) {
      const next = rest.next();
      if (next.done) return this.start();
      this.#judge(next.value);
    }
    setImmediate(() => this.#slice(rest));
  }
}
