// Why a request is decided as it is: which policies apply, each rule with each requirement, and for a deny that no rule
// made the nearest rule and all that failed of it. Plain data; explain-text.ts makes it readable.

import type { SourcePosition } from '../errors.ts';
import type { AnswerJson } from './answer-json.ts';
import { answerJson } from './answer-json.ts';
import type { PolicySet } from './compiled-policy.ts';
import type { Asked, ClauseReport } from './explain-clause.ts';
import { explainClause } from './explain-clause.ts';
import { FALSE, TRUE, type Truth, truthText } from './kleene.ts';
import type { Action, AuthzRequest, Decision } from './model.ts';
import type { PolicyDocument, RuleDocument, Target } from './policy-document.ts';
import { actionTruth, appliesTo, matchOf } from './reference-evaluator.ts';
import { expiryOf, targetExpression } from './rule-compiler.ts';

export interface RuleReport {
  readonly rule: string;
  readonly effect: 'allow' | 'deny';
  readonly priority: number;
  readonly mode: string;
  readonly file: string;
  readonly line: number;
  readonly match: 'true' | 'false' | 'unknown';
  readonly fires: boolean;
  readonly clauses: readonly ClauseReport[];
}

export interface PolicyReport {
  readonly policy: string;
  readonly mode: string;
  readonly default_decision: 'allow' | 'deny';
  readonly file: string;
  readonly line: number;
  /** Whether it is meant for the caller. */
  readonly applies: 'true' | 'false' | 'unknown';
  readonly principals: readonly ClauseReport[];
  readonly rules: readonly RuleReport[];
}

/** The allow that would have needed least. */
export interface NearestRule {
  readonly policy: string;
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly failed: readonly ClauseReport[];
}

export interface ActionReport {
  readonly action: string;
  readonly names: readonly string[];
  /** Only policies that apply, or may apply. */
  readonly policies: readonly PolicyReport[];
  /** Null where a rule decided, or no allow is anywhere. */
  readonly nearest: NearestRule | null;
}

export interface Explanation {
  readonly answer: AnswerJson;
  readonly bundle_digest: string;
  readonly policy_count: number;
  readonly rule_count: number;
  /** One for each action that must be allowed. */
  readonly actions: readonly ActionReport[];
}

/** Explains a decision that was made from the bundle. */
export function explainDecision(set: PolicySet, request: AuthzRequest, decision: Decision): Explanation {
  const documents = set.policies.map((policy) => policy.document);
  const undecided = decision.effect === 'deny' && ['default', 'no_policy'].includes(decision.reason);
  return {
    answer: answerJson(decision),
    bundle_digest: set.digest,
    policy_count: set.policies.length,
    rule_count: set.ruleCount,
    actions: request.actions.map((action) => actionReport(documents, { request, action }, undecided)),
  };
}

function actionReport(documents: readonly PolicyDocument[], asked: Asked, undecided: boolean): ActionReport {
  const reports = documents.map((policy) => policyReport(policy, asked)).filter((report) => report !== null);
  const fired = reports.some(
    (report) => report.mode === 'enforce' && report.rules.some((rule) => rule.fires && rule.mode === 'enforce'),
  );
  const { name, names } = asked.action;
  return {
    action: name,
    names,
    policies: reports,
    nearest: undecided && !fired ? nearestRule(documents, asked) : null,
  };
}

function policyReport(policy: PolicyDocument, asked: Asked): PolicyReport | null {
  const truth = appliesTo(policy, asked.request, asked.action);
  if (truth === FALSE) return null;
  return {
    policy: policy.name,
    mode: policy.mode,
    default_decision: policy.defaultDecision,
    ...place(policy.position),
    applies: truthText(truth),
    principals: targetReports(policy.principals, 'policy principals', asked),
    rules: policy.rules.filter((rule) => rule.mode !== 'disabled').map((rule) => ruleReport(policy, rule, asked)),
  };
}

function place(position: SourcePosition): { readonly file: string; readonly line: number } {
  return { file: position.file, line: position.line };
}

function ruleReport(policy: PolicyDocument, rule: RuleDocument, asked: Asked): RuleReport {
  const { name, effect, priority, mode, position } = rule;
  const match = matchOf(policy, rule, asked);
  const fires = match === TRUE || (match !== FALSE && effect === 'deny');
  const clauses = clausesOf(rule, asked);
  return { rule: name, effect, priority, mode, ...place(position), match: truthText(match), fires, clauses };
}

function clausesOf(rule: RuleDocument, asked: Asked): readonly ClauseReport[] {
  const expiry = expiryOf(rule);
  return [
    ...targetReports(rule.principals, 'principals', asked),
    ...actionReports(rule, asked.action),
    ...targetReports(rule.resources, 'resources', asked),
    ...rule.conditions.map((clause) => explainClause({ ...clause, part: 'conditions' }, asked)),
    ...(expiry === null
      ? []
      : [explainClause({ part: 'expires', expression: expiry, text: expiry.text, position: rule.position }, asked)]),
  ];
}

function actionReports(rule: RuleDocument, action: Action): readonly ClauseReport[] {
  if (rule.actions === null) return [];
  const truth: Truth = actionTruth(rule, action);
  const expected = `one of ${rule.actions.join(', ')}`;
  const value = truthText(truth);
  const fact = { attribute: 'action.names', expected, actual: action.names.join(', '), value };
  return [
    { part: 'actions', text: `actions: [${rule.actions.join(', ')}]`, value, line: rule.position.line, facts: [fact] },
  ];
}

function targetReports(target: Target | null, part: 'policy principals' | 'principals' | 'resources', asked: Asked) {
  if (target === null) return [];
  const only = target.alternatives.length === 1 ? target.alternatives[0]! : null;
  if (only !== null) return only.map((clause) => explainClause({ ...clause, part }, asked));
  const text = target.alternatives
    .map((clauses) => `(${clauses.map((clause) => clause.text).join(' and ')})`)
    .join(' or ');
  const expression = targetExpression(target, part)!;
  return [explainClause({ part, expression, text, position: target.position }, asked)];
}

// Fewest failed requirements, then highest priority, then first by name: what the operator most likely meant.
function nearestRule(documents: readonly PolicyDocument[], asked: Asked): NearestRule | null {
  let nearest: { readonly report: NearestRule; readonly priority: number } | null = null;
  for (const policy of documents) {
    if (policy.mode !== 'enforce') continue;
    const principals = targetReports(policy.principals, 'policy principals', asked).filter(hasFailed);
    for (const rule of policy.rules) {
      if (rule.effect !== 'allow' || rule.mode !== 'enforce') continue;
      const failed = [...principals, ...clausesOf(rule, asked).filter(hasFailed)];
      const best = nearest?.report.failed.length ?? Number.POSITIVE_INFINITY;
      const isNearer = failed.length < best || (failed.length === best && rule.priority > nearest!.priority);
      if (!isNearer) continue;
      const report = { policy: policy.name, rule: rule.name, ...place(rule.position), failed };
      nearest = { report, priority: rule.priority };
    }
  }
  return nearest?.report ?? null;
}

function hasFailed(clause: ClauseReport): boolean {
  return clause.value !== 'true';
}
