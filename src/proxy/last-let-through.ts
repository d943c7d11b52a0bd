// What an idle connection rests on (promise 3): its last request that was let through. Where that would be denied by a
// policy, by settings or by what is said of the peer now, the connection goes, so that nobody keeps a way in for later.
// Not asked again as time passes: a window that closes ends requests, and opens again.

import type { RecordWaiter } from '../audit/decision-event.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import type { Caller } from './caller.ts';
import { correlate } from './correlation.ts';
import type { ConnectionPlan, ExchangeServices } from './exchange-services.ts';
import { judgeOpenAgain } from './judge.ts';
import type { JudgedUnder } from './open-decision.ts';

/** Nothing waits for the record of what ends whatever becomes of it. */
const nobody: RecordWaiter = Object.freeze({ recorded: () => {}, recordFailed: () => {} });

export class LastLetThrough {
  readonly #services: ExchangeServices;
  #caller: Caller | null = null;
  #head: RequestHead | null = null;
  #path = '';
  /** As of the last look, which comes at once when something changes: a request since then was judged under it too. */
  #under: JudgedUnder | null = null;
  #edition: unknown = null;

  constructor(services: ExchangeServices) {
    this.#services = services;
  }

  /** Nothing was let through yet. */
  get isNone(): boolean {
    return this.#head === null;
  }

  /** A request was let through; `path` is canonical. */
  note(caller: Caller, head: RequestHead, path: string): void {
    this.#caller = caller;
    this.#head = head;
    this.#path = path;
  }

  /** True when the connection, held by `own`, must end; the deny is on record then. */
  hasEnded(own: Caller): boolean {
    const { plans, settings, descriptions } = this.#services;
    if (this.#head === null || this.#caller === null) return false;
    if (this.#edition !== descriptions.edition) this.#caller = this.#caller.renewed(own);
    this.#edition = descriptions.edition;
    const under = this.#under;
    const { principal } = this.#caller.side;
    this.#under = { revision: plans.revision, settings, principal };
    const isSame = under !== null && under.revision === plans.revision && under.settings === settings;
    return !(isSame && under.principal === principal) && this.#isDenied(this.#caller, this.#head);
  }

  #isDenied({ side, facts }: Caller, head: RequestHead): boolean {
    const services = this.#services;
    const { ids, plans, recorder } = services;
    const asker = {
      side,
      facts,
      get plan(): ConnectionPlan {
        return plans.planFor(side.principal, side.tls);
      },
    };
    const correlation = correlate(null, ids.uuid(), ids);
    const denied = judgeOpenAgain(services, asker, { first: { correlation, path: this.#path }, head });
    if (denied === null) return false;
    recorder.decision(denied, nobody);
    return true;
  }
}
