// From a checked rule to its compiled form: requirements are sorted into those a plan folds away, those an index answers,
// and those that are left for each request. Kleene conjunction has no order, so they may be sorted (policy.md 1.4).

import { attributeAt } from './attribute.ts';
import type { CompiledRule, PlanRule } from './compiled-policy.ts';
import type { Expression } from './expression.ts';
import { allOf, anyOf } from './expression.ts';
import type { FactsOfExpressions } from './expression-facts.ts';
import type { Clause, PolicyDocument, RuleDocument, Target } from './policy-document.ts';
import { boundValues, conjuncts, keyOf, pinsOf } from './rule-keys.ts';

/** Credential types that the data plane can bound. */
export const supportedCredentialTypes: ReadonlySet<string> = new Set(['short_lived_certificate']);

/** Gives numbers to words, from 1. */
export class Symbols {
  readonly ids = new Map<string, number>();

  idOf(word: string): number {
    const id = this.ids.get(word) ?? this.ids.size + 1;
    this.ids.set(word, id);
    return id;
  }
}

export interface RuleContext {
  readonly policy: PolicyDocument;
  readonly policyOrdinal: number;
  readonly ordinal: number;
  readonly types: Symbols;
  readonly actions: Symbols;
  /** The policy's principals name no more than a kind of caller. */
  readonly isBroadPolicy: boolean;
  readonly facts: FactsOfExpressions;
}

/** A target as one expression; null where there is none. */
export function targetExpression(target: Target | null, root: string): Expression | null {
  if (target === null) return null;
  const alternatives = target.alternatives.map(wholeOf);
  return anyOf(alternatives, root);
}

function wholeOf(clauses: readonly Clause[]): Expression {
  if (clauses.length === 1) return clauses[0]!.expression;
  const text = clauses.map((clause) => clause.text).join(' and ');
  return allOf(
    clauses.map((clause) => clause.expression),
    text,
  );
}

/** Everything the rule itself requires but its actions, as parts of one conjunction. */
export function requirementsOf(rule: RuleDocument): readonly Expression[] {
  const targets = [targetExpression(rule.principals, 'principals'), targetExpression(rule.resources, 'resources')];
  const parts: Expression[] = [];
  const add = (expression: Expression | null): void => {
    if (expression?.kind === 'all') parts.push(...conjuncts(expression));
    else if (expression !== null) parts.push(expression);
  };
  for (const target of targets) add(target);
  for (const { expression } of rule.conditions) add(expression);
  add(expiryOf(rule));
  // What was pushed to has room for more, which a large bundle would keep.
  return parts.slice();
}

/** An allow ends when it expires. A deny that did so would open what it closed; it goes on, and the linter tells. */
export function expiryOf(rule: RuleDocument): Expression | null {
  if (rule.expiresMs === null || rule.effect === 'deny') return null;
  const text = `request.time < "${new Date(rule.expiresMs).toISOString()}"`;
  const left = attributeAt('request.time')!;
  return {
    kind: 'compare',
    operator: '<',
    left,
    right: { kind: 'value', value: rule.expiresMs },
    type: 'timestamp',
    text,
  };
}

// A rule that no SPIFFE ID narrows down is in the plan of every caller. Where a name finds it, it is cheaper to test the
// caller when that name is asked for than to fold and index thousands of such rules for each caller.
function isShareable(parts: readonly Expression[], facts: FactsOfExpressions): boolean {
  if (pinsOf(parts) !== null) return false;
  if (keyOf(parts) !== null) return true;
  return parts.every((part) => !facts.of(part).readsOnlyPrincipal || facts.of(part).isBroad);
}

/** Compiles one rule that is not disabled; `parts` are its requirements. */
export function compileRule(document: RuleDocument, parts: readonly Expression[], context: RuleContext): CompiledRule {
  const { policy, policyOrdinal, ordinal, facts } = context;
  const isShared = context.isBroadPolicy && isShareable(parts, facts);
  const { folded, rest, typePart } = sorted(parts, isShared, facts);
  const principals = targetExpression(policy.principals, 'principals');
  const policyMode = policy.mode === 'shadow' ? 'shadow' : 'enforce';
  const { name, effect, priority, credential } = document;
  return withPlanRules({
    ordinal,
    document,
    policyOrdinal,
    policyMode,
    mode: policyMode === 'shadow' || document.mode === 'shadow' ? 'shadow' : 'enforce',
    ref: Object.freeze({ policy: policy.name, name, effect, priority }),
    requirements: principals === null ? parts : [principals, ...parts],
    principalTests: folded.map((part) => facts.of(part).test),
    requestTests: rest.toSorted((a, b) => facts.of(a).cost - facts.of(b).cost).map((part) => facts.of(part).test),
    isShared,
    typeIds: typePart === null ? null : boundValues(typePart, 'resource.type')!.map((type) => context.types.idOf(type)),
    actionIds: document.actions === null ? null : document.actions.map((action) => context.actions.idOf(action)),
    key: keyOf(rest),
    ttlS: credential?.ttlS ?? null,
    isUnsupported: isUnsupported(document),
  });
}

interface SortedParts {
  /** A plan folds them away. */
  readonly folded: readonly Expression[];
  /** The index answers it. */
  readonly typePart: Expression | null;
  readonly rest: readonly Expression[];
}

function sorted(parts: readonly Expression[], isShared: boolean, facts: FactsOfExpressions): SortedParts {
  const folded: Expression[] = [];
  const rest: Expression[] = [];
  let typePart: Expression | null = null;
  for (const part of parts) {
    const { readsOnlyPrincipal, isBroad } = facts.of(part);
    if (readsOnlyPrincipal && (!isShared || isBroad)) folded.push(part);
    else if (typePart === null && boundValues(part, 'resource.type') !== null) typePart = part;
    else rest.push(part);
  }
  return { folded, typePart, rest };
}

function isUnsupported({ credential, obligations }: RuleDocument): boolean {
  return obligations.length > 0 || (credential !== null && !supportedCredentialTypes.has(credential.type));
}

/** A rule and its two forms in plans, which know it and it them. */
function withPlanRules(fixed: Omit<CompiledRule, 'certain' | 'uncertain'>): CompiledRule {
  const rule = { ...fixed, certain: null as unknown as PlanRule, uncertain: null as unknown as PlanRule };
  const tests = fixed.requestTests;
  rule.certain = Object.freeze({ rule, isCertain: true, tests });
  rule.uncertain = Object.freeze({ rule, isCertain: false, tests });
  return Object.freeze(rule);
}
