// HOT PATH (npm run bench). From a head that was read to the exchange that serves it, one request at a time: whether the right
// still stands, who asks, what policy says. The same questions in the same order for every version of HTTP.

import type { Correlation } from '../audit/decision-event.ts';
import { refuseToken, type TokenRefusal } from '../identity/tokens/token-refusals.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { acceptedPath } from './accepted-path.ts';
import type { Caller } from './caller.ts';
import type { ConnectionHolder } from './connection-holder.ts';
import { correlate } from './correlation.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeHost, ExchangeServices } from './exchange-services.ts';
import { judgeRequest, refuseRequest } from './judge.ts';
import { type OwnAnswerKind, ownAnswers } from './own-answer.ts';

/** Whose requests are taken in. */
export interface IntakeHost extends ExchangeHost {
  /** Under whose settings a request is served; null for nobody. */
  servicesFor(head: RequestHead): ExchangeServices | null;
  /** A request was judged or refused, and goes on record. */
  serve(exchange: Exchange): void;
}

interface RequestNames {
  readonly decisionId: string;
  readonly correlation: Correlation;
}

interface NamedHead extends RequestNames {
  readonly head: RequestHead;
}

export class RequestIntake {
  readonly #services: ExchangeServices;
  readonly #holder: ConnectionHolder;
  readonly #host: IntakeHost;
  #caller: Caller;
  /** What the connection's holder was said to be when that caller was made. */
  #over: Caller;
  /** The request whose token is being verified. */
  #verifying: NamedHead | null = null;

  constructor(services: ExchangeServices, holder: ConnectionHolder, host: IntakeHost) {
    this.#services = services;
    this.#holder = holder;
    this.#host = host;
    this.#caller = holder.own;
    this.#over = holder.own;
  }

  /** Who the request under way is from. */
  get caller(): Caller {
    return this.#caller;
  }

  get isVerifying(): boolean {
    return this.#verifying !== null;
  }

  begin(head: RequestHead): void {
    const services = this.#services;
    this.#takeOwn();
    const decisionId = services.ids.uuid();
    const correlation = correlate(head.fields, decisionId, services.ids);
    const named = { decisionId, correlation, head };
    if (this.#holder.rightEnded() !== null) return this.#refuse('reauth_revoked', 'denied', named);
    if (services.settings.options.identityRequired === 'x509') return this.#judge(named);
    this.#identify(named);
  }

  /** Refuses a request whose head cannot be read. */
  refuseUnread(kind: OwnAnswerKind): void {
    const { ids } = this.#services;
    const decisionId = ids.uuid();
    this.#takeOwn();
    this.#refuse('bad_request', kind, { decisionId, correlation: correlate(null, decisionId, ids), head: null });
  }

  /** What is said of the caller may have changed; what is under way keeps on record what it was judged by. */
  renew(): void {
    const own = this.#holder.describeAgain();
    if (own === this.#over) return;
    this.#over = own;
    this.#caller = this.#caller.renewed(own);
  }

  /** Refuses the request whose token is still being verified; false: there is none. */
  giveUp(): boolean {
    const named = this.#verifying;
    if (named === null) return false;
    this.#verifying = null;
    this.#refuseToken(named, refuseToken('keys_unavailable'));
    return true;
  }

  /** Whoever asked is gone. */
  drop(): void {
    this.#verifying = null;
  }

  /** Until a token says more, a request is from whoever holds the connection. */
  #takeOwn(): void {
    this.#over = this.#holder.describeAgain();
    this.#caller = this.#over;
  }

  /** Everybody who needs a token, or brings one, is who it says. */
  #identify(named: NamedHead): void {
    const { tokens, settings } = this.#services;
    if (tokens === null) return this.#refuseToken(named, refuseToken('issuer_unknown'));
    this.#verifying = named;
    const over = this.#over;
    tokens.identify(over, { head: named.head, options: settings.options }, (found) => {
      // Whoever asked, or time, may have ended meanwhile.
      if (this.#verifying !== named) return;
      this.#verifying = null;
      if (found.kind === 'refused') return this.#refuseToken(named, found.refusal);
      this.#services.observer.tokenJudged('accepted');
      this.#caller = found.caller;
      this.#over = over;
      this.renew();
      // It may have taken seconds.
      if (this.#holder.rightEnded() !== null) return this.#refuse('reauth_revoked', 'denied', named);
      this.#judge({ ...named, head: found.head });
    });
  }

  #judge(named: NamedHead): void {
    const host = this.#host;
    const { decisionId, correlation, head } = named;
    const services = host.servicesFor(head);
    if (services === null) return this.#refuse('bad_request_target', 'host_unknown', named);
    const path = acceptedPath(head.rawPath, services.settings.options);
    if (path === null) return this.#refuse('bad_request_target', 'bad_request', named);
    const event = judgeRequest(services, host, { decisionId, correlation, head, path });
    if (event.decision.effect === 'allow' || !event.enforced) this.#holder.last.note(this.#caller, head, path);
    host.serve(new Exchange(services, host, { event, head, target: path + head.query, refusal: null }));
  }

  #refuseToken(named: NamedHead, { cause, detail, shown }: TokenRefusal): void {
    const services = this.#services;
    services.observer.tokenJudged(cause);
    const kind = cause === 'keys_unavailable' ? 'undecidable' : 'unauthenticated';
    const { head } = named;
    const refused = { ...named, reason: 'authn_failed', status: ownAnswers[kind].status } as const;
    const event = refuseRequest(services, this.#host, { ...refused, failure: { cause, detail, shown } });
    this.#host.serve(new Exchange(services, this.#host, { event, head, target: '', refusal: kind, code: cause }));
  }

  #refuse(
    reason: 'bad_request' | 'bad_request_target' | 'reauth_revoked',
    kind: OwnAnswerKind,
    request: RequestNames & { readonly head: RequestHead | null },
  ): void {
    const services = this.#services;
    const event = refuseRequest(services, this.#host, { ...request, reason, status: ownAnswers[kind].status });
    this.#host.serve(new Exchange(services, this.#host, { event, head: null, target: '', refusal: kind }));
  }
}
