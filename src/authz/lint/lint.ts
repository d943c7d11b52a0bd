// The linter: doubtful things in policies that load. Pure; what it knows of the surroundings is in its context.

import { compareFindings } from '../../lib/finding.ts';
import type { PolicySource } from '../loader.ts';
import type { PolicyDocument } from '../policy-document.ts';
import type { PolicyFinding } from '../policy-finding.ts';
import type { LintContext, LintRule } from './lint-rule.ts';
import { lintRules } from './rule-table.ts';
import { applyWaivers } from './waivers.ts';

/** Nothing known but the time. */
export function bareLintContext(nowMs: number): LintContext {
  return { isProduction: false, trustDomains: null, resources: null, givenAttributes: null, nowMs };
}

/** A bundle that loaded: its texts, for waivers, and what they say. */
export interface LintedBundle {
  readonly sources: readonly PolicySource[];
  readonly policies: readonly PolicyDocument[];
}

/** Everything doubtful that is not waived, by place. Disabled policies and rules are not looked at. */
export function lintPolicies(bundle: LintedBundle, context: LintContext): readonly PolicyFinding[] {
  const linting = lintInSteps(bundle, context);
  for (;;) {
    const step = linting.next();
    if (step.done === true) return step.value;
  }
}

/** The same, letting the loop turn every few milliseconds: requests are served while a large bundle is looked at. */
export async function lintPoliciesInTurns(
  bundle: LintedBundle,
  context: LintContext,
): Promise<readonly PolicyFinding[]> {
  const linting = lintInSteps(bundle, context);
  let looked = 0;
  for (;;) {
    const step = linting.next();
    if (step.done === true) return step.value;
    looked += step.value;
    if (looked < rulesEachTurn) continue;
    looked = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Rules of policies that are looked at, by one lint rule each, between two turns. */
const rulesEachTurn = 500;

/** Yields how many rules were looked at. */
function* lintInSteps(bundle: LintedBundle, context: LintContext): Generator<number, readonly PolicyFinding[], void> {
  const policies = bundle.policies.filter((policy) => policy.mode !== 'disabled');
  const rules = lintRules.filter((rule) => rule.check !== null);
  const run = rules.filter((rule) => isRunnable(rule, context));
  const findings: PolicyFinding[] = [];
  for (const policy of policies) {
    for (const rule of run) {
      findings.push(...findingsOf(rule, policy, context));
      yield policy.rules.length;
    }
  }
  yield rulesEachTurn;
  const ids = { run: new Set(run.map(({ id }) => id)), known: new Set(rules.map(({ id }) => id)) };
  const waiving = applyWaivers(findings, { ...bundle, policies }, ids);
  let step = waiving.next();
  // A part that holds a waiver is read by the YAML library's lexer.
  for (; step.done !== true; step = waiving.next()) yield rulesEachTurn;
  return [...step.value].sort(compareFindings) as PolicyFinding[];
}

function isRunnable({ needs }: LintRule, context: LintContext): boolean {
  return needs === null || context[needs] !== null;
}

/** One finding for a place and message: a clause of a policy is looked at for each of its rules. */
function findingsOf(rule: LintRule, policy: PolicyDocument, context: LintContext): readonly PolicyFinding[] {
  const faults = [...(rule.check?.([policy], context) ?? [])];
  if (faults.length === 0) return [];
  const found = new Map<string, PolicyFinding>();
  for (const fault of faults) {
    const { position, message } = fault;
    const key = JSON.stringify([position, message]);
    if (!found.has(key)) found.set(key, { code: rule.id, ...fault });
  }
  return [...found.values()];
}
