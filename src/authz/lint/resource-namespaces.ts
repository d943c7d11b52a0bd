// L-RESOURCE-NS: a deny that compares the namespaces of caller and resource, and a configured resource for which it always
// fires, so that the allows beside it are for nothing. The trap of policies that "deny across namespaces".

import { compileTest } from '../expression-test.ts';
import { FALSE } from '../kleene.ts';
import type { Clause, PolicyDocument, RuleDocument, Target } from '../policy-document.ts';
import { requestFromJson } from '../request-json.ts';
import { targetExpression } from '../rule-compiler.ts';
import { leavesOf, textsOf } from './expression-walk.ts';
import type { CatalogueResource, LintFault, LintRule, PlacedRule } from './lint-rule.ts';
import { faultIn, rulesOf } from './lint-rule.ts';

export const resourceNamespace: LintRule = {
  id: 'L-RESOURCE-NS',
  level: 'warning',
  finds:
    'a deny that compares `principal.namespace` with `resource.namespace`, where a configured resource has no namespace or is in another one than every caller of the policy',
  needs: 'resources',
  *check(policies, { resources }) {
    for (const placed of rulesOf(policies)) {
      const clause = comparisonOf(placed.rule);
      if (clause === null) continue;
      for (const resource of resources ?? []) {
        const fault = faultOf(placed, resource);
        if (fault !== null) yield faultIn(placed, fault, clause.position);
      }
    }
  },
};

/** The condition `principal.namespace != resource.namespace` of a deny, either way round. */
function comparisonOf(rule: RuleDocument): Clause | null {
  if (rule.effect !== 'deny') return null;
  const pair = ['principal.namespace', 'resource.namespace'];
  const isPair = ({ expression }: Clause) =>
    [...leavesOf(expression)].some(({ expression: leaf, negated }) => {
      if (leaf.kind !== 'compare' || leaf.right.kind !== 'attribute' || !negated) return false;
      return [leaf.left.text, leaf.right.attribute.text].toSorted().join() === pair.join();
    });
  return rule.conditions.find(isPair) ?? null;
}

function faultOf(
  { policy, rule }: PlacedRule,
  resource: CatalogueResource,
): Pick<LintFault, 'severity' | 'message' | 'mend'> | null {
  if (resource.perRequest.includes('namespace') || !mayMatch(rule.resources, resource)) return null;
  const lost = policy.rules.find((other) => isLost(other, rule, resource));
  if (lost === undefined) return null;
  const named = `${resource.type}${resource.name === undefined ? '' : ` \`${resource.name}\``} (${resource.place})`;
  const mend = 'set `resource.namespace` of the listener or route to what is meant, or narrow the deny by `resources`';
  if (resource.namespace === undefined) {
    const message = `${named} has no namespace, so \`${rule.name}\` denies what \`${lost.name}\` allows`;
    return { severity: 'warning', message, mend };
  }
  const namespaces = namespacesOf(policy);
  if (namespaces === null || namespaces.has(resource.namespace)) return null;
  const callers = [...namespaces].join(', ');
  const message = `${named} is in namespace \`${resource.namespace}\` and callers are in \`${callers}\`, so \`${rule.name}\` denies what \`${lost.name}\` allows`;
  return { severity: 'warning', message, mend };
}

function isLost(allow: RuleDocument, deny: RuleDocument, resource: CatalogueResource): boolean {
  if (allow.effect !== 'allow' || allow.mode === 'disabled' || allow.priority > deny.priority) return false;
  return mayMatch(allow.resources, resource);
}

/** Attributes that requests bring stay unknown. */
function mayMatch(target: Target | null, resource: CatalogueResource): boolean {
  const expression = targetExpression(target, 'resources');
  if (expression === null) return true;
  const { type, name, topic, namespace, environment } = resource;
  const request = requestFromJson({ action: 'read', resource: { type, name, topic, namespace, environment } }, 0);
  return compileTest(expression)(request, request.actions[0]!) !== FALSE;
}

/** Namespaces that the principals of the policy are in; null where they are not written out. */
function namespacesOf(policy: PolicyDocument): ReadonlySet<string> | null {
  const found = new Set<string>();
  for (const clauses of policy.principals?.alternatives ?? []) {
    const names = clauses.flatMap(namespacesIn);
    if (names.length === 0 || names.includes(null)) return null;
    for (const name of names) if (name !== null) found.add(name);
  }
  return found.size === 0 ? null : found;
}

/** Null for a pattern that fixes no namespace. */
function namespacesIn({ expression }: Clause): readonly (string | null)[] {
  return [...leavesOf(expression)].flatMap(({ expression: leaf }) => {
    if (leaf.kind !== 'compare') return [];
    if (leaf.left.text === 'principal.namespace')
      return textsOf(leaf).map((text) => (text.includes('*') ? null : text));
    if (leaf.left.text !== 'principal.spiffe_id') return [];
    return textsOf(leaf).map((text) => /^spiffe:\/\/[^/]+\/ns\/([^/*]+)\//.exec(text)?.[1] ?? null);
  });
}
