// How often each rule fired, so that an operator sees which are never used.

import type { PolicySet } from './compiled-policy.ts';

export interface RuleHits {
  readonly policy: string;
  readonly rule: string;
  readonly count: number;
}

/** One entry for each rule that is not disabled, in order. */
export function ruleHits(set: PolicySet, counts: Float64Array): readonly RuleHits[] {
  return set.policies.flatMap(({ document, rules }) =>
    rules.map((rule) => ({ policy: document.name, rule: rule.ref.name, count: counts[rule.ordinal] ?? 0 })),
  );
}
