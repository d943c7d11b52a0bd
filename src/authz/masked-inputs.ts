// Inputs that a bundle reads and that never stand in a record: headers, query, claims, labels, context. A record names
// them, so that a replay knows that it cannot judge (records.md).

import type { AttributeRef } from './attribute.ts';
import type { PolicySet } from './compiled-policy.ts';
import { attributesOf, type Expression } from './expression.ts';
import { requirementsOf, targetExpression } from './rule-compiler.ts';

/** JSON Pointers (RFC 6901), such as `/http/headers/x-tenant`; each once, sorted. */
export function maskedInputsOf(sets: readonly PolicySet[]): readonly string[] {
  const pointers = new Set<string>();
  for (const expression of sets.flatMap(expressionsOf)) {
    for (const attribute of attributesOf(expression)) {
      if (attribute.spec.keyed) pointers.add(pointerOf(attribute));
    }
  }
  return Object.freeze([...pointers].sort());
}

/** Whether some rule reads the time of the request, so that its decision may change by itself. */
export function readsTime(set: PolicySet): boolean {
  return expressionsOf(set).some((expression) =>
    attributesOf(expression).some(({ spec }) => spec.path === 'request.time'),
  );
}

function expressionsOf(set: PolicySet): readonly Expression[] {
  return set.policies.flatMap(({ document }) => {
    const own = targetExpression(document.principals, 'principals');
    return [...(own === null ? [] : [own]), ...document.rules.flatMap(requirementsOf)];
  });
}

function pointerOf(attribute: AttributeRef): string {
  const path = attribute.spec.path.replace(/^request\./, '').split('.');
  return [...path, ...attribute.keys].map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
