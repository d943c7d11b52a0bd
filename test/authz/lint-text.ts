// Lints the text of a policy file, for the tests of lint rules.

import { bareLintContext, lintPolicies } from '../../src/authz/lint/lint.ts';
import type { LintContext } from '../../src/authz/lint/lint-rule.ts';
import { compileSources, loadDefaults } from '../../src/authz/loader.ts';

/** The time of every lint in tests. */
export const lintTimeMs = Date.UTC(2026, 0, 1);

/** `L-TTL:12 warning` for each finding, by place. */
export function lintText(text: string, context: Partial<LintContext> = {}): readonly string[] {
  const sources = [{ file: 'p.yaml', text }];
  const result = compileSources(sources, { ...loadDefaults, allowAnyTrustDomain: true });
  if (!result.ok) return result.findings.map(({ code, severity, position }) => `${code}:${position.line} ${severity}`);
  const policies = result.set.policies.map((policy) => policy.document);
  const findings = lintPolicies({ sources, policies }, { ...bareLintContext(lintTimeMs), ...context });
  return findings.map(({ code, severity, position }) => `${code}:${position.line} ${severity}`);
}

/** The findings of one rule. */
export function found(id: string, text: string, context: Partial<LintContext> = {}): readonly string[] {
  return lintText(text, context)
    .filter((line) => line.startsWith(`${id}:`))
    .map((line) => line.slice(id.length + 1));
}

/** A policy of one namespace with these rules, each the lines of one list item; the first rule is on line 5. */
export function policyWith(...rules: readonly string[]): string {
  const head = 'policy "p":\n  principals:\n    spiffe_id: "spiffe://a.example/ns/x/**"\n  rules:\n';
  return head + rules.map((rule) => `    - ${rule.trim().replaceAll('\n', '\n      ')}\n`).join('');
}

/** A rule that no lint rule has anything to say about. */
export const cleanRule = 'name: r\neffect: allow\nactions: [read]\nresources: { type: service, name: s }';
