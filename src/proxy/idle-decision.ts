// What an idle connection rests on (promise 3): its last request that was let through. Where that would be denied by a
// policy, by settings or by what is said of the peer now, the connection goes, so that nobody keeps a way in for later.
// Not asked again as time passes: a window that closes ends requests, and opens again.

import type { RecordWaiter } from '../audit/decision-event.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { correlate } from './correlation.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-services.ts';
import { judgeOpenAgain } from './judge.ts';
import type { JudgedUnder } from './open-decision.ts';

/** A request that was let through, as far as policy reads it. */
export interface LetThrough {
  readonly head: RequestHead;
  /** Canonical. */
  readonly path: string;
}

/** Nothing waits for the record of what ends whatever becomes of it. */
const nobody: RecordWaiter = Object.freeze({ recorded: () => {}, recordFailed: () => {} });

export class IdleDecision {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  /** As of the last look, which comes at once when something changes: a request since then was judged under it too. */
  #under: JudgedUnder | null = null;

  constructor(services: ExchangeServices, host: ExchangeHost) {
    this.#services = services;
    this.#host = host;
  }

  /** True when the connection must end; the deny is on record then. */
  hasEnded({ head, path }: LetThrough): boolean {
    const services = this.#services;
    const { plans, settings, ids, recorder } = services;
    const under = this.#under;
    const { principal } = this.#host.side;
    const now = { revision: plans.revision, settings, principal };
    this.#under = now;
    if (under?.revision === now.revision && under.settings === settings && under.principal === principal) return false;
    const correlation = correlate(null, ids.uuid(), ids);
    const denied = judgeOpenAgain(services, this.#host, { first: { correlation, path }, head });
    if (denied === null) return false;
    recorder.decision(denied, nobody);
    return true;
  }
}
