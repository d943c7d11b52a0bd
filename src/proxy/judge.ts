// HOT PATH (npm run bench). Puts one request to policy and makes the event that goes on record. Whatever fails on the
// way is a deny with its reason; nothing is thrown.

import { createHash } from 'node:crypto';
import type { AuthnFailure, Correlation, DecisionEvent } from '../audit/decision-event.ts';
import type { Action, Decision, ReasonCode } from '../authz/model.ts';
import { FieldList } from '../wire/field-list.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { httpAction } from './action-names.ts';
import type { ConnectionPlan, ExchangeHost, ExchangeServices } from './exchange-services.ts';
import { grpcCallOf } from './grpc-call.ts';
import { InboundRequest, RequestHttpFacts } from './inbound-request.ts';
import { answerOfReason, ownAnswers } from './own-answer.ts';
import { HttpResource } from './resource-template.ts';

/** A deny that was made without asking policy. */
export function builtInDeny(reason: ReasonCode): Decision {
  return Object.freeze({
    effect: 'deny' as const,
    permit: null,
    reason,
    policy: null,
    rule: null,
    matched: [],
    overrode: [],
    indeterminate: [],
    shadow: null,
    obligations: null,
    bundleDigest: '',
  });
}

const badTarget = builtInDeny('bad_request_target');
const badRequest = builtInDeny('bad_request');
const engineError = builtInDeny('engine_error');
const rightEnded = builtInDeny('reauth_revoked');
const authnFailed = builtInDeny('authn_failed');
const unreadable: readonly Action[] = Object.freeze([httpAction(['unknown'])]);
const nothing: ReadonlyMap<string, unknown> = new Map();
const unreadableResource = Object.freeze({
  type: 'unknown',
  name: undefined,
  id: undefined,
  namespace: undefined,
  environment: undefined,
  service: undefined,
  topic: undefined,
  owner: undefined,
  labels: nothing,
});

interface Judged {
  readonly decisionId: string;
  readonly correlation: Correlation;
}

interface Asked extends Judged {
  readonly head: RequestHead;
  readonly path: string;
}

/** Decides a request whose target has the canonical form `path`. */
export function judgeRequest(services: ExchangeServices, host: ExchangeHost, request: Asked): DecisionEvent {
  const { event, plan, evalMs } = judge(services, host, request);
  observe(services, { decision: event.decision, plan, evalMs });
  return event;
}

/** From whom a request is. */
type Asker = Pick<ExchangeHost, 'side' | 'facts' | 'plan'>;

/**
 * Puts a request that is under way, or the upgrade of an open tunnel, to policy once more, as of now. The deny that goes on
 * record, or null where it may go on.
 */
export function judgeOpenAgain(
  services: ExchangeServices,
  host: Asker,
  open: { readonly first: Pick<DecisionEvent, 'correlation' | 'path'>; readonly head: RequestHead },
): DecisionEvent | null {
  const { first, head } = open;
  const { correlation, path } = first;
  const asked = { decisionId: services.ids.uuid(), correlation, head, path: path ?? '' };
  const { event, plan, evalMs } = judge(services, host, asked);
  if (event.decision.effect === 'allow' || !event.enforced) return null;
  const decision = Object.freeze({ ...event.decision, reason: 'reauth_revoked' as const });
  observe(services, { decision, plan, evalMs });
  return { ...event, decision, status: null };
}

function judge(services: ExchangeServices, host: Asker, request: Asked) {
  const { head, path, correlation } = request;
  const call = services.settings.servesGrpc === true ? grpcCallOf(head, path) : null;
  const mapped = services.settings.routes.map({
    method: head.method,
    host: head.host,
    port: head.port,
    path,
    fields: head.fields,
    call,
  });
  const question = new InboundRequest(host.side, mapped, {
    timeMs: services.clock.nowMs(),
    requestId: correlation.requestId,
    http: new RequestHttpFacts(head.method, head.fields, head.query),
    call,
  });
  const startedMs = performance.now();
  const { decision, plan } = decide(host, question);
  const evalMs = performance.now() - startedMs;
  const enforced = services.settings.options.mode === 'enforce';
  const event: DecisionEvent = {
    decisionId: request.decisionId,
    timeUs: services.clock.nowUs(),
    decision,
    enforced,
    status: decision.effect === 'deny' && enforced ? denyStatus(services, decision.reason) : null,
    request: question,
    connection: host.facts,
    correlation,
    path,
    route: mapped.route,
    host: head.host,
    method: head.method,
    upgrade: head.upgrade,
    evalNs: Math.round(evalMs * 1e6),
    planCache: plan?.cache ?? 'miss',
    environmentBoundary: plan?.environmentBoundary ?? null,
    credentialLifetimeAlarm: plan?.credentialLifetimeAlarm ?? false,
    headerHashes: services.settings.hashedHeaders.length === 0 ? null : hashHeaders(head.fields, services),
    maskedInputs: services.plans.maskedInputs,
  };
  return { event, plan, evalMs };
}

