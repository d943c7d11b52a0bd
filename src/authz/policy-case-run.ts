// Runs tests of policies against a bundle, and tells which rules no test ever saw decide.

import type { SourcePosition } from '../lib/source-position.ts';
import type { AnswerJson } from './answer-json.ts';
import { answerJson } from './answer-json.ts';
import type { PolicyAuthorizer } from './engine.ts';
import type { Explanation } from './explain.ts';
import type { Decision } from './model.ts';
import type { Expectation, PolicyCase } from './policy-cases.ts';

/** One test, run. */
export interface CaseOutcome {
  readonly case: PolicyCase;
  readonly answer: AnswerJson;
  /** What differs, in words; empty where the test passed. */
  readonly differences: readonly string[];
  /** Of a failed test. */
  readonly explanation: Explanation | null;
}

export interface RulePlaceName {
  readonly policy: string;
  readonly rule: string;
  readonly position: SourcePosition;
}

/** All tests, run. */
export interface CaseReport {
  readonly outcomes: readonly CaseOutcome[];
  readonly failed: number;
  /** Rules that are not disabled. */
  readonly rules: number;
  /** Rules that decided no request of any test, alone or in shadow. */
  readonly neverDecisive: readonly RulePlaceName[];
}

/** Runs every case against the bundle in force. */
export function runCases(cases: readonly PolicyCase[], authorizer: PolicyAuthorizer): CaseReport {
  const decisive = new Set<string>();
  const outcomes = cases.map((one) => runCase(one, authorizer, decisive));
  const rules = rulesOf(authorizer);
  return {
    outcomes,
    failed: outcomes.filter((outcome) => outcome.differences.length > 0).length,
    rules: rules.length,
    neverDecisive: rules.filter(({ policy, rule }) => !decisive.has(keyOf(policy, rule))),
  };
}

function runCase(one: PolicyCase, authorizer: PolicyAuthorizer, decisive: Set<string>): CaseOutcome {
  const { request, expect } = one;
  const plan = authorizer.planFor(request.principal);
  const decision = plan.decide(request);
  // Of several actions each may be decided by another rule.
  for (const action of request.actions) noteDeciders(plan.decide({ ...request, actions: [action] }), decisive);
  const answer = answerJson(decision);
  const differences = differencesOf(expect, answer);
  return { case: one, answer, differences, explanation: differences.length > 0 ? authorizer.explain(request) : null };
}

function noteDeciders({ rule, shadow }: Decision, decisive: Set<string>): void {
  if (rule !== null) decisive.add(keyOf(rule.policy, rule.name));
  if (shadow !== null && shadow.policy !== null && shadow.rule !== null)
    decisive.add(keyOf(shadow.policy, shadow.rule));
}

function differencesOf(expect: Expectation, answer: AnswerJson): readonly string[] {
  const differences: string[] = [];
  for (const key of ['decision', 'reason', 'policy', 'rule'] as const) {
    const [expected, actual] = [expect[key], answer[key]];
    if (expected !== null && expected !== actual)
      differences.push(`${key}: expected ${expected}, got ${actual ?? 'none'}`);
  }
  return differences;
}

function rulesOf(authorizer: PolicyAuthorizer): readonly RulePlaceName[] {
  const policies = authorizer.current?.enforced.policies ?? [];
  return policies.flatMap(({ rules }) =>
    rules.map(({ ref, document }) => ({ policy: ref.policy, rule: ref.name, position: document.position })),
  );
}

function keyOf(policy: string, rule: string): string {
  return JSON.stringify([policy, rule]);
}
