// Strong Kleene logic on small integers (policy.md 1.4). Integers, not a union of strings: they are what the hot path
// passes around, and `FALSE` is the only falsy one.

/** A truth value: `FALSE`, `TRUE` or `UNKNOWN`. */
export type Truth = 0 | 1 | 2;

export const FALSE = 0;
export const TRUE = 1;
export const UNKNOWN = 2;

/** Conjunction: false wins over unknown, unknown over true. */
export function and(a: Truth, b: Truth): Truth {
  if (a === FALSE || b === FALSE) return FALSE;
  return a === UNKNOWN || b === UNKNOWN ? UNKNOWN : TRUE;
}

/** Disjunction: true wins over unknown, unknown over false. */
export function or(a: Truth, b: Truth): Truth {
  if (a === TRUE || b === TRUE) return TRUE;
  return a === UNKNOWN || b === UNKNOWN ? UNKNOWN : FALSE;
}

/** Negation; unknown stays unknown. */
export function not(a: Truth): Truth {
  if (a === UNKNOWN) return UNKNOWN;
  return a === TRUE ? FALSE : TRUE;
}

/** The truth value of a boolean. */
export function truthOf(value: boolean): Truth {
  return value ? TRUE : FALSE;
}

/** `true`, `false` or `unknown`, for people. */
export function truthText(value: Truth): 'true' | 'false' | 'unknown' {
  if (value === UNKNOWN) return 'unknown';
  return value === TRUE ? 'true' : 'false';
}
