// Templates over claims: `spiffe://ci.acme.com/github/{repository_owner}`. Claims are written by strangers, so a SPIFFE ID
// takes only what fits a path segment, never a part of the trust domain; what does not fit is refused, not changed.

import { PosternError } from '../../errors.ts';
import { shown } from '../shown-text.ts';
import { SpiffeId } from '../spiffe-id.ts';
import { type Claims, claimOf } from './compact-token.ts';

/** Longest value that an attribute takes from a claim, characters. */
const longestValue = 256;

/** A value with claims in it. */
export interface ClaimTemplate {
  /** The filled text; null where a claim is missing or no plain value. */
  fill(claims: Claims): string | null;
}

/** An ID with claims in its path. */
export interface IdTemplate {
  /** The ID, or the claim that is missing or does not fit. */
  fill(claims: Claims): SpiffeId | { readonly unfit: string };
}

type Part = { readonly text: string } | { readonly claim: string; readonly isDeep: boolean };

/** @throws PosternError ERR_IDENTITY_TOKENS */
export function compileClaimTemplate(text: string): ClaimTemplate {
  const parts = partsOf(text);
  return Object.freeze({
    fill: (claims: Claims) => {
      const values = parts.map((part) => ('text' in part ? part.text : plainValue(claims, part.claim)));
      if (values.some((value) => value === null)) return null;
      const filled = values.join('');
      return filled.length > 0 && filled.length <= longestValue && !/\p{Cc}/u.test(filled) ? filled : null;
    },
  });
}

/** @throws PosternError ERR_IDENTITY_TOKENS where no claims at all could make it an ID of a workload */
export function compileIdTemplate(text: string): IdTemplate {
  const parts = partsOf(text);
  const example = parts.map((part) => ('text' in part ? part.text : 'x')).join('');
  const authority = /^spiffe:\/\/([^/]*)\//.exec(text)?.[1];
  if (authority === undefined || authority.includes('{')) {
    throw invalid(text, 'has no fixed trust domain with a path', 'write spiffe://TRUST-DOMAIN/…/{claim}');
  }
  SpiffeId.parse(example);
  return Object.freeze({ fill: (claims: Claims) => fillId(parts, claims) });
}

/** A claim by name, or by names with `/` between: claims have dots in their names (`kubernetes.io/namespace`). */
export function claimAt(claims: Claims, path: string): unknown {
  const whole = claimOf(claims, path);
  if (whole !== undefined) return whole;
  let at: unknown = claims;
  for (const name of path.split('/')) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return undefined;
    at = claimOf(at as Claims, name);
  }
  return at;
}

function fillId(parts: readonly Part[], claims: Claims): SpiffeId | { readonly unfit: string } {
  let text = '';
  for (const part of parts) {
    if ('text' in part) {
      text += part.text;
      continue;
    }
    const value = plainValue(claims, part.claim);
    if (value === null || !(part.isDeep ? isPath(value) : isSegment(value))) return { unfit: part.claim };
    text += value;
  }
  try {
    return SpiffeId.parse(text);
  } catch {
    // Too long, or dots of text and claim that join to a dot segment.
    return { unfit: parts.flatMap((part) => ('claim' in part ? [part.claim] : [])).join(', ') };
  }
}

function plainValue(claims: Claims, path: string): string | null {
  const value = claimAt(claims, path);
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isSafeInteger(value)) ? `${value}` : null;
}

function isSegment(value: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(value) && value !== '.' && value !== '..';
}

function isPath(value: string): boolean {
  return value.split('/').every(isSegment);
}

function partsOf(text: string): readonly Part[] {
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  return parts.map((part) => {
    const name = /^\{([^{}]*?)(\.\.\.)?\}$/.exec(part);
    if (name === null && /[{}]/.test(part)) throw invalid(text, 'has a lone brace');
    if (name === null) return { text: part };
    if (name[1] === '') throw invalid(text, 'has braces without a claim in them');
    return { claim: name[1]!, isDeep: name[2] !== undefined };
  });
}

function invalid(text: string, what: string, mend?: string): PosternError {
  return new PosternError(
    'ERR_IDENTITY_TOKENS',
    `the template ${shown(text)} ${what}`,
    mend === undefined ? {} : { mend },
  );
}
