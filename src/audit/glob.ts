// Patterns with `*` for any run of characters, for identities on the command line. No regular expression is built from
// outside text.

/** True when all of `text` fits the pattern. Linear in practice: each `*` only moves forward. */
export function matchesGlob(pattern: string, text: string): boolean {
  const pieces = pattern.split('*');
  const first = pieces[0]!;
  if (pieces.length === 1) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  const last = pieces.at(-1)!;
  return text.length - last.length >= at && text.endsWith(last);
}

/** The parts of a pattern that a match must hold as they stand; the longest comes first. */
export function literalsOf(pattern: string): readonly string[] {
  const pieces = pattern.split('*').filter((piece) => piece !== '');
  return pieces.sort((a, b) => b.length - a.length);
}
