// HOT PATH (bench/policy.bench.ts). The plan that a connection holds: the bundle in force, and beside it the candidate.

import type { AuthzRequest, Decision, Plan } from './model.ts';
import type { PrincipalPlan } from './plan.ts';
import type { Verdict } from './verdict.ts';
import { withCandidate } from './verdict-join.ts';

/** What the first connection of a principal and all later ones share; they differ in how they came by it. */
export class BundlePlan implements Plan {
  readonly revision: number;
  readonly cache: 'hit' | 'miss';
  readonly #judge: Judge;

  constructor(revision: number, cache: 'hit' | 'miss', judge: Judge) {
    this.revision = revision;
    this.cache = cache;
    this.#judge = judge;
  }

  decide(request: AuthzRequest): Decision {
    return this.#judge.decide(request);
  }
}

export interface JudgeParts {
  /** Makes the decision of a verdict; only the engine can make an allow. */
  readonly seal: (verdict: Verdict) => Decision;
  readonly enforced: PrincipalPlan;
  readonly candidate: PrincipalPlan | null;
  readonly engineError: Decision;
}

/** The bundle in force and the candidate, as one principal sees them. */
export class Judge {
  readonly #enforced: PrincipalPlan;
  readonly #candidate: PrincipalPlan | null;
  readonly #engineError: Decision;
  readonly #seal: (verdict: Verdict) => Decision;
  readonly #compared = new WeakMap<Decision, WeakMap<Decision, Decision>>();

  constructor(parts: JudgeParts) {
    this.#enforced = parts.enforced;
    this.#candidate = parts.candidate;
    this.#engineError = parts.engineError;
    this.#seal = parts.seal;
  }

  decide(request: AuthzRequest): Decision {
    // A fault is on record as `engine_error`, and no request passes.
    const decision = decideSafely(this.#enforced, request) ?? this.#engineError;
    if (this.#candidate === null) return decision;
    const candidate = decideSafely(this.#candidate, request);
    return candidate === null ? decision : this.#compare(decision, candidate);
  }

  #compare(decision: Decision, candidate: Decision): Decision {
    let known = this.#compared.get(decision);
    if (known === undefined) {
      known = new WeakMap();
      this.#compared.set(decision, known);
    }
    let compared = known.get(candidate);
    if (compared === undefined) {
      compared = this.#seal(withCandidate(decision, candidate));
      known.set(candidate, compared);
    }
    return compared;
  }
}

function decideSafely(plan: PrincipalPlan, request: AuthzRequest): Decision | null {
  try {
    return plan.decide(request);
  } catch {
    return null;
  }
}
