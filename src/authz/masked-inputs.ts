// Inputs that a bundle reads and that never stand in a record: headers, query, claims, labels, context. A record names
// them, so that a replay knows that it cannot judge (records.md).

import type { AttributeRef } from './attribute.ts';
import type { PolicySet } from './compiled-policy.ts';

/** JSON Pointers (RFC 6901), such as `/http/headers/x-tenant`; each once, sorted. */
export function maskedInputsOf(sets: readonly PolicySet[]): readonly string[] {
  const masked = sets.flatMap(({ attributes }) => attributes.filter(({ spec }) => spec.keyed));
  return Object.freeze([...new Set(masked.map(pointerOf))].sort());
}

/** Whether some rule reads the time of the request, so that its decision may change by itself. */
export function readsTime(set: PolicySet): boolean {
  return set.attributes.some(({ spec }) => spec.path === 'request.time');
}

function pointerOf(attribute: AttributeRef): string {
  const path = attribute.spec.path.replace(/^request\./, '').split('.');
  return [...path, ...attribute.keys].map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
