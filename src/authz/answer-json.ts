// A decision as JSON (config.md), for tools.

import type { Decision } from './model.ts';

/** The answer of `policy eval`; keys and their order are API. */
export interface AnswerJson {
  readonly decision: 'allow' | 'deny';
  readonly reason: string;
  readonly policy: string | null;
  readonly rule: string | null;
  /** Names of rules that fired and lost. */
  readonly overrode: readonly string[];
  readonly indeterminate: readonly { readonly rule: string; readonly attributes: readonly string[] }[];
  readonly obligations: { readonly credential_ttl_s?: number };
  readonly shadow: {
    readonly decision: 'allow' | 'deny';
    readonly policy: string | null;
    readonly rule: string | null;
    readonly would_change: boolean;
  } | null;
}

/** The JSON form of a decision. */
export function answerJson(decision: Decision): AnswerJson {
  const { effect, reason, policy, rule, overrode, indeterminate, obligations, shadow } = decision;
  return {
    decision: effect,
    reason,
    policy: policy?.name ?? null,
    rule: rule?.name ?? null,
    overrode: overrode.map(({ name }) => name),
    indeterminate: indeterminate.map(({ rule: name, attributes }) => ({ rule: name, attributes })),
    obligations: obligations === null ? {} : { credential_ttl_s: obligations.credentialTtlS },
    shadow: shadow && {
      decision: shadow.decision,
      policy: shadow.policy,
      rule: shadow.rule,
      would_change: shadow.wouldChange,
    },
  };
}
