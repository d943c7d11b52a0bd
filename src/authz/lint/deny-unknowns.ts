// L-INDET: a deny that reads what may be missing; it then denies, which may not be meant.

import type { AttributeRef } from '../attribute.ts';
import type { Clause, RuleDocument } from '../policy-document.ts';
import { leavesOf, valueAttributesOf } from './expression-walk.ts';
import type { LintRule } from './lint-rule.ts';
import { faultIn, rulesOf } from './lint-rule.ts';

export const indeterminateDeny: LintRule = {
  id: 'L-INDET',
  level: 'warning',
  finds:
    'a condition of a deny that reads an attribute which may be missing: the rule then denies (`rule_indeterminate`)',
  needs: null,
  *check(policies) {
    for (const placed of rulesOf(policies)) {
      if (placed.rule.effect !== 'deny') continue;
      const asked = askedFor(placed.rule);
      for (const clause of placed.rule.conditions) {
        const missing = optionalIn(clause).filter(({ text }) => !asked.has(text));
        if (missing.length === 0) continue;
        const names = missing.map(({ text }) => `\`${text}\``).join(', ');
        const message = `\`${placed.rule.name}\` denies whoever and whatever lacks ${names}`;
        const mend = `if that is not meant, write \`exists ${missing[0]!.text} and …\` before it`;
        yield faultIn(placed, { severity: 'warning', message, mend }, clause.position);
      }
    }
  },
};

/** Attributes that the author thought of as missing. */
function askedFor({ conditions }: RuleDocument): ReadonlySet<string> {
  const leaves = conditions.flatMap(({ expression }) => [...leavesOf(expression)]);
  return new Set(leaves.flatMap(({ expression: leaf }) => (leaf.kind === 'exists' ? [leaf.attribute.text] : [])));
}

function optionalIn({ expression }: Clause): readonly AttributeRef[] {
  return valueAttributesOf(expression).filter(({ spec }) => spec.presence === 'optional');
}
