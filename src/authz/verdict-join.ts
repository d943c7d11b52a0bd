// Several decisions about one request become one: where several actions are required, and where a candidate bundle is
// looked at beside the one in force.

import type { Decision, ShadowDecision } from './model.ts';
import type { Effect } from './policy-document.ts';
import type { Verdict } from './verdict.ts';
import { maxListed } from './verdict.ts';

/** Both must be allowed (policy.md, line 11): the first deny decides; obligations are the stricter ones. */
export function joinRequired(a: Decision, b: Decision): Verdict {
  const deciding = a.effect === 'deny' || b.effect === 'allow' ? a : b;
  return {
    effect: deciding.effect,
    reason: deciding.reason,
    policy: deciding.policy,
    rule: deciding.rule,
    matched: union(a.matched, b.matched),
    overrode: union(a.overrode, b.overrode),
    indeterminate: union(a.indeterminate, b.indeterminate),
    shadow: joinShadow(a, b, deciding.effect),
    obligations: deciding.effect === 'allow' ? stricter(a, b) : null,
    bundleDigest: deciding.bundleDigest,
  };
}

function union<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  return Object.freeze([...new Set([...a, ...b])].slice(0, maxListed));
}

function stricter(a: Decision, b: Decision): Decision['obligations'] {
  if (a.obligations === null || b.obligations === null) return a.obligations ?? b.obligations;
  return a.obligations.credentialTtlS <= b.obligations.credentialTtlS ? a.obligations : b.obligations;
}

function joinShadow(a: Decision, b: Decision, effect: Effect): ShadowDecision | null {
  if (a.shadow === null && b.shadow === null) return null;
  const views = [shadowView(a), shadowView(b)] as const;
  const deciding = views[0].decision === 'deny' || views[1].decision === 'allow' ? views[0] : views[1];
  return Object.freeze({ ...deciding, wouldChange: deciding.decision !== effect });
}

// Where no shadow rule took part, the shadow view is the decision itself.
function shadowView(decision: Decision): Omit<ShadowDecision, 'wouldChange'> {
  const { effect, policy, rule, shadow } = decision;
  return shadow ?? { decision: effect, policy: policy?.name ?? null, rule: rule?.name ?? null };
}

/** The decision in force, with what the candidate would have decided as its shadow. */
export function withCandidate(decision: Decision, candidate: Decision): Verdict {
  const { effect, reason, policy, rule, matched, overrode, indeterminate, obligations, bundleDigest } = decision;
  const shadow: ShadowDecision = Object.freeze({
    decision: candidate.effect,
    policy: candidate.policy?.name ?? null,
    rule: candidate.rule?.name ?? null,
    wouldChange: candidate.effect !== effect,
  });
  return { effect, reason, policy, rule, matched, overrode, indeterminate, shadow, obligations, bundleDigest };
}
