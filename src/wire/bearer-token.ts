// The token of a request: `Authorization: Bearer …` (RFC 6750 §2.1). Never taken from a query or a body, where it would
// end up in logs.

import { FieldList } from './field-list.ts';

/** `none`: no token, perhaps another scheme, which is the workload's. */
export type FoundToken = { readonly kind: 'none' | 'repeated' } | { readonly kind: 'token'; readonly text: string };

const none: FoundToken = Object.freeze({ kind: 'none' });
const repeated: FoundToken = Object.freeze({ kind: 'repeated' });

/** Looks for the token. */
export function findBearerToken(fields: FieldList): FoundToken {
  const first = fields.keys.indexOf('authorization');
  if (first < 0) return none;
  if (fields.keys.indexOf('authorization', first + 1) >= 0) return repeated;
  const value = fields.values[first]!;
  // Schemes are compared without case (RFC 9110 §11.1).
  if (value.slice(0, 6).toLowerCase() !== 'bearer') return none;
  const rest = value.slice(6);
  if (rest !== '' && !rest.startsWith(' ') && !rest.startsWith('\t')) return none;
  return { kind: 'token', text: rest.trim() };
}

/** The fields without those of a name in lower case. */
export function withoutField(fields: FieldList, key: string): FieldList {
  const kept = new FieldList();
  for (let at = 0; at < fields.length; at++) {
    if (fields.keys[at] !== key) kept.push(fields.names[at]!, fields.keys[at]!, fields.values[at]!);
  }
  return kept;
}
