// From an HTTP method to the actions that policy judges (policy.md 1.9): `read` or `write`, and `http:<METHOD>` beside;
// a method that is neither has only its own name.

import type { Action } from '../authz/model.ts';

const reads = new Set(['GET', 'HEAD', 'OPTIONS']);
const writes = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const noProperties: ReadonlyMap<string, unknown> = new Map();

/** An action whose names are these; the first is the one that stands in the record. */
export function httpAction(names: readonly string[]): Action {
  return Object.freeze({ name: names[0]!, names, protocol: 'http' as const, properties: noProperties });
}

/** The actions of an opaque connection: each must be allowed, since nobody sees which of them its octets mean. */
export function tcpActions(words: readonly string[]): readonly Action[] {
  return Object.freeze(
    words.map((word) =>
      Object.freeze({ name: word, names: Object.freeze([word]), protocol: 'tcp' as const, properties: noProperties }),
    ),
  );
}

function autoActions(method: string): readonly Action[] {
  const own = `http:${method}`;
  if (reads.has(method)) return [httpAction(['read', own])];
  if (writes.has(method)) return [httpAction(['write', own])];
  return [httpAction([own])];
}

const known: ReadonlyMap<string, readonly Action[]> = new Map(
  [...reads, ...writes].map((method) => [method, Object.freeze(autoActions(method))]),
);

/** The actions of `action: auto`. Objects of known methods are shared; a hostile method makes a short-lived one. */
export function actionsOfMethod(method: string): readonly Action[] {
  return known.get(method) ?? autoActions(method);
}
