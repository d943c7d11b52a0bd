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
  /** The captured values in the order of `captures`, or null where the canonical `path` does not match. Values stay percent-encoded. */
  match(path: string): Captures | null;
}

/** Captured values, in the order of the template's names. */
export type Captures = readonly string[];

/** Nothing was captured. */
export const noCaptures: Captures = Object.freeze([]);

const slash = 0x2f;
const capturePattern = /^\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}$/;

/**
 * Compiles a template.
 * @throws PosternError ERR_CONFIG_ROUTE for a template that is not a path, names a capture twice or has `...` before the end
 */
export function compilePathTemplate(text: string): PathTemplate {
  if (!text.startsWith('/')) throw refuse(text, 'does not start with `/`');
  const segments = text
    .slice(1)
    .split('/')
    .map((segment) => parseSegment(text, segment));
  const captures = segments.flatMap((segment) => (segment.kind === 'literal' ? [] : [segment.name]));
  if (new Set(captures).size !== captures.length) throw refuse(text, 'names a capture twice');
  if (segments.slice(0, -1).some((segment) => segment.kind === 'rest')) throw refuse(text, 'has `...` before its end');
  return Object.freeze({ text, captures, match: (path: string) => matchPath(segments, path) });
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

/** In place, without splitting: this runs for each route before the one that matches. */
function matchPath(template: readonly Segment[], path: string): Captures | null {
  // `*` (RFC 9112 §3.2.4) is no path.
  if (path.charCodeAt(0) !== slash) return null;
  let found: string[] | null = null;
  let start = 1;
  for (let at = 0; at < template.length; at++) {
    if (start > path.length) return null;
    const expected = template[at]!;
    const next = path.indexOf('/', start);
    const end = next < 0 ? path.length : next;
    if (expected.kind === 'literal') {
      if (end - start !== expected.text.length || !path.startsWith(expected.text, start)) return null;
    } else {
      if (end === start) return null;
      found ??= [];
      found.push(path.slice(start, expected.kind === 'rest' ? path.length : end));
      if (expected.kind === 'rest') return found;
    }
    start = end + 1;
  }
  return start === path.length + 1 ? (found ?? noCaptures) : null;
}
