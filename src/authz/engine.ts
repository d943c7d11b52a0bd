// The authorizer: the bundle in force, the plans made from it, and the only place where a permit comes from. A bundle is
// replaced whole; plans of the old one say by their revision that they are old.

import { LRUCache } from 'lru-cache';
import type { AttributeRef } from './attribute.ts';
import { BundlePlan, Judge } from './bundle-plan.ts';
import type { PolicySet } from './compiled-policy.ts';
import type { Explanation } from './explain.ts';
import { explainDecision } from './explain.ts';
import type { Authorizer, AuthzRequest, Decision, Permit, Plan, Principal } from './model.ts';
import type { PrincipalPlan } from './plan.ts';
import { planKey } from './plan-key.ts';
import type { Effect } from './policy-document.ts';
import type { RuleHits } from './rule-hits.ts';
import { SetPlanner } from './set-planner.ts';
import type { Verdict } from './verdict.ts';

export interface AuthorizerOptions {
  /** Plans kept; the least recently used goes first. Default 10,000. */
  readonly planCacheEntries: number;
  /** Where no policy applies. Default deny. */
  readonly globalDefault: Effect;
}

export const authorizerDefaults: AuthorizerOptions = Object.freeze({ planCacheEntries: 10_000, globalDefault: 'deny' });

/** The bundles in force. */
export interface Bundles {
  readonly enforced: PolicySet;
  /** Judged beside and never enforced (`policy.shadow`); null if there is none. */
  readonly candidate: PolicySet | null;
}

const permit = Object.freeze({}) as Permit;

/** Lets a denied request pass: only for a listener in `mode: shadow`, whose records say so (`enforced: false`). */
export const unsafeShadowPermit: Permit = Object.freeze({}) as Permit;

function seal(verdict: Verdict): Decision {
  return Object.freeze(
    verdict.effect === 'allow' ? { ...verdict, effect: 'allow', permit } : { ...verdict, effect: 'deny', permit: null },
  );
}

function denial(reason: 'policy_unavailable' | 'engine_error', bundleDigest: string): Decision {
  const none = Object.freeze([]);
  const lists = { matched: none, overrode: none, indeterminate: none };
  return seal({
    effect: 'deny',
    reason,
    policy: null,
    rule: null,
    ...lists,
    shadow: null,
    obligations: null,
    bundleDigest,
  });
}

/** An authorizer without a bundle: it denies everything with `policy_unavailable` until `replace` is called. */
export function createAuthorizer(options: AuthorizerOptions = authorizerDefaults): PolicyAuthorizer {
  return new PolicyAuthorizer(options);
}

export class PolicyAuthorizer implements Authorizer {
  readonly #options: AuthorizerOptions;
  #bundles: Bundles | null = null;
  #planner: Planner;
  #revision = 0;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#planner = new UnavailablePlanner();
  }

  get revision(): number {
    return this.#revision;
  }

  /** The bundles in force; null before the first. */
  get current(): Bundles | null {
    return this.#bundles;
  }

  /** `sha256:…` of the bundle in force; empty before the first. */
  get bundleDigest(): string {
    return this.#bundles?.enforced.digest ?? '';
  }

  /** Plans that are kept now. */
  get planCount(): number {
    return this.#planner.planCount;
  }

  /** Puts a bundle in force, at once and whole. */
  replace(enforced: PolicySet, candidate: PolicySet | null = null): void {
    const bundles = Object.freeze({ enforced, candidate });
    const planner = new BundlePlanner(bundles, this.#options, this.#revision + 1);
    this.#bundles = bundles;
    this.#planner = planner;
    this.#revision++;
  }

  planFor(principal: Principal): Plan {
    return this.#planner.planFor(principal);
  }

  /** Why the bundle in force decides as it does; null before the first. Costs a walk through every rule. */
  explain(request: AuthzRequest): Explanation | null {
    if (this.#bundles === null) return null;
    // A planner of its own: questions of operators raise no counters and push no caller's plan out.
    const planner = new BundlePlanner(this.#bundles, this.#options, this.#revision);
    const decision = planner.planFor(request.principal).decide(request);
    return explainDecision(this.#bundles.enforced, request, decision);
  }

  /** How often each rule of the bundles in force has fired since they were put in force. */
  hits(): { readonly enforced: readonly RuleHits[]; readonly candidate: readonly RuleHits[] } {
    return this.#planner.hits();
  }
}

interface Planner {
  readonly planCount: number;
  planFor(principal: Principal): Plan;
  hits(): { readonly enforced: readonly RuleHits[]; readonly candidate: readonly RuleHits[] };
}

class UnavailablePlanner implements Planner {
  readonly planCount = 0;

  planFor(): Plan {
    const decision = denial('policy_unavailable', '');
    return { revision: 0, cache: 'miss', decide: () => decision };
  }

  hits() {
    return { enforced: [], candidate: [] };
  }
}

/** Plans of one revision. */
class BundlePlanner implements Planner {
  readonly #revision: number;
  readonly #enforced: SetPlanner;
  readonly #candidate: SetPlanner | null;
  readonly #engineError: Decision;
  readonly #attributes: readonly AttributeRef[];
  readonly #plans: LRUCache<string, Plan>;

  constructor({ enforced, candidate }: Bundles, options: AuthorizerOptions, revision: number) {
    const { globalDefault } = options;
    this.#revision = revision;
    this.#engineError = denial('engine_error', enforced.digest);
    const common = { globalDefault, seal, engineError: this.#engineError };
    this.#enforced = new SetPlanner(enforced, common);
    this.#candidate = candidate && new SetPlanner(candidate, common);
    this.#attributes = [...enforced.principalAttributes, ...(candidate?.principalAttributes ?? [])];
    this.#plans = new LRUCache({ max: options.planCacheEntries });
  }

  get planCount(): number {
    return this.#plans.size;
  }

  planFor(principal: Principal): Plan {
    const engineError = this.#engineError;
    try {
      const key = planKey(principal, this.#attributes);
      const known = key === null ? undefined : this.#plans.get(key);
      if (known !== undefined) return known;
      const judge = this.#judgeOf(principal);
      if (key !== null) this.#plans.set(key, new BundlePlan(this.#revision, 'hit', judge));
      return new BundlePlan(this.#revision, 'miss', judge);
    } catch {
      return { revision: this.#revision, cache: 'miss', decide: () => engineError };
    }
  }

  #judgeOf(principal: Principal): Judge {
    const enforced = this.#enforced.plan(principal);
    const candidate = this.#candidatePlan(principal);
    return new Judge({ enforced, candidate, engineError: this.#engineError, seal });
  }

  // A candidate is never enforced, so its faults are not either.
  #candidatePlan(principal: Principal): PrincipalPlan | null {
    try {
      return this.#candidate?.plan(principal) ?? null;
    } catch {
      return null;
    }
  }

  hits() {
    return { enforced: this.#enforced.hits(), candidate: this.#candidate?.hits() ?? [] };
  }
}
