// HOT PATH (npm run bench). Who holds a peer's connection, as described now, and what that holds by: the right that it was
// let in with, its plan under the policy of now, the last request that was let through, and its age.

import type { Caller } from './caller.ts';
import { idleMs, mostAgeMs } from './connection-phase.ts';
import type { ConnectionPlan, ExchangeServices } from './exchange-services.ts';
import { LastLetThrough } from './last-let-through.ts';
import type { PeerConnectionOptions } from './peer-connection.ts';
import type { ConnectionRight } from './peer-right.ts';

export class ConnectionHolder {
  readonly right: ConnectionRight;
  readonly last: LastLetThrough;
  readonly #services: ExchangeServices;
  readonly #describe: (own: Caller) => Caller;
  readonly #openedMs: number;
  #own: Caller;
  /** Edition of the descriptions that it is of. */
  #edition: unknown;
  #plan: ConnectionPlan | null = null;
  #planOf: Caller | null = null;

  constructor(services: ExchangeServices, { own, describe, right }: PeerConnectionOptions) {
    this.right = right;
    this.last = new LastLetThrough(services);
    this.#services = services;
    this.#describe = describe;
    this.#openedMs = services.wheel.nowMs;
    this.#own = own;
    this.#edition = services.descriptions.edition;
  }

  /** As last described. */
  get own(): Caller {
    return this.#own;
  }

  /** What is said of it may have changed: the same object as long as nothing has. */
  describeAgain(): Caller {
    const { descriptions } = this.#services;
    if (this.#edition !== descriptions.edition) {
      this.#edition = descriptions.edition;
      this.#own = this.#describe(this.#own);
    }
    return this.#own;
  }

  /** Why the right that opened the connection ended, or null. */
  rightEnded(): string | null {
    return this.right.ended(this.#services.clock.nowMs());
  }

  /** The plan for a caller under the policy of now. */
  planFor(caller: Caller): ConnectionPlan {
    const { plans } = this.#services;
    if (this.#plan === null || this.#planOf !== caller || this.#plan.revision !== plans.revision) {
      this.#plan = plans.planFor(caller.side.principal, caller.side.tls);
      this.#planOf = caller;
    }
    return this.#plan;
  }

  /** True when the last request would be denied by now; the deny is on record then. */
  hasLastEnded(): boolean {
    return this.last.hasEnded(this.#own);
  }

  /** The connection ends after what is under way: drain, or age. */
  get isDue(): boolean {
    return this.#services.isDraining || this.#ageMs >= mostAgeMs(this.#limits, this.#isStranger);
  }

  /** Milliseconds that the connection may be idle, or Infinity. */
  get idleMs(): number {
    return idleMs(this.#limits, this.#isStranger, this.#ageMs);
  }

  get #limits() {
    return this.#services.settings.options.limits;
  }

  get #ageMs(): number {
    return this.#services.wheel.nowMs - this.#openedMs;
  }

  get #isStranger(): boolean {
    return this.last.isNone && this.#own.side.principal.authn === 'none';
  }
}
