// What configuration demands whatever the rules say: the boundary between environments, and how long a credential may
// live (config.md, `policy:`). Decided once for a plan and a connection, so that requests pay nothing for it.

import type { Authorizer, AuthzRequest, Decision, Plan, Principal, TlsFacts } from './model.ts';

export interface GuardrailOptions {
  /** A principal of another environment is denied, or only alarms. Default deny. */
  readonly environmentBoundary: 'deny' | 'alarm' | 'off';
  /** Undefined: unknown, and there is no boundary to hold. */
  readonly ownEnvironment: string | undefined;
  /** `strict` refuses a certificate that lives longer than the `ttl` of the rule that lets it in. Default bound. */
  readonly credentialCheck: 'bound' | 'strict';
  /** Longest life of a certificate, milliseconds; null for no limit. Default alarm above 24 h. */
  readonly maxCredentialLifetime: { readonly ms: number; readonly effect: 'deny' | 'alarm' } | null;
}

export const guardrailDefaults: GuardrailOptions = Object.freeze({
  environmentBoundary: 'deny',
  ownEnvironment: undefined,
  credentialCheck: 'bound',
  maxCredentialLifetime: Object.freeze({ ms: 24 * 3_600_000, effect: 'alarm' }),
});

/** A plan with its guard rails; the two constants go on record with each of its decisions. */
export interface GuardedPlan extends Plan {
  readonly environmentBoundary: 'deny' | 'alarm' | null;
  readonly credentialLifetimeAlarm: boolean;
}

export interface GuardedAuthorizer {
  readonly revision: number;
  planFor(principal: Principal, tls: TlsFacts): GuardedPlan;
}

/** Where the bundle in force has a name. */
export interface NamedAuthorizer extends Authorizer {
  readonly bundleDigest: string;
}

/** SPIRE back-dates certificates by ten seconds; clocks differ by some more (policy.md 1.8). Milliseconds. */
const lifetimeSlackMs = 60_000;

/** Name of the built-in policy in decisions that the boundary made. */
export const boundaryPolicy = 'postern.environment-boundary';
/** Name of the built-in policy in decisions that `max_credential_lifetime` made. */
export const lifetimePolicy = 'postern.max-credential-lifetime';

/** Puts guard rails round an authorizer. */
export function createGuardedAuthorizer(
  options: GuardrailOptions & { readonly authorizer: NamedAuthorizer },
): GuardedAuthorizer {
  const { authorizer } = options;
  return Object.freeze({
    get revision() {
      return authorizer.revision;
    },
    planFor: (principal: Principal, tls: TlsFacts) => guardedPlan(options, principal, tls),
  });
}

function guardedPlan(
  options: GuardrailOptions & { readonly authorizer: NamedAuthorizer },
  principal: Principal,
  tls: TlsFacts,
): GuardedPlan {
  const { authorizer, maxCredentialLifetime: limit } = options;
  const plan = authorizer.planFor(principal);
  const { revision, cache } = plan;
  const lifetimeMs = lifetimeOf(tls);
  const boundary = boundaryOf(options, principal);
  const isLong = limit !== null && isTooLong({ lifetimeMs, limitMs: limit.ms, principal });
  const credentialLifetimeAlarm = isLong && limit.effect === 'alarm';
  const constants = { revision, cache, environmentBoundary: boundary?.effect ?? null, credentialLifetimeAlarm };
  const digest = authorizer.bundleDigest;
  if (boundary?.effect === 'deny') return { ...constants, decide: always(boundaryDenial(boundary.isMissing, digest)) };
  if (isLong && limit.effect === 'deny') return { ...constants, decide: always(lifetimeDenial(digest)) };
  if (options.credentialCheck === 'bound') return { ...constants, decide: (request) => plan.decide(request) };
  return { ...constants, decide: strictDecide(plan, { lifetimeMs, principal }) };
}

function always(decision: Decision): () => Decision {
  return () => decision;
}

interface Boundary {
  readonly effect: 'deny' | 'alarm';
  readonly isMissing: boolean;
}

// Whose environment is not known may be of another one.
function boundaryOf(options: GuardrailOptions, principal: Principal): Boundary | null {
  const { environmentBoundary: effect, ownEnvironment } = options;
  if (effect === 'off' || ownEnvironment === undefined || principal.environment === ownEnvironment) return null;
  return { effect, isMissing: typeof principal.environment !== 'string' };
}

function boundaryDenial(isMissing: boolean, bundleDigest: string): Decision {
  const rule = 'deny-other-environment';
  const attributes = Object.freeze(['principal.environment']);
  return builtInDenial({
    reason: isMissing ? 'rule_indeterminate' : 'rule',
    policy: boundaryPolicy,
    rule,
    indeterminate: isMissing ? [Object.freeze({ policy: boundaryPolicy, rule, attributes })] : [],
    bundleDigest,
  });
}

function lifetimeDenial(bundleDigest: string): Decision {
  const rule = 'deny-long-lived-credential';
  return builtInDenial({
    reason: 'credential_too_long',
    policy: lifetimePolicy,
    rule,
    indeterminate: [],
    bundleDigest,
  });
}

function builtInDenial(
  made: Pick<Decision, 'reason' | 'indeterminate' | 'bundleDigest'> & {
    readonly policy: string;
    readonly rule: string;
  },
): Decision {
  const { reason, policy, rule, indeterminate, bundleDigest } = made;
  const ref = Object.freeze({ policy, name: rule, effect: 'deny' as const, priority: 0 });
  return Object.freeze({
    effect: 'deny',
    permit: null,
    reason,
    policy: Object.freeze({ name: policy, mode: 'enforce' as const }),
    rule: ref,
    matched: Object.freeze([ref]),
    overrode: Object.freeze([]),
    indeterminate: Object.freeze(indeterminate),
    shadow: null,
    obligations: null,
    bundleDigest,
  });
}

function lifetimeOf({ peerNotBeforeMs: from, peerNotAfterMs: to }: TlsFacts): number | null {
  return typeof from === 'number' && typeof to === 'number' ? to - from : null;
}

// A certificate whose lifetime is not known may be too long; a token has its own end and no certificate.
function isTooLong(asked: {
  readonly lifetimeMs: number | null;
  readonly limitMs: number;
  readonly principal: Principal;
}): boolean {
  const { lifetimeMs, limitMs, principal } = asked;
  // Written so that NaN is too long.
  return lifetimeMs === null ? principal.authn === 'mtls' : !(lifetimeMs <= limitMs);
}

function strictDecide(
  plan: Plan,
  side: { readonly lifetimeMs: number | null; readonly principal: Principal },
): (request: AuthzRequest) => Decision {
  const refused = new WeakMap<Decision, Decision>();
  return (request) => {
    const decision = plan.decide(request);
    if (decision.effect === 'deny' || decision.obligations === null) return decision;
    const limitMs = decision.obligations.credentialTtlS * 1000 + lifetimeSlackMs;
    if (!isTooLong({ ...side, limitMs })) return decision;
    const known = refused.get(decision) ?? strictDenial(decision);
    refused.set(decision, known);
    return known;
  };
}

function strictDenial(decision: Decision): Decision {
  return Object.freeze({ ...decision, effect: 'deny', permit: null, reason: 'credential_too_long', obligations: null });
}
