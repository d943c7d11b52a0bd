// Path templates of the route table: `{name}` is one segment, `{name...}` the rest (one or more segments, last only).
// Matched against the canonical path, so that what is decided on is what the workload gets.

import { PosternError } from '../errors.ts';

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'one'; readonly name: string }
  | { readonly kind: 'rest'; readonly name: string };

/** A compiled template. */
export interface PathTemplate {
  readonly text: string;
  readonly captures: readonly string[];
  /** The captured values by name, or null where the path does not match. Values stay percent-encoded. */
  match(segments: readonly string[]): ReadonlyMap<string, string> | null;
}

const noCaptures: ReadonlyMap<string, string> = new Map();
const capturePattern = /^\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}$/;

/** Segments of a canonical path: `/a/b` gives `a`, `b`; `/` gives one empty segment. */
export function pathSegments(path: string): string[] {
  return path.slice(1).split('/');
}

/**
 * Compiles a template.
 * @throws PosternError ERR_CONFIG_ROUTE for a template that is not a path, names a capture twice or has `...` before the end
 */
export function compilePathTemplate(text: string): PathTemplate {
  if (!text.startsWith('/')) throw refuse(text, 'does not start with `/`');
  const segments = pathSegments(text).map((segment) => parseSegment(text, segment));
  const captures = segments.flatMap((segment) => (segment.kind === 'literal' ? [] : [segment.name]));
  if (new Set(captures).size !== captures.length) throw refuse(text, 'names a capture twice');
  if (segments.slice(0, -1).some((segment) => segment.kind === 'rest')) throw refuse(text, 'has `...` before its end');
  return Object.freeze({ text, captures, match: (path: readonly string[]) => matchSegments(segments, path) });
}

function refuse(template: string, why: string): PosternError {
  return new PosternError('ERR_CONFIG_ROUTE', `path template \`${template}\` ${why}`);
}

function parseSegment(template: string, segment: string): Segment {
  const capture = capturePattern.exec(segment);
  if (capture) return { kind: capture[2] === undefined ? 'one' : 'rest', name: capture[1]! };
  if (/[{}?#]/.test(segment))
    throw refuse(template, `has a segment \`${segment}\` that is neither text nor \`{name}\``);
  return { kind: 'literal', text: segment };
}

function matchSegments(template: readonly Segment[], path: readonly string[]): ReadonlyMap<string, string> | null {
  let found: Map<string, string> | null = null;
  for (let at = 0; at < template.length; at++) {
    const expected = template[at]!;
    const actual = path[at];
    if (actual === undefined) return null;
    if (expected.kind === 'literal') {
      if (expected.text !== actual) return null;
      continue;
    }
    if (actual === '') return null;
    found ??= new Map();
    if (expected.kind === 'rest') {
      found.set(expected.name, path.slice(at).join('/'));
      return found;
    }
    found.set(expected.name, actual);
  }
  return path.length === template.length ? (found ?? noCaptures) : null;
}
