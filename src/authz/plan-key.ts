// The key of a plan: everything of a principal that any rule of the bundle reads (policy.md 4.2). Equal keys mean equal
// plans; nothing that the caller may choose without a verified credential is in it.

import type { AttributeRef } from './attribute.ts';
import type { Action, AuthzRequest, Principal } from './model.ts';
import { MISTYPED } from './model.ts';

/** The key, or null for a principal whose values cannot be told apart in text: its plan is then made each time. */
export function planKey(principal: Principal, attributes: readonly AttributeRef[]): string | null {
  const request = { principal } as AuthzRequest;
  // The SPIFFE ID picks the rules even where the bundle reads it only through an index.
  let key = part(principal.spiffeId);
  for (const { spec, keys } of attributes) {
    const text = part(spec.read(request, keys, noAction));
    if (text === null) return null;
    key += text;
  }
  return key;
}

const noAction = Object.freeze({ name: '', names: [], protocol: 'api', properties: new Map() }) as Action;

// Lengths keep one value from running into the next.
function part(value: unknown): string | null {
  if (value === undefined) return 'u;';
  if (value === MISTYPED) return 'm;';
  if (typeof value === 'string') return `s${value.length}:${value};`;
  const text = jsonOf(value);
  return text === undefined ? null : `j${text.length}:${text};`;
}

function jsonOf(value: unknown): string | undefined {
  if (value instanceof Map || value instanceof Set) return undefined;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
