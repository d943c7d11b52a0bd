// L-ABSENT: a policy that reads what is said of no identity: a label that is misspelt here or in the registry.

import type { AttributeRef } from '../attribute.ts';
import { valueAttributesOf } from './expression-walk.ts';
import type { LintRule } from './lint-rule.ts';
import { clausesOf, faultIn, rulesOf } from './lint-rule.ts';

export const absentAttribute: LintRule = {
  id: 'L-ABSENT',
  level: 'warning',
  finds: 'an environment or a label of principals that neither `identity.attributes` nor the registry gives to anybody',
  needs: 'givenAttributes',
  *check(policies, { givenAttributes }) {
    for (const placed of rulesOf(policies)) {
      const { rule, policy } = placed;
      for (const clause of [...(policy.principals?.alternatives.flat() ?? []), ...clausesOf(rule)]) {
        for (const { text, name } of namesIn(valueAttributesOf(clause.expression))) {
          if (givenAttributes?.has(name) !== false) continue;
          const result = rule.effect === 'allow' ? 'never allows by it' : 'always denies, for want of it';
          const message = `nobody is given \`${text}\`, so \`${rule.name}\` ${result}`;
          const mend = 'correct the name, or give it in `identity.attributes` or in `inventory.registry`';
          yield faultIn(placed, { severity: 'warning', message, mend }, clause.position);
        }
      }
    }
  },
};

/** Namespace and service account come from the path of an ID without any row; attestation is L-ATTEST's. */
function namesIn(attributes: readonly AttributeRef[]): readonly { readonly text: string; readonly name: string }[] {
  return attributes.flatMap(({ spec, keys, text }) => {
    if (spec.path === 'principal.environment') return [{ text, name: 'environment' }];
    return spec.path === 'principal.labels' ? [{ text, name: `labels.${keys[0]!}` }] : [];
  });
}
