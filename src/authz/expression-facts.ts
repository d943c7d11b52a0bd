// What the compiler asks of an expression, found once: the rules of a large bundle share most of their conditions.

import type { AttributeRef } from './attribute.ts';
import type { Expression, Test } from './expression.ts';
import { attributesOf } from './expression.ts';
import { compileTest } from './expression-test.ts';

const broadPaths: ReadonlySet<string> = new Set(['principal.type', 'principal.authn']);

/** One expression. */
export interface ExpressionFacts {
  readonly attributes: readonly AttributeRef[];
  /** It reads nothing but the principal, so that a plan can fold it away. */
  readonly readsOnlyPrincipal: boolean;
  /** It reads no more of the principal than its type and how it proved itself. */
  readonly isBroad: boolean;
  /** A rough price, so that the cheap parts come first and often spare the dear ones. */
  readonly cost: number;
  readonly test: Test;
}

/** Keeps the facts of every expression that it was asked about. */
export class FactsOfExpressions {
  readonly #known = new Map<Expression, ExpressionFacts>();

  of(expression: Expression): ExpressionFacts {
    const known = this.#known.get(expression);
    if (known !== undefined) return known;
    const attributes = attributesOf(expression);
    const facts = {
      attributes,
      readsOnlyPrincipal: attributes.every(({ spec }) => spec.root === 'principal'),
      isBroad: attributes.every(({ text, spec }) => spec.root !== 'principal' || broadPaths.has(text)),
      cost: costOf(expression),
      test: compileTest(expression),
    };
    this.#known.set(expression, facts);
    return facts;
  }
}

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
