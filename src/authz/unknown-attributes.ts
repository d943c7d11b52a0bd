// Which missing or mistyped attributes left a rule unknown, for the record.

import type { AttributeRef } from './attribute.ts';
import type { Expression } from './expression.ts';
import { UNKNOWN } from './kleene.ts';
import { type Action, type AuthzRequest, MISTYPED } from './model.ts';
import { interpret } from './reference-interpreter.ts';

/** Attributes, each once, in the order of the parts; those of parts that are true or false do not count. */
export function unknownAttributes(
  parts: readonly Expression[],
  request: AuthzRequest,
  action: Action,
): readonly string[] {
  const found = new Set<string>();
  for (const part of parts) collect(part, { request, action, found });
  return [...found];
}

interface Search {
  readonly request: AuthzRequest;
  readonly action: Action;
  readonly found: Set<string>;
}

function collect(expression: Expression, search: Search): void {
  if (interpret(expression, search.request, search.action) !== UNKNOWN) return;
  switch (expression.kind) {
    case 'all':
    case 'any':
      for (const item of expression.items) collect(item, search);
      return;
    case 'not':
      collect(expression.item, search);
      return;
    case 'holds':
      search.found.add(expression.attribute.text);
      return;
    case 'compare':
      collectSides(
        expression.right.kind === 'attribute' ? [expression.left, expression.right.attribute] : [expression.left],
        search,
      );
  }
}

function collectSides(sides: readonly AttributeRef[], search: Search): void {
  const faulty = sides.filter((side) => {
    const value = side.spec.read(search.request, side.keys, search.action);
    return value === undefined || value === MISTYPED;
  });
  // Both are there and do not fit together: each may be the one that is wrong.
  for (const side of faulty.length > 0 ? faulty : sides) search.found.add(side.text);
}
