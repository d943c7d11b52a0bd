// L-GLOB: an allow whose pattern takes in nearly everybody or everything; L-GLOB-DENY: a deny whose pattern leaves out the
// deeper identities, so that they escape it.

import type { Clause } from '../policy-document.ts';
import { leavesOf } from './expression-walk.ts';
import type { LintFault, LintRule, PlacedRule } from './lint-rule.ts';
import { clausesOf, faultIn, rulesOf } from './lint-rule.ts';

/** Patterns of an attribute that a clause asks for, not those that it excludes. */
function patternsOf({ expression }: Clause, attribute: string): readonly string[] {
  return [...leavesOf(expression)].flatMap(({ expression: leaf, negated }) =>
    !negated && leaf.kind === 'compare' && leaf.left.text === attribute && leaf.right.kind === 'glob'
      ? [leaf.right.glob.pattern]
      : [],
  );
}

function policyClauses({ policy }: PlacedRule): readonly Clause[] {
  return policy.principals?.alternatives.flat() ?? [];
}

export const wideGlob: LintRule = {
  id: 'L-GLOB',
  level: 'warning',
  finds:
    'an allow for a whole trust domain or a whole kind of identity (`spiffe://td/**`, `spiffe://td/ns/**`), or for resources of any name',
  needs: null,
  *check(policies) {
    for (const placed of rulesOf(policies)) {
      if (placed.rule.effect !== 'allow') continue;
      const own = clausesOf(placed.rule);
      // The rule may narrow what the policy leaves wide.
      const isNarrowed = own.some((clause) => clause.text.startsWith('principal.'));
      for (const clause of isNarrowed ? own : [...policyClauses(placed), ...own]) yield* widePatterns(placed, clause);
    }
  },
};

function* widePatterns(placed: PlacedRule, clause: Clause): Generator<LintFault, void, void> {
  for (const pattern of patternsOf(clause, 'principal.spiffe_id')) {
    if (!/^spiffe:\/\/[^/]+\/(?:[^/]+\/)?\*\*$/.test(pattern)) continue;
    const message = `\`${pattern}\` takes in nearly every identity of the trust domain`;
    const mend = 'name the namespaces or services that are meant';
    yield faultIn(placed, { severity: 'warning', message, mend }, clause.position);
  }
  if (!patternsOf(clause, 'resource.name').includes('*')) return;
  const mend = 'name the resources, or take `name` out to say that any is meant';
  yield faultIn(
    placed,
    { severity: 'warning', message: 'the name `*` takes in every resource that has one', mend },
    clause.position,
  );
}

export const shallowDeny: LintRule = {
  id: 'L-GLOB-DENY',
  level: 'warning',
  finds: 'a deny, or a policy with a deny, for a pattern that ends with `*`, where deeper identities escape it',
  needs: null,
  *check(policies) {
    for (const placed of rulesOf(policies)) {
      if (placed.rule.effect !== 'deny') continue;
      for (const clause of [...policyClauses(placed), ...clausesOf(placed.rule)]) {
        for (const pattern of patternsOf(clause, 'principal.spiffe_id')) {
          if (!pattern.endsWith('/*') || pattern.includes('**')) continue;
          const message = `\`${pattern}\` is one segment, so \`${placed.rule.name}\` does not deny ${pattern.slice(0, -1)}a/b`;
          const mend = 'write `**` if deeper identities are meant too; otherwise waive this';
          yield faultIn(placed, { severity: 'warning', message, mend }, clause.position);
        }
      }
    }
  },
};
