// The whole of policy.md 1.4-1.7 in the plainest way: every rule of every policy, no index, no plan. What the engine is
// held against by property tests, and what explanations are drawn from.

import type { Expression } from './expression.ts';
import { and, FALSE, TRUE, type Truth, UNKNOWN } from './kleene.ts';
import type { Action, AuthzRequest, ReasonCode } from './model.ts';
import type { Effect, PolicyDocument, RuleDocument } from './policy-document.ts';
import { interpret } from './reference-interpreter.ts';
import { requirementsOf, supportedCredentialTypes, targetExpression } from './rule-compiler.ts';

/** What the reference says of one view. */
export interface ReferenceDecision {
  readonly effect: Effect;
  readonly reason: ReasonCode;
  readonly policy: string | null;
  readonly rule: string | null;
  /** Smallest `ttl` of the winning allows, seconds. */
  readonly ttlS: number | null;
}

interface Fired {
  readonly policy: PolicyDocument;
  readonly rule: RuleDocument;
  readonly truth: Truth;
}

export interface ReferenceOptions {
  readonly globalDefault: Effect;
  /** Counts rules and policies in shadow as if they were enforced. */
  readonly withShadow: boolean;
}

/** Whether the policy is meant for the caller. */
export function appliesTo(policy: PolicyDocument, request: AuthzRequest, action: Action): Truth {
  const principals = targetExpression(policy.principals, 'principals');
  return principals === null ? TRUE : interpret(principals, request, action);
}

/** Whether the action has one of the names that the rule lists. */
export function actionTruth(rule: RuleDocument, action: Action): Truth {
  if (rule.actions === null) return TRUE;
  return rule.actions.some((name) => action.names.includes(name)) ? TRUE : FALSE;
}

/** The Kleene product of everything a rule requires, its policy's principals included. */
export function matchOf(
  policy: PolicyDocument,
  rule: RuleDocument,
  asked: { request: AuthzRequest; action: Action },
): Truth {
  const { request, action } = asked;
  const parts: readonly Expression[] = requirementsOf(rule);
  const own = parts.map((part) => interpret(part, request, action)).reduce(and, TRUE);
  return and(and(appliesTo(policy, request, action), actionTruth(rule, action)), own);
}

/** Decides for every required action; the first deny is the answer. */
export function referenceDecide(
  policies: readonly PolicyDocument[],
  request: AuthzRequest,
  options: ReferenceOptions,
): ReferenceDecision {
  const each = request.actions.map((action) => decideOne(policies, { request, action }, options));
  const denied = each.find((decision) => decision.effect === 'deny');
  if (denied !== undefined) return denied;
  const bounds = each.flatMap((decision) => (decision.ttlS === null ? [] : [decision.ttlS]));
  return { ...each[0]!, ttlS: bounds.length === 0 ? null : Math.min(...bounds) };
}

function decideOne(
  policies: readonly PolicyDocument[],
  asked: { readonly request: AuthzRequest; readonly action: Action },
  options: ReferenceOptions,
): ReferenceDecision {
  const visible = policies
    .filter((policy) => policy.mode === 'enforce' || (options.withShadow && policy.mode === 'shadow'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const winners = visible.flatMap((policy) => winnersIn(policy, asked, options));
  const denies = winners.filter(({ rule }) => rule.effect === 'deny');
  if (denies.length > 0) return ruled(denies[0]!, denies[0]!.truth === TRUE ? 'rule' : 'rule_indeterminate');
  const unsupported = winners.find(({ rule }) => !isSupported(rule));
  if (unsupported !== undefined) return ruled(unsupported, 'obligation_unsupported');
  if (winners.length > 0) return allowed(winners);
  return byDefault(visible, asked, options);
}

function winnersIn(
  policy: PolicyDocument,
  asked: { readonly request: AuthzRequest; readonly action: Action },
  options: ReferenceOptions,
): readonly Fired[] {
  const fired: Fired[] = [];
  for (const rule of policy.rules) {
    if (rule.mode === 'disabled' || (rule.mode === 'shadow' && !options.withShadow)) continue;
    const truth = matchOf(policy, rule, asked);
    if (truth === TRUE || (truth === UNKNOWN && rule.effect === 'deny')) fired.push({ policy, rule, truth });
  }
  const top = fired.filter(({ rule }) => fired.every((other) => other.rule.priority <= rule.priority));
  const denies = top.filter(({ rule }) => rule.effect === 'deny');
  return denies.length > 0 ? denies : top;
}

function isSupported(rule: RuleDocument): boolean {
  return (
    rule.obligations.length === 0 && (rule.credential === null || supportedCredentialTypes.has(rule.credential.type))
  );
}

function ruled({ policy, rule }: Fired, reason: ReasonCode): ReferenceDecision {
  return { effect: 'deny', reason, policy: policy.name, rule: rule.name, ttlS: null };
}

function allowed(winners: readonly Fired[]): ReferenceDecision {
  const { policy, rule } = winners[0]!;
  const bounds = winners.flatMap((winner) => winner.rule.credential?.ttlS ?? []);
  const ttlS = bounds.length === 0 ? null : Math.min(...bounds);
  return { effect: 'allow', reason: 'rule', policy: policy.name, rule: rule.name, ttlS };
}

function byDefault(
  visible: readonly PolicyDocument[],
  { request, action }: { readonly request: AuthzRequest; readonly action: Action },
  options: ReferenceOptions,
): ReferenceDecision {
  const applying = visible
    .map((policy) => ({ policy, truth: appliesTo(policy, request, action) }))
    .filter(({ truth }) => truth !== FALSE);
  const nobody = { rule: null, ttlS: null };
  if (applying.length === 0) return { ...nobody, effect: options.globalDefault, reason: 'no_policy', policy: null };
  const denying = applying.find(({ policy, truth }) => truth === UNKNOWN || policy.defaultDecision === 'deny');
  const policy = (denying ?? applying[0]!).policy.name;
  return { ...nobody, effect: denying === undefined ? 'allow' : 'deny', reason: 'default', policy };
}
