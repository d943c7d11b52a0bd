// L-ALLOW-ALL: an allow that hardly restricts anything; L-DEFAULT-ALLOW: whoever no rule names is let in.

import type { Clause, PolicyDocument, Target } from '../policy-document.ts';
import { valueAttributesOf } from './expression-walk.ts';
import type { LintContext, LintFault, LintRule, PlacedRule } from './lint-rule.ts';
import { faultIn, rulesOf } from './lint-rule.ts';

/** Say what kind of caller it is, not which. */
const kindsOnly: ReadonlySet<string> = new Set(['principal.type', 'principal.authn']);

export const allowAll: LintRule = {
  id: 'L-ALLOW-ALL',
  level: 'warning (error in production)',
  finds: 'an allow without resources and actions, or one that asks nothing of the identity of the caller',
  needs: null,
  *check(policies, context) {
    for (const placed of rulesOf(policies)) {
      if (placed.rule.effect !== 'allow') continue;
      const fault = faultOf(placed);
      if (fault !== null) yield faultIn(placed, { severity: severityIn(context), ...fault });
    }
  },
};

function faultOf({ policy, rule }: PlacedRule): Pick<LintFault, 'message' | 'mend'> | null {
  if (rule.resources === null && rule.actions === null && !rule.conditions.some(readsResource)) {
    const message = `\`${rule.name}\` allows every action on every resource`;
    return { message, mend: 'name `resources` and `actions`' };
  }
  if (restrictsIdentity(policy, rule.principals, rule.conditions)) return null;
  const message = `\`${rule.name}\` allows callers whatever their identity is`;
  return { message, mend: 'name them by `principals: {spiffe_id: …}` or by a condition on `principal`' };
}

function restrictsIdentity(policy: PolicyDocument, principals: Target | null, conditions: readonly Clause[]): boolean {
  return isIdentityTarget(policy.principals) || isIdentityTarget(principals) || conditions.some(readsIdentity);
}

/** Each alternative has to: one that does not lets everybody in. */
function isIdentityTarget(target: Target | null): boolean {
  return target?.alternatives.every((clauses) => clauses.some(readsIdentity)) ?? false;
}

function readsIdentity({ expression }: Clause): boolean {
  return valueAttributesOf(expression).some(
    ({ spec, text }) => (spec.root === 'principal' && !kindsOnly.has(text)) || text.startsWith('tls.peer.'),
  );
}

function readsResource({ expression }: Clause): boolean {
  return valueAttributesOf(expression).some(({ spec }) => spec.root === 'resource');
}

export const defaultAllow: LintRule = {
  id: 'L-DEFAULT-ALLOW',
  level: 'warning (error in production)',
  finds: '`default_decision: allow`: what no rule of the policy speaks of is let in',
  needs: null,
  *check(policies, context) {
    for (const { name, defaultDecision, position } of policies) {
      if (defaultDecision === 'deny') continue;
      const message = `policy \`${name}\` allows whatever none of its rules speaks of`;
      const mend = 'take `default_decision: allow` out and allow by rules';
      yield { severity: severityIn(context), message, mend, position, policy: name, rule: null };
    }
  },
};

function severityIn(context: LintContext): 'error' | 'warning' {
  return context.isProduction ? 'error' : 'warning';
}
