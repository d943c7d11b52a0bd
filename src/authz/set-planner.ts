// Plans from one bundle. What only depends on the kind of principal is folded once for all of its kind.

import type { PolicySet } from './compiled-policy.ts';
import type { Principal } from './model.ts';
import type { PlanContext } from './plan.ts';
import { PrincipalPlan } from './plan.ts';
import type { Folded } from './plan-build.ts';
import { foldBroad, foldOwn } from './plan-build.ts';
import type { RuleHits } from './rule-hits.ts';
import { ruleHits } from './rule-hits.ts';

/** All of a plan's context that is not the bundle's own. */
export type SetPlannerOptions = Pick<PlanContext, 'globalDefault' | 'seal' | 'engineError'>;

export class SetPlanner {
  readonly #set: PolicySet;
  readonly #context: PlanContext;
  readonly #broad = new Map<string, Folded>();

  constructor(set: PolicySet, options: SetPlannerOptions) {
    this.#set = set;
    this.#context = Object.freeze({ ...options, set, hits: new Float64Array(set.ruleCount) });
  }

  plan(principal: Principal): PrincipalPlan {
    return new PrincipalPlan(this.#context, this.#broadFor(principal), foldOwn(this.#set, principal));
  }

  // Types of principals and ways of proof are words of the configuration, so these are few.
  #broadFor(principal: Principal): Folded {
    const kind = `${principal.authn} ${principal.type}`;
    const known = this.#broad.get(kind);
    if (known !== undefined) return known;
    const folded = foldBroad(this.#set, principal);
    if (this.#broad.size < 64) this.#broad.set(kind, folded);
    return folded;
  }

  hits(): readonly RuleHits[] {
    return ruleHits(this.#set, this.#context.hits);
  }
}
