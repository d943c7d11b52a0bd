// From a checked rule to its compiled form: requirements are sorted into those a plan folds away, those an index answers,
// and those that are left for each request. Kleene conjunction has no order, so they may be sorted (policy.md 1.4).

import { attributeAt } from './attribute.ts';
import type { CompiledRule, PlanRule } from './compiled-policy.ts';
import type { Expression } from './expression.ts';
import { allOf, anyOf, attributesOf, readsOnlyPrincipal } from './expression.ts';
import { compileTest } from './expression-test.ts';
import type { PolicyDocument, RuleDocument, Target } from './policy-document.ts';
import { boundValues, conjuncts, keyOf, pinsOf } from './rule-keys.ts';

/** Credential types that the data plane can bound. */
export const supportedCredentialTypes: ReadonlySet<string> = new Set(['short_lived_certificate']);

const broadPaths: ReadonlySet<string> = new Set(['principal.type', 'principal.authn']);

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
}

/** A target as one expression; null where there is none. */
export function targetExpression(target: Target | null, root: string): Expression | null {
  if (target === null) return null;
  const alternatives = target.alternatives.map((clauses) =>
    allOf(
      clauses.map((clause) => clause.expression),
      clauses.map((clause) => clause.text).join(' and '),
    ),
  );
  return anyOf(alternatives, root);
}

/** Everything the rule itself requires but its actions, as parts of one conjunction. */
export function requirementsOf(rule: RuleDocument): readonly Expression[] {
  const targets = [targetExpression(rule.principals, 'principals'), targetExpression(rule.resources, 'resources')];
  const expressions = [...targets, ...rule.conditions.map((clause) => clause.expression), expiryOf(rule)];
  return expressions.flatMap((expression) => (expression === null ? [] : conjuncts(expression)));
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

/** True for an expression that reads no more of the principal than its type and how it proved itself. */
export function isBroadExpression(expression: Expression): boolean {
  return attributesOf(expression).every(({ text, spec }) => spec.root !== 'principal' || broadPaths.has(text));
}

// A rule that no SPIFFE ID narrows down is in the plan of every caller. Where a name finds it, it is cheaper to test the
// caller when that name is asked for than to fold and index thousands of such rules for each caller.
function isShareable(parts: readonly Expression[]): boolean {
  if (pinsOf(parts) !== null) return false;
  return keyOf(parts) !== null || parts.filter(readsOnlyPrincipal).every(isBroadExpression);
}

/** Compiles one rule that is not disabled. */
export function compileRule(document: RuleDocument, context: RuleContext): CompiledRule {
  const { policy, policyOrdinal, ordinal } = context;
  const parts = requirementsOf(document);
  const isShared = context.isBroadPolicy && isShareable(parts);
  const isFolded = (part: Expression) => readsOnlyPrincipal(part) && (!isShared || isBroadExpression(part));
  const requestParts = parts.filter((part) => !isFolded(part));
  const typePart = requestParts.find((part) => boundValues(part, 'resource.type') !== null);
  const rest = requestParts.filter((part) => part !== typePart);
  const principals = targetExpression(policy.principals, 'principals');
  const policyMode = policy.mode === 'shadow' ? 'shadow' : 'enforce';
  const { name, effect, priority, credential } = document;
  const fixed = {
    ordinal,
    document,
    policyOrdinal,
    policyMode,
    mode: policyMode === 'shadow' || document.mode === 'shadow' ? 'shadow' : 'enforce',
    ref: Object.freeze({ policy: policy.name, name, effect, priority }),
    requirements: principals === null ? parts : [principals, ...parts],
    principalTests: parts.filter(isFolded).map(compileTest),
    requestTests: rest.toSorted((a, b) => costOf(a) - costOf(b)).map(compileTest),
    isShared,
    typeIds:
      typePart === undefined ? null : boundValues(typePart, 'resource.type')!.map((type) => context.types.idOf(type)),
    actionIds: document.actions === null ? null : document.actions.map((action) => context.actions.idOf(action)),
    key: keyOf(rest),
    ttlS: credential?.ttlS ?? null,
    isUnsupported: isUnsupported(document),
  } as const;
  return withPlanRules(fixed);
}

function isUnsupported({ credential, obligations }: RuleDocument): boolean {
  return obligations.length > 0 || (credential !== null && !supportedCredentialTypes.has(credential.type));
}

function withPlanRules(fixed: Omit<CompiledRule, 'certain' | 'uncertain'>): CompiledRule {
  const rule: CompiledRule = {
    ...fixed,
    get certain() {
      return certain;
    },
    get uncertain() {
      return uncertain;
    },
  };
  const certain: PlanRule = Object.freeze({ rule, isCertain: true, tests: fixed.requestTests });
  const uncertain: PlanRule = Object.freeze({ rule, isCertain: false, tests: fixed.requestTests });
  return Object.freeze(rule);
}

/** A rough price, so that the cheap parts come first and often spare the dear ones. */
function costOf(expression: Expression): number {
  switch (expression.kind) {
    case 'constant':
    case 'exists':
    case 'holds':
      return 1;
    case 'not':
      return costOf(expression.item);
    case 'all':
    case 'any':
      return expression.items.reduce((sum, item) => sum + costOf(item), 1);
    case 'compare':
      return comparisonCost(expression.operator, expression.left.spec.keyed);
  }
}

function comparisonCost(operator: string, isKeyed: boolean): number {
  const lookup = isKeyed ? 5 : 0;
  if (operator === 'matches' || operator === 'in') return 4 + lookup;
  return (operator === 'within' ? 10 : 2) + lookup;
}
