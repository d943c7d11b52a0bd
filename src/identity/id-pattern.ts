// Patterns over SPIFFE IDs with captures: `spiffe://{environment}.acme.com/ns/{namespace}/{service}`. A capture is one whole
// label of the trust domain or one whole path segment, never more and never a part, so a value cannot reach over a border.

import { PosternError } from '../errors.ts';
import { shown } from './shown-text.ts';
import { type SpiffeId, spiffeIdFault } from './spiffe-id.ts';

type Part = { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'capture'; readonly name: string };

/** A compiled pattern. Frozen. */
export interface IdPattern {
  readonly labels: readonly Part[];
  readonly segments: readonly Part[];
  /** Names in use. */
  readonly captures: ReadonlySet<string>;
}

const scheme = 'spiffe://';
const captureForm = /^\{([^{}]*)\}$/;
const nameForm = /^(?:[a-z_][a-z0-9_]*|labels\.[A-Za-z0-9_][A-Za-z0-9_.-]*)$/;

/** True for what may stand between braces: a word, or `labels.` and a label name. */
export function isCaptureName(name: string): boolean {
  return nameForm.test(name) && name.length <= 64;
}

/** Compiles a pattern; `where` starts the message. @throws PosternError ERR_IDENTITY_ATTRIBUTES */
export function compileIdPattern(text: string, where: string): IdPattern {
  const captures = new Set<string>();
  if (!text.startsWith(scheme)) throw invalid(where, `match ${shown(text)} does not start with spiffe://`);
  const [trustDomain = '', ...segments] = text.slice(scheme.length).split('/');
  const pattern = Object.freeze({
    labels: Object.freeze(trustDomain.split('.').map((part) => compilePart(part, captures, where))),
    segments: Object.freeze(segments.map((part) => compilePart(part, captures, where))),
    captures,
  });
  // What it would match with every capture filled in must be a SPIFFE ID, or it could never match anything.
  const example = text.replaceAll(/\{[^{}]*\}/g, 'x');
  const fault = spiffeIdFault(example);
  if (fault !== null) throw invalid(where, `match ${shown(text)} ${fault}, so no ID can match it`);
  return pattern;
}

/** The captures by name, or null where the ID does not match. */
export function matchId(pattern: IdPattern, id: SpiffeId): ReadonlyMap<string, string> | null {
  const captured = new Map<string, string>();
  const labels = id.trustDomain.name.split('.');
  const segments = id.path === '' ? [] : id.path.slice(1).split('/');
  const isMatch = matchParts(pattern.labels, labels, captured) && matchParts(pattern.segments, segments, captured);
  return isMatch ? captured : null;
}

function matchParts(parts: readonly Part[], texts: readonly string[], captured: Map<string, string>): boolean {
  if (parts.length !== texts.length) return false;
  return parts.every((part, at) => {
    const text = texts[at]!;
    if (part.kind === 'literal') return part.text === text;
    captured.set(part.name, text);
    return text !== ''; // a trust domain such as `a..b` has an empty label
  });
}

function compilePart(text: string, captures: Set<string>, where: string): Part {
  const name = captureForm.exec(text)?.[1];
  if (name === undefined) {
    if (/[{}*]/.test(text)) throw invalid(where, `match has ${shown(text)}: a capture is one whole label or segment`);
    return Object.freeze({ kind: 'literal', text });
  }
  if (!isCaptureName(name))
    throw invalid(where, `match has the capture name ${shown(name)}`, 'use a-z, 0-9 and underscore, or labels.NAME');
  if (captures.has(name)) throw invalid(where, `match captures ${shown(name)} twice`);
  captures.add(name);
  return Object.freeze({ kind: 'capture', name });
}

function invalid(where: string, what: string, mend?: string): PosternError {
  return new PosternError('ERR_IDENTITY_ATTRIBUTES', `${where}: ${what}`, mend === undefined ? {} : { mend });
}
