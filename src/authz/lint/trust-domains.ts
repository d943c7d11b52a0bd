// L-TD: a trust domain that no bundle vouches for, or any at all.

import type { Comparison } from '../expression.ts';
import type { Clause, PolicyDocument } from '../policy-document.ts';
import { trustDomainOf } from '../spiffe-text.ts';
import { leavesOf, textsOf } from './expression-walk.ts';
import type { LintFault, LintRule } from './lint-rule.ts';
import { clausesOf } from './lint-rule.ts';

interface PlacedClause {
  readonly clause: Clause;
  readonly policy: string;
  readonly rule: string | null;
}

/** Clauses of policies and rules that may speak of principals. */
function* placedClauses(policies: readonly PolicyDocument[]): Generator<PlacedClause, void, void> {
  for (const policy of policies) {
    for (const clause of policy.principals?.alternatives.flat() ?? [])
      yield { clause, policy: policy.name, rule: null };
    for (const rule of policy.rules) {
      if (rule.mode === 'disabled') continue;
      for (const clause of clausesOf(rule)) yield { clause, policy: policy.name, rule: rule.name };
    }
  }
}

function trustDomainsOf(comparison: Comparison): readonly string[] {
  const { text } = comparison.left;
  const texts = ['==', 'in', 'matches'].includes(comparison.operator) ? textsOf(comparison) : [];
  if (text === 'principal.trust_domain') return texts;
  return text === 'principal.spiffe_id' ? texts.map(trustDomainOf) : [];
}

export const trustDomain: LintRule = {
  id: 'L-TD',
  level: 'error; a wildcard does not load unless the configuration allows it',
  finds: 'a trust domain that the configuration has no bundle for, or a wildcard in its place',
  needs: 'trustDomains',
  *check(policies, { trustDomains }) {
    for (const { clause, policy, rule } of placedClauses(policies)) {
      for (const name of namesIn(clause)) {
        const fault = faultOf(name, trustDomains ?? new Set());
        if (fault !== null) yield { ...fault, position: clause.position, policy, rule };
      }
    }
  },
};

function namesIn(clause: Clause): ReadonlySet<string> {
  const leaves = [...leavesOf(clause.expression)];
  return new Set(leaves.flatMap(({ expression }) => (expression.kind === 'compare' ? trustDomainsOf(expression) : [])));
}

function faultOf(name: string, known: ReadonlySet<string>): Pick<LintFault, 'severity' | 'message' | 'mend'> | null {
  if (name.includes('*')) {
    const mend = 'write out the trust domains that are meant';
    return { severity: 'warning', message: `\`${name}\` stands for any trust domain`, mend };
  }
  if (known.has(name)) return null;
  return {
    severity: 'error',
    message: `there is no trust bundle for \`${name}\`, so nobody of it gets in`,
    mend: `correct the name, or add it under \`identity.federation\`; known: ${[...known].join(', ')}`,
  };
}
