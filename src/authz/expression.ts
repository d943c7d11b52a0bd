// A checked condition: names resolved, literals read, types agreed. Targets (`principals:`, `resources:`) become the same
// form, so that evaluator, reference, linter and explanation know only this one.

import type { Glob } from '../lib/glob.ts';
import type { AttributeRef } from './attribute.ts';
import type { CidrBlock } from './ip-address.ts';
import type { Truth } from './kleene.ts';
import type { Action, AuthzRequest } from './model.ts';
import type { TimeWindow } from './time-window.ts';
import type { Value, ValueType } from './value-type.ts';

/** `!=` and `not in` are a `not` around these. The left side is always an attribute: `5 < x` is turned round. */
export type CompareOperator =
  | '=='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
  | 'contains'
  | 'matches'
  | 'startsWith'
  | 'endsWith'
  | 'within';

/** The right side. Values are canonical for the type of the comparison. */
export type RightSide =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'values'; readonly values: readonly Value[] }
  | { readonly kind: 'attribute'; readonly attribute: AttributeRef }
  | { readonly kind: 'glob'; readonly glob: Glob }
  | { readonly kind: 'blocks'; readonly blocks: readonly CidrBlock[] }
  | { readonly kind: 'windows'; readonly windows: readonly TimeWindow[] };

export interface Comparison {
  readonly kind: 'compare';
  readonly operator: CompareOperator;
  readonly left: AttributeRef;
  readonly right: RightSide;
  /** The type both sides are compared as; `any` leaves it to the values. */
  readonly type: ValueType;
  /** As written, or as it would be written. */
  readonly text: string;
}

export type Expression =
  | { readonly kind: 'constant'; readonly value: boolean; readonly text: string }
  | { readonly kind: 'all' | 'any'; readonly items: readonly Expression[]; readonly text: string }
  | { readonly kind: 'not'; readonly item: Expression; readonly text: string }
  | { readonly kind: 'exists'; readonly attribute: AttributeRef; readonly text: string }
  | { readonly kind: 'holds'; readonly attribute: AttributeRef; readonly text: string }
  | Comparison;

/** The truth of an expression for one request and one of its actions. Pure; never throws for a well-formed request. */
export type Test = (request: AuthzRequest, action: Action) => Truth;

/** Every attribute that the expression reads, in order, each once. */
export function attributesOf(expression: Expression): readonly AttributeRef[] {
  const found = new Map<string, AttributeRef>();
  collect(expression, found);
  return [...found.values()];
}

function collect(expression: Expression, found: Map<string, AttributeRef>): void {
  switch (expression.kind) {
    case 'constant':
      return;
    case 'all':
    case 'any':
      for (const item of expression.items) collect(item, found);
      return;
    case 'not':
      collect(expression.item, found);
      return;
    case 'exists':
    case 'holds':
      found.set(expression.attribute.text, expression.attribute);
      return;
    case 'compare':
      found.set(expression.left.text, expression.left);
      if (expression.right.kind === 'attribute') found.set(expression.right.attribute.text, expression.right.attribute);
  }
}

/** A conjunction; a single item is itself. */
export function allOf(items: readonly Expression[], text: string): Expression {
  return items.length === 1 ? items[0]! : Object.freeze({ kind: 'all', items, text });
}

/** A disjunction; a single item is itself. */
export function anyOf(items: readonly Expression[], text: string): Expression {
  return items.length === 1 ? items[0]! : Object.freeze({ kind: 'any', items, text });
}

/** A negation. */
export function negate(item: Expression, text: string): Expression {
  return Object.freeze({ kind: 'not', item, text });
}
