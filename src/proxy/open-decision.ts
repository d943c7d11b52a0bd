// The decision that something open rests on: a request under way, a tunnel. Asked again when policy, settings or what is
// said of the peer change, and with each sweep where policy reads the time (promise 3).

import type { DecisionEvent, RecordWaiter } from '../audit/decision-event.ts';
import type { Principal } from '../authz/model.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import type { ExchangeHost, ExchangeServices, ListenerSettings } from './exchange-services.ts';
import { judgeOpenAgain } from './judge.ts';

/** What a decision was last made under. */
export interface JudgedUnder {
  readonly revision: number;
  readonly settings: ListenerSettings;
  /** Another object where what is said of the peer changed. */
  readonly principal: Principal;
}

/** Nothing waits for the record of what ends whatever becomes of it. */
const nobody: RecordWaiter = Object.freeze({ recorded: () => {}, recordFailed: () => {} });

export class OpenDecision {
  readonly #services: ExchangeServices;
  readonly #host: ExchangeHost;
  readonly #open: { readonly first: DecisionEvent; readonly head: RequestHead };
  #under: JudgedUnder | null;

  /** `under` null: not known, so the first question is put to policy in any case. */
  constructor(
    parts: { readonly services: ExchangeServices; readonly host: ExchangeHost },
    open: { readonly first: DecisionEvent; readonly head: RequestHead },
    under: JudgedUnder | null,
  ) {
    this.#services = parts.services;
    this.#host = parts.host;
    this.#open = open;
    this.#under = under;
  }

  /** True when what is open must end; the deny is on record then. */
  hasEnded(): boolean {
    const { plans, settings, recorder } = this.#services;
    const under = this.#under;
    const { principal } = this.#host.side;
    const isSame = under !== null && plans.revision === under.revision && settings === under.settings;
    if (isSame && principal === under.principal && !plans.readsTime) return false;
    this.#under = { revision: plans.revision, settings, principal };
    const denied = judgeOpenAgain(this.#services, this.#host, this.#open);
    if (denied === null) return false;
    recorder.decision(denied, nobody);
    return true;
  }
}
