// Reads the policies that configuration names, and has the linter look at them.

import type { PolicySet } from '../authz/compiled-policy.ts';
import type { Bundles } from '../authz/engine.ts';
import { lintPoliciesInTurns } from '../authz/lint/lint.ts';
import type { LintContext } from '../authz/lint/lint-rule.ts';
import { compileSourcesInTurns, loadDefaults, readPolicySources } from '../authz/loader.ts';
import { type PolicyFinding, policyInvalid } from '../authz/policy-finding.ts';
import type { PolicyConfig } from '../config/policy-section.ts';
import { formatPosition } from '../lib/finding.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';

/** Bundles that may be put in force, and what is doubtful in them. */
export interface LoadedBundles extends Bundles {
  readonly findings: readonly PolicyFinding[];
}

interface LoadedSet {
  readonly set: PolicySet;
  readonly findings: readonly PolicyFinding[];
}

/** @throws PosternError ERR_POLICY_UNREADABLE, ERR_POLICY_INVALID (with all findings) */
export async function loadBundles(config: PolicyConfig, context: LintContext): Promise<LoadedBundles> {
  const enforced = await loadSet(config.paths, config, context);
  const candidate = config.shadowPaths.length === 0 ? null : await loadSet(config.shadowPaths, config, context);
  const findings = [...enforced.findings, ...(candidate?.findings ?? [])];
  return { enforced: enforced.set, candidate: candidate?.set ?? null, findings };
}

async function loadSet(paths: readonly string[], config: PolicyConfig, context: LintContext): Promise<LoadedSet> {
  const sources = await readPolicySources(paths);
  const { allowAnyTrustDomain, strict } = config;
  const result = await compileSourcesInTurns(sources, { ...loadDefaults, allowAnyTrustDomain });
  if (!result.ok) throw policyInvalid(result.findings);
  const policies = result.set.policies.map((policy) => policy.document);
  const findings = [...result.findings, ...(await lintPoliciesInTurns({ sources, policies }, context))];
  if (strict && findings.some(({ severity }) => severity === 'error')) throw policyInvalid(findings);
  return { set: result.set, findings };
}

/** Most findings that are written out for one load. */
const maxLogged = 20;

/** Errors and warnings into the operational log; the rest is for `postern policy lint`. */
export function logFindings(findings: readonly PolicyFinding[], log: OperationalLog): void {
  const doubtful = findings.filter(({ severity }) => severity !== 'info');
  for (const { code, severity, message, mend, position } of doubtful.slice(0, maxLogged)) {
    log.warn('policy lint', { code, severity, finding: message, mend, position: formatPosition(position) });
  }
  const more = doubtful.length - maxLogged;
  if (more > 0) log.warn('policy lint: more findings', { more, mend: 'see all of them with `postern policy lint`' });
}

/** Names the policies in force and the candidates. */
export function digestOf(bundles: { readonly enforced: PolicySet; readonly candidate: PolicySet | null }): string {
  const { enforced, candidate } = bundles;
  return candidate === null ? enforced.digest : `${enforced.digest} ${candidate.digest}`;
}
