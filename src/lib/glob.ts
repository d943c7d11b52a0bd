// HOT PATH (bench/policy.bench.ts). Globs over whole segments (policy.md 1.5): `*` one non-empty segment, `**` one or
// more, `pay*` inside a segment, `\*` a star. Anchored, linear in the value, no regular expressions.

/** A compiled pattern. */
export interface Glob {
  /** As written. */
  readonly pattern: string;
  /** Null: the value is one run of characters and `*` matches any part of it. */
  readonly separator: '/' | '.' | null;
  /** Compared in lower case; `segments` already are. */
  readonly foldCase: boolean;
  /** The one value that matches, where the pattern has no wildcard. */
  readonly literal: string | null;
  readonly segments: readonly GlobSegment[];
  /** Index of the `**` in `segments`, -1 if there is none. */
  readonly deep: number;
}

/** One segment: `*` alone, or literal pieces with `*` between them; one piece means no star. `**` has no pieces. */
export type GlobSegment =
  | { readonly kind: 'any' }
  | { readonly kind: 'deep' }
  | { readonly kind: 'pieces'; readonly pieces: readonly string[] };

export interface GlobOptions {
  readonly separator: '/' | '.' | null;
  readonly foldCase: boolean;
}

/** Compiles a pattern, or says what is wrong with it. */
export function parseGlob(pattern: string, options: GlobOptions): Glob | { readonly fault: string } {
  const { separator, foldCase } = options;
  const text = foldCase ? pattern.toLowerCase() : pattern;
  const parts = separator === null ? [text] : text.split(separator);
  const segments = parts.map(parseSegment);
  const deep = segments.findIndex((segment) => segment.kind === 'deep');
  if (separator === null && deep >= 0)
    return { fault: '`**` needs an attribute that has segments; `*` is any run here' };
  if (segments.some((segment, n) => segment.kind === 'deep' && n !== deep)) return { fault: '`**` may stand once' };
  if (segments.some(hasDoubleStar)) return { fault: '`**` must be a whole segment' };
  return Object.freeze({ pattern, separator, foldCase, segments, deep, literal: literalOf(segments, separator) });
}

/** True if `parseGlob` refused the pattern. */
export function isGlobFault(glob: Glob | { readonly fault: string }): glob is { readonly fault: string } {
  return 'fault' in glob;
}

function parseSegment(text: string): GlobSegment {
  if (text === '*') return { kind: 'any' };
  if (text === '**') return { kind: 'deep' };
  const pieces = [''];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === '*') pieces.push('');
    else if (letter === '\\' && (text[at + 1] === '*' || text[at + 1] === '\\'))
      pieces[pieces.length - 1] += text[++at]!;
    else pieces[pieces.length - 1] += letter;
  }
  return { kind: 'pieces', pieces: Object.freeze(pieces) };
}

function hasDoubleStar(segment: GlobSegment): boolean {
  if (segment.kind !== 'pieces') return false;
  return segment.pieces.slice(1, -1).some((piece) => piece === '');
}

function literalOf(segments: readonly GlobSegment[], separator: string | null): string | null {
  const texts: string[] = [];
  for (const segment of segments) {
    if (segment.kind !== 'pieces' || segment.pieces.length > 1) return null;
    texts.push(segment.pieces[0]!);
  }
  return texts.join(separator ?? '');
}

/** Puts a star and a backslash of plain text out of action. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*]/g, (letter) => `\\${letter}`);
}

/** True if the whole value matches. */
export function matchesGlob(glob: Glob, given: string): boolean {
  const value = glob.foldCase ? given.toLowerCase() : given;
  if (glob.literal !== null) return value === glob.literal;
  if (glob.separator === null) return matchesRun(glob.segments[0]!, value, { from: 0, to: value.length });
  return glob.deep < 0 ? matchesFlat(glob, value) : matchesDeep(glob, value);
}

function matchesFlat(glob: Glob, value: string): boolean {
  const { segments } = glob;
  const separator = glob.separator!;
  let from = 0;
  for (let n = 0; n < segments.length; n++) {
    const next = value.indexOf(separator, from);
    const isLast = n === segments.length - 1;
    if (isLast !== next < 0) return false;
    const to = next < 0 ? value.length : next;
    if (!matchesSegment(segments[n]!, value, { from, to })) return false;
    from = to + 1;
  }
  return true;
}

// Segments before `**` from the front, those after it from the back; what is left between must be one segment or more,
// and not just one empty segment.
function matchesDeep(glob: Glob, value: string): boolean {
  const separator = glob.separator!;
  let from = 0;
  for (let n = 0; n < glob.deep; n++) {
    const next = value.indexOf(separator, from);
    if (next < 0 || !matchesSegment(glob.segments[n]!, value, { from, to: next })) return false;
    from = next + 1;
  }
  let to = value.length;
  for (let n = glob.segments.length - 1; n > glob.deep; n--) {
    const before = to === 0 ? -1 : value.lastIndexOf(separator, to - 1);
    if (before < from || !matchesSegment(glob.segments[n]!, value, { from: before + 1, to })) return false;
    to = before;
  }
  return to > from;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function matchesSegment(segment: GlobSegment, value: string, span: Span): boolean {
  if (segment.kind === 'any') return span.to > span.from;
  return matchesRun(segment, value, span);
}

// Pieces in order: the first at the start, the last at the end, those between at their first place. Taking the first
// place is never wrong, so there is no backtracking.
function matchesRun(segment: GlobSegment, value: string, span: Span): boolean {
  if (segment.kind !== 'pieces') return span.to > span.from;
  const { pieces } = segment;
  const first = pieces[0]!;
  const last = pieces[pieces.length - 1]!;
  if (pieces.length === 1) return span.to - span.from === first.length && value.startsWith(first, span.from);
  if (span.to - span.from < first.length + last.length) return false;
  if (!value.startsWith(first, span.from) || !value.startsWith(last, span.to - last.length)) return false;
  let at = span.from + first.length;
  const end = span.to - last.length;
  for (let n = 1; n < pieces.length - 1; n++) {
    const piece = pieces[n]!;
    const found = value.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
