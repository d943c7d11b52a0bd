// The types of attributes (policy.md 1.3). A type decides how a literal is read, how two values are compared, and where a
// glob is cut into segments.

/** `any` is a value whose type only the caller knows: claims, labels, context. `strings` is a list of strings. */
export type ValueType =
  | 'bool'
  | 'string'
  | 'number'
  | 'duration'
  | 'timestamp'
  | 'ip'
  | 'spiffe_id'
  | 'dns'
  | 'topic'
  | 'path'
  | 'strings'
  | 'any';

/** A literal in canonical form: timestamps and durations in milliseconds, DNS names in lower case, IPs normalised. */
export type Value = string | number | boolean;

const textual: ReadonlySet<ValueType> = new Set(['string', 'spiffe_id', 'dns', 'topic', 'path']);
const ordered: ReadonlySet<ValueType> = new Set(['number', 'duration', 'timestamp']);

/** True for types whose values are text with an order of characters: what globs, prefixes and suffixes work on. */
export function isTextual(type: ValueType): boolean {
  return textual.has(type);
}

/** True for types that `<` and its like understand. */
export function isOrdered(type: ValueType): boolean {
  return ordered.has(type);
}

/** Where a value of the type is cut into segments; null for a type without segments. */
export function separatorOf(type: ValueType): '/' | '.' | null {
  if (type === 'spiffe_id' || type === 'path') return '/';
  return type === 'dns' || type === 'topic' ? '.' : null;
}

/** True for types compared without regard to case. */
export function foldsCase(type: ValueType): boolean {
  return type === 'dns';
}
