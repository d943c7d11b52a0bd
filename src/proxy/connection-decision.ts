// The decision about an opaque connection as a whole: made before the workload is dialled, and asked again when policy,
// settings or what is said of the peer change, and with each sweep where policy reads the time (promise 3).

import type { ConnectionFacts, DecisionEvent, RecordWaiter } from '../audit/decision-event.ts';
import type { HttpFacts } from '../authz/model.ts';
import { correlate } from './correlation.ts';
import type { ConnectionPlan, ExchangeServices } from './exchange-services.ts';
import { type ConnectionSide, InboundRequest } from './inbound-request.ts';
import { builtInDeny, decide, observe } from './judge.ts';
import type { JudgedUnder } from './open-decision.ts';
import type { ConnectionRight } from './peer-right.ts';

/** Who asks, as of now. */
export interface DecisionHost {
  readonly side: ConnectionSide;
  readonly facts: ConnectionFacts;
  readonly plan: ConnectionPlan;
  /** By which it may be here at all. */
  readonly right: ConnectionRight;
}

const rightEnded = builtInDeny('reauth_revoked');

const noHttp: HttpFacts = Object.freeze({ method: undefined, header: () => undefined, query: () => undefined });

/** Nothing waits for the record of what ends whatever becomes of it. */
const nobody: RecordWaiter = Object.freeze({ recorded: () => {}, recordFailed: () => {} });

export class ConnectionDecision {
  /** As made at first. */
  readonly event: DecisionEvent;
  readonly #services: ExchangeServices;
  readonly #host: DecisionHost;
  #under: JudgedUnder;

  /** Judges; whoever made it has it recorded. */
  constructor(services: ExchangeServices, host: DecisionHost) {
    this.#services = services;
    this.#host = host;
    this.#under = this.#now();
    const { event, plan, evalMs } = this.#judge();
    this.event = event;
    observe(services, { decision: event.decision, plan, evalMs });
  }

  /** True when the connection must end; the deny is on record then. */
  hasEnded(): boolean {
    const [under, now] = [this.#under, this.#now()];
    const isSame = now.revision === under.revision && now.settings === under.settings;
    if (isSame && now.principal === under.principal && !this.#services.plans.readsTime) return false;
    this.#under = now;
    const { event, plan, evalMs } = this.#judge();
    if (event.decision.effect === 'allow' || !event.enforced) return false;
    const decision = Object.freeze({ ...event.decision, reason: 'reauth_revoked' as const });
    observe(this.#services, { decision, plan, evalMs });
    this.#services.recorder.decision({ ...event, correlation: this.event.correlation, decision }, nobody);
    return true;
  }

  #now(): JudgedUnder {
    const { plans, settings } = this.#services;
    return { revision: plans.revision, settings, principal: this.#host.side.principal };
  }

  #judge() {
    const services = this.#services;
    const host = this.#host;
    const decisionId = services.ids.uuid();
    const correlation = correlate(null, decisionId, services.ids);
    const mapped = services.settings.routes.mapConnection(host.side.network.destinationPort);
    const question = new InboundRequest(host.side, mapped, {
      timeMs: services.clock.nowMs(),
      requestId: correlation.requestId,
      http: noHttp,
    });
    const startedMs = performance.now();
    // As before each request of HTTP: whose right has ended is denied whatever policy and mode say.
    const isOver = host.right.ended(services.clock.nowMs()) !== null;
    const { decision, plan } = isOver ? { decision: rightEnded, plan: null } : decide(host, question);
    const evalMs = performance.now() - startedMs;
    const event: DecisionEvent = {
      decisionId,
      timeUs: services.clock.nowUs(),
      decision,
      enforced: isOver || services.settings.options.mode === 'enforce',
      status: null,
      request: question,
      connection: host.facts,
      correlation,
      path: null,
      route: null,
      host: null,
      method: null,
      upgrade: null,
      evalNs: Math.round(evalMs * 1e6),
      planCache: plan?.cache ?? 'miss',
      environmentBoundary: plan?.environmentBoundary ?? null,
      credentialLifetimeAlarm: plan?.credentialLifetimeAlarm ?? false,
      headerHashes: null,
      maskedInputs: services.plans.maskedInputs,
    };
    return { event, plan, evalMs };
  }
}
