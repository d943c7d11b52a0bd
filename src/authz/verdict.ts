// Combining (policy.md 1.6): from the rules that fired, or could not be told, to one decision. Off the hot path: a plan
// asks once for each set of outcomes and keeps the answer.

import type { CompiledPolicy, CompiledRule, PolicySet } from './compiled-policy.ts';
import type { Truth } from './kleene.ts';
import { TRUE, UNKNOWN } from './kleene.ts';
import type { IndeterminateRule, Obligations, PolicyRef, ReasonCode, RuleRef, ShadowDecision } from './model.ts';
import type { Effect } from './policy-document.ts';

/** A rule that was not false. */
export interface Outcome {
  readonly rule: CompiledRule;
  /** TRUE or UNKNOWN. */
  readonly truth: Truth;
  /** Missing or mistyped attributes that left it unknown; empty for TRUE. */
  readonly attributes: readonly string[];
}

/** A policy whose principals are true or unknown for the caller. */
export interface ApplyingPolicy {
  readonly policy: CompiledPolicy;
  readonly truth: Truth;
}

/** A decision but for its permit. */
export interface Verdict {
  readonly effect: Effect;
  readonly reason: ReasonCode;
  readonly policy: PolicyRef | null;
  readonly rule: RuleRef | null;
  readonly matched: readonly RuleRef[];
  readonly overrode: readonly RuleRef[];
  readonly indeterminate: readonly IndeterminateRule[];
  readonly shadow: ShadowDecision | null;
  readonly obligations: Obligations | null;
  readonly bundleDigest: string;
}

/** Most rules in a list of a decision. */
export const maxListed = 16;

/** What a verdict is drawn from. */
export interface VerdictInput {
  readonly set: PolicySet;
  readonly globalDefault: Effect;
  readonly applying: readonly ApplyingPolicy[];
  /** In the order of the rules. */
  readonly outcomes: readonly Outcome[];
}

type View = 'enforce' | 'shadow';

/** The outcome of one view: what decided, and what was listed on the way. */
interface ViewVerdict {
  readonly effect: Effect;
  readonly reason: ReasonCode;
  readonly policy: CompiledPolicy | null;
  readonly rule: CompiledRule | null;
  readonly winners: readonly Outcome[];
  readonly fired: readonly Outcome[];
}

/** Combines outcomes. A rule in shadow changes nothing but `shadow`. */
export function verdictOf(input: VerdictInput): Verdict {
  const enforced = viewVerdict(input, 'enforce');
  const { effect, reason, winners, fired } = enforced;
  const losers = fired.filter((outcome) => !winners.includes(outcome));
  const indeterminate = input.outcomes.filter(({ rule, truth }) => truth === UNKNOWN && rule.mode === 'enforce');
  return {
    effect,
    reason,
    policy: policyRef(enforced.policy, 'enforce'),
    rule: enforced.rule?.ref ?? null,
    matched: Object.freeze([...winners, ...losers].slice(0, maxListed).map(({ rule }) => rule.ref)),
    overrode: Object.freeze(
      losers
        .filter(({ rule }) => rule.ref.effect !== effect)
        .slice(0, maxListed)
        .map(({ rule }) => rule.ref),
    ),
    indeterminate: Object.freeze(indeterminate.slice(0, maxListed).map(indeterminateRef)),
    shadow: shadowOf(input, enforced),
    obligations: effect === 'allow' ? obligationsOf(winners) : null,
    bundleDigest: input.set.digest,
  };
}

function policyRef(policy: CompiledPolicy | null, mode: View): PolicyRef | null {
  return policy === null ? null : Object.freeze({ name: policy.document.name, mode });
}

function indeterminateRef({ rule, attributes }: Outcome): IndeterminateRule {
  return Object.freeze({ policy: rule.ref.policy, rule: rule.ref.name, attributes });
}

function viewVerdict(input: VerdictInput, view: View): ViewVerdict {
  const fired = input.outcomes.filter((outcome) => fires(outcome, view));
  const winners = winnersOf(fired);
  const denies = winners.filter(({ rule }) => rule.ref.effect === 'deny');
  const deciding = denies.length > 0 ? denies : winners;
  const first = deciding[0];
  if (first === undefined) return defaultVerdict(input, view);
  const policy = input.set.policies[first.rule.policyOrdinal]!;
  const common = { policy, rule: first.rule, winners: deciding, fired };
  if (denies.length > 0) {
    return { ...common, effect: 'deny', reason: first.truth === TRUE ? 'rule' : 'rule_indeterminate' };
  }
  const unsupported = deciding.find(({ rule }) => rule.isUnsupported);
  if (unsupported === undefined) return { ...common, effect: 'allow', reason: 'rule' };
  // XACML: an obligation that cannot be met turns the permit into a deny.
  const { rule } = unsupported;
  return {
    ...common,
    effect: 'deny',
    reason: 'obligation_unsupported',
    rule,
    policy: input.set.policies[rule.policyOrdinal]!,
  };
}

function fires({ rule, truth }: Outcome, view: View): boolean {
  if (view === 'enforce' && rule.mode === 'shadow') return false;
  return truth === TRUE || rule.ref.effect === 'deny';
}

// Of each policy the fired rules of its highest priority; where allow and deny share it, the denies. Kept in rule order.
function winnersOf(fired: readonly Outcome[]): readonly Outcome[] {
  const best = new Map<number, RuleRef>();
  for (const { rule } of fired) {
    const leader = best.get(rule.policyOrdinal);
    if (leader === undefined || beats(rule.ref, leader)) best.set(rule.policyOrdinal, rule.ref);
  }
  return fired.filter(({ rule }) => {
    const leader = best.get(rule.policyOrdinal)!;
    return rule.ref.priority === leader.priority && rule.ref.effect === leader.effect;
  });
}

function beats(a: RuleRef, b: RuleRef): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.effect === 'deny' && b.effect === 'allow';
}

function defaultVerdict(input: VerdictInput, view: View): ViewVerdict {
  const applying = input.applying.filter(({ policy }) => view === 'shadow' || policy.document.mode === 'enforce');
  const nobody = { rule: null, winners: [], fired: [] };
  const first = applying[0];
  if (first === undefined) return { ...nobody, effect: input.globalDefault, reason: 'no_policy', policy: null };
  // A policy that may or may not be meant for the caller cannot let it in by default.
  const denying = applying.find(({ policy, truth }) => truth === UNKNOWN || policy.document.defaultDecision === 'deny');
  const { policy } = denying ?? first;
  return { ...nobody, effect: denying === undefined ? 'allow' : 'deny', reason: 'default', policy };
}

function obligationsOf(winners: readonly Outcome[]): Obligations | null {
  const bounds = winners.flatMap(({ rule }) => (rule.ttlS === null ? [] : [rule.ttlS]));
  return bounds.length === 0 ? null : Object.freeze({ credentialTtlS: Math.min(...bounds) });
}

function shadowOf(input: VerdictInput, enforced: ViewVerdict): ShadowDecision | null {
  const tookPart = input.outcomes.some((outcome) => outcome.rule.mode === 'shadow' && fires(outcome, 'shadow'));
  const shadowPolicies = input.applying.some(({ policy }) => policy.document.mode === 'shadow');
  if (!tookPart && !shadowPolicies) return null;
  const shadow = viewVerdict(input, 'shadow');
  const wouldChange = shadow.effect !== enforced.effect;
  if (!tookPart && !wouldChange) return null;
  return Object.freeze({
    decision: shadow.effect,
    policy: shadow.policy?.document.name ?? null,
    rule: shadow.rule?.document.name ?? null,
    wouldChange,
  });
}