/** The event of a request that is refused without asking policy. */
export function refuseRequest(
  services: ExchangeServices,
  host: ExchangeHost,
  request: Judged & {
    readonly reason: RefusalReason;
    readonly status: number;
    readonly head: RequestHead | null;
    /** What was wrong with the token. */
    readonly failure?: AuthnFailure;
  },
): DecisionEvent {
  const { head } = request;
  const decision = refusals[request.reason];
  observe(services, { decision, plan: null, evalMs: 0 });
  const resource = new HttpResource(
    unreadableResource,
    { host: head?.host, port: head?.port, path: undefined, method: head?.method },
    null,
  );
  return {
    decisionId: request.decisionId,
    timeUs: services.clock.nowUs(),
    decision,
    enforced: true,
    status: request.status,
    request: new InboundRequest(
      host.side,
      { actions: unreadable, resource },
      {
        timeMs: services.clock.nowMs(),
        requestId: request.correlation.requestId,
        http: new RequestHttpFacts(head?.method ?? '', noFields, ''),
      },
    ),
    connection: host.facts,
    correlation: request.correlation,
    path: null,
    route: null,
    host: head?.host ?? null,
    method: head?.method ?? null,
    upgrade: head?.upgrade ?? null,
    evalNs: 0,
    planCache: 'miss',
    environmentBoundary: null,
    credentialLifetimeAlarm: false,
    headerHashes: null,
    ...(request.failure === undefined ? {} : { authnFailure: request.failure }),
  };
}

const noFields = new FieldList();

/** Why a request is refused before policy is asked. */
export type RefusalReason = 'bad_request_target' | 'bad_request' | 'reauth_revoked' | 'authn_failed';

const refusals: Readonly<Record<RefusalReason, Decision>> = Object.freeze({
  bad_request_target: badTarget,
  bad_request: badRequest,
  reauth_revoked: rightEnded,
  authn_failed: authnFailed,
});

/** Asks the plan of `host`. */
export function decide(host: Pick<ExchangeHost, 'plan'>, question: InboundRequest) {
  try {
    const { plan } = host;
    return { decision: plan.decide(question), plan };
  } catch {
    // A plan that cannot be built is the engine's fault, and a fault is a deny.
    return { decision: engineError, plan: null };
  }
}

function denyStatus(services: ExchangeServices, reason: ReasonCode): number {
  const kind = answerOfReason(reason);
  return kind === 'denied' ? services.settings.options.deny.status : ownAnswers[kind].status;
}

/** Counts a decision. */
export function observe(
  services: ExchangeServices,
  made: { readonly decision: Decision; readonly plan: ConnectionPlan | null; readonly evalMs: number },
): void {
  const { observer } = services;
  observer.decided(made.decision.effect, made.decision.reason, made.evalMs);
  if (made.decision.indeterminate.length > 0) services.onIndeterminate(made.decision.indeterminate);
  if (made.decision.shadow?.wouldChange) observer.shadowWouldChange();
  if (made.plan === null) return;
  if (made.plan.environmentBoundary !== null) observer.boundaryCrossed(made.plan.environmentBoundary);
  if (made.plan.credentialLifetimeAlarm) observer.credentialLifetimeAlarm();
}

function hashHeaders(fields: FieldList, services: ExchangeServices): Readonly<Record<string, string>> | null {
  const hashes: Record<string, string> = Object.create(null) as Record<string, string>;
  let found = false;
  for (const name of services.settings.hashedHeaders) {
    const values = fields.getAll(name);
    if (values.length === 0) continue;
    hashes[name] = `sha256:${createHash('sha256').update(values.join(', '), 'latin1').digest('hex')}`;
    found = true;
  }
  return found ? hashes : null;
}
