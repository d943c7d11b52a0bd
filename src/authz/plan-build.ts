// HOT PATH for first requests (bench/policy.bench.ts). Folds a principal into a bundle: which policies apply, and which
// rules can still apply, with everything that reads only the principal decided once.

import type { CompiledRule, PlanRule, PolicySet, RuleGroup } from './compiled-policy.ts';
import type { Test } from './expression.ts';
import { FALSE, TRUE, type Truth, UNKNOWN } from './kleene.ts';
import type { Action, AuthzRequest, Principal } from './model.ts';
import { RuleIndex } from './rule-index.ts';
import type { ApplyingPolicy } from './verdict.ts';

/** What a principal leaves of some groups of rules. */
export interface Folded {
  readonly applying: readonly ApplyingPolicy[];
  readonly index: RuleIndex;
}

const nothing: ReadonlyMap<string, unknown> = new Map();
const noAction: Action = Object.freeze({ name: '', names: [], protocol: 'api', properties: nothing });

/** Folds the groups that look only at the kind of principal; the same for all principals of a kind. */
export function foldBroad(set: PolicySet, principal: Principal): Folded {
  return fold(set.broad, principal);
}

/** Folds the groups that are meant for this principal. */
export function foldOwn(set: PolicySet, principal: Principal): Folded {
  const { spiffeId } = principal;
  const pinned = typeof spiffeId === 'string' ? set.pinned.find(spiffeId) : set.pinned.all;
  return fold([...set.unpinned, ...pinned], principal);
}

function fold(groups: Iterable<RuleGroup>, principal: Principal): Folded {
  const request = aboutPrincipal(principal);
  const applying = new Map<number, ApplyingPolicy>();
  const rules: PlanRule[] = [];
  for (const { policy, rules: grouped } of groups) {
    const truth = policy.applies === null ? TRUE : policy.applies(request, noAction);
    if (truth === FALSE) continue;
    applying.set(policy.ordinal, { policy, truth });
    for (const rule of grouped) {
      const folded = foldRule(rule, truth, request);
      if (folded !== null) rules.push(folded);
    }
  }
  return { applying: [...applying.values()], index: new RuleIndex(rules) };
}

function foldRule(rule: CompiledRule, policyTruth: Truth, request: AuthzRequest): PlanRule | null {
  const truth = rule.principalTests.length === 0 ? TRUE : conjunction(rule.principalTests, request);
  if (truth === FALSE) return null;
  return truth === UNKNOWN || policyTruth === UNKNOWN ? rule.uncertain : rule.certain;
}

function conjunction(tests: readonly Test[], request: AuthzRequest): Truth {
  let truth: Truth = TRUE;
  for (let n = 0; n < tests.length; n++) {
    const one = tests[n]!(request, noAction);
    if (one === FALSE) return FALSE;
    if (one === UNKNOWN) truth = UNKNOWN;
  }
  return truth;
}

// Tests that a plan folds read nothing but the principal; the rest of this request is never looked at.
function aboutPrincipal(principal: Principal): AuthzRequest {
  return { principal } as AuthzRequest;
}
