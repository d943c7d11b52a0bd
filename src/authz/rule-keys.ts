// What of a rule an index can use: the types, names and SPIFFE IDs that it requires. Each answer is implied by the rule;
// `null` means that nothing of the kind is required.

import type { Glob } from '../lib/glob.ts';
import { parseGlob } from '../lib/glob.ts';
import type { AttributeRef } from './attribute.ts';
import { attributeAt } from './attribute.ts';
import type { RuleKey } from './compiled-policy.ts';
import type { Comparison, Expression } from './expression.ts';

const keyPaths = [
  'resource.name',
  'resource.topic',
  'resource.id',
  'resource.path',
  'resource.route',
  'resource.service',
];

/** Cuts a conjunction into its parts. */
export function conjuncts(expression: Expression): readonly Expression[] {
  return expression.kind === 'all' ? expression.items.flatMap(conjuncts) : [expression];
}

/** The values to which a part binds the attribute: `x == v`, `x in [v, w]`, or an `or` of such; null if it does not. */
export function boundValues(part: Expression, path: string): readonly string[] | null {
  if (part.kind === 'any') {
    const each = part.items.map((item) => boundValues(item, path));
    return each.every((values) => values !== null) ? each.flat() : null;
  }
  if (part.kind !== 'compare' || part.left.text !== path) return null;
  return valuesOf(part);
}

function valuesOf({ operator, right }: Comparison): readonly string[] | null {
  if (operator === '==' && right.kind === 'value') return [String(right.value)];
  if (operator === 'in' && right.kind === 'values') return right.values.map(String);
  if (operator === 'matches' && right.kind === 'glob') return right.glob.literal === null ? null : [right.glob.literal];
  return null;
}

/** The first attribute of the resource that a part binds to fixed values. */
export function keyOf(parts: readonly Expression[]): RuleKey | null {
  for (const path of keyPaths) {
    for (const part of parts) {
      const values = boundValues(part, path);
      if (values !== null) return { attribute: attributeAt(path) as AttributeRef, values: [...new Set(values)] };
    }
  }
  return null;
}

/** Patterns one of which the SPIFFE ID must match, if any part requires it. */
export function pinsOf(parts: readonly Expression[]): readonly Glob[] | null {
  for (const part of parts) {
    const pins = pinsOfPart(part);
    if (pins !== null) return pins;
  }
  return null;
}

function pinsOfPart(part: Expression): readonly Glob[] | null {
  if (part.kind === 'any') {
    const each = part.items.map((item) => pinsOf(conjuncts(item)));
    return each.every((pins) => pins !== null) ? each.flat() : null;
  }
  if (part.kind !== 'compare' || part.left.text !== 'principal.spiffe_id') return null;
  if (part.right.kind === 'glob') return [part.right.glob];
  const values = boundValues(part, 'principal.spiffe_id');
  return values === null ? null : values.map(literalPattern);
}

function literalPattern(spiffeId: string): Glob {
  const glob = parseGlob(spiffeId, { separator: '/', foldCase: false });
  if ('fault' in glob) throw new TypeError('a SPIFFE ID has no star');
  return glob;
}
