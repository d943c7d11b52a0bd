// Walks checked expressions for the linter.

import type { AttributeRef } from '../attribute.ts';
import type { Comparison, Expression } from '../expression.ts';

/** A leaf of an expression, and whether an odd number of `not` stands around it. */
export interface Leaf {
  readonly expression: Comparison | Extract<Expression, { kind: 'exists' | 'holds' | 'constant' }>;
  readonly negated: boolean;
}

/** Every leaf, in the order of the text. */
export function* leavesOf(expression: Expression, negated = false): Generator<Leaf, void, void> {
  switch (expression.kind) {
    case 'not':
      yield* leavesOf(expression.item, !negated);
      return;
    case 'all':
    case 'any':
      for (const item of expression.items) yield* leavesOf(item, negated);
      return;
    case 'constant':
    case 'exists':
    case 'holds':
      // Each has its own type: TypeScript does not narrow a union of kinds by a list of them.
      yield { expression: expression as Leaf['expression'], negated };
      return;
    case 'compare':
      yield { expression, negated };
  }
}

/** Attributes whose value the expression tests; to ask whether one exists tests no value. */
export function valueAttributesOf(expression: Expression): readonly AttributeRef[] {
  return [...leavesOf(expression)].flatMap(({ expression: leaf }) => {
    if (leaf.kind === 'holds') return [leaf.attribute];
    if (leaf.kind !== 'compare') return [];
    return leaf.right.kind === 'attribute' ? [leaf.left, leaf.right.attribute] : [leaf.left];
  });
}

/** Texts that an attribute is compared with: values as they are, globs as written. */
export function textsOf(comparison: Comparison): readonly string[] {
  const { right } = comparison;
  if (right.kind === 'value') return typeof right.value === 'string' ? [right.value] : [];
  if (right.kind === 'values') return right.values.filter((value) => typeof value === 'string');
  return right.kind === 'glob' ? [right.glob.pattern] : [];
}
