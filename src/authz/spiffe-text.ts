// The characters of a SPIFFE ID (SPIFFE-ID §2), as far as literals and patterns of a policy need them. Peers' IDs are
// validated in src/identity, before policy.

const scheme = 'spiffe://';
const trustDomainText = /^[a-z0-9._-]{1,255}$/;
const segmentText = /^[A-Za-z0-9._-]+$/;
const patternSegmentText = /^[A-Za-z0-9._*\\-]+$/;

/** Longest SPIFFE ID, bytes (SPIFFE-ID §2.3). */
export const maxSpiffeIdBytes = 2048;

/** What is wrong with a SPIFFE ID, or with a pattern for one; null if nothing. */
export function spiffeTextFault(text: string, pattern: boolean): string | null {
  if (!text.startsWith(scheme)) return 'a SPIFFE ID starts with `spiffe://`';
  if (text.length > maxSpiffeIdBytes) return `a SPIFFE ID has at most ${maxSpiffeIdBytes} bytes`;
  const [trustDomain, ...segments] = text.slice(scheme.length).split('/');
  if (!trustDomainText.test(trustDomain!) && !(pattern && trustDomain!.includes('*'))) {
    return 'a trust domain has lower-case letters, digits, dots, dashes and underscores';
  }
  for (const segment of segments) {
    const fault = segmentFault(segment, pattern ? patternSegmentText : segmentText);
    if (fault !== null) return fault;
  }
  return null;
}

function segmentFault(segment: string, allowed: RegExp): string | null {
  if (segment === '') return 'a SPIFFE ID has no empty segment and does not end with `/`';
  if (segment === '.' || segment === '..') return 'a SPIFFE ID has no `.` or `..` segment';
  return allowed.test(segment) ? null : 'a path segment has letters, digits, dots, dashes and underscores';
}

/** The trust domain of a SPIFFE ID or of a pattern for one: all between the scheme and the first `/`. */
export function trustDomainOf(text: string): string {
  const end = text.indexOf('/', scheme.length);
  return text.slice(scheme.length, end < 0 ? text.length : end);
}

/** What a SPIFFE ID says by itself. The namespace only of paths that start with `/ns/<x>/` (policy.md 1.2). */
export interface SpiffeParts {
  readonly trustDomain: string;
  readonly path: string | undefined;
  readonly namespace: string | undefined;
}

/** Takes a SPIFFE ID apart; null if it is none. */
export function parseSpiffeText(text: string): SpiffeParts | null {
  if (spiffeTextFault(text, false) !== null) return null;
  const trustDomain = trustDomainOf(text);
  const path = text.slice(scheme.length + trustDomain.length);
  // Anchored: `/tenant/ns/evil/ns/payments/x` is in no namespace.
  const namespace = /^\/ns\/([^/]+)\//.exec(path)?.[1];
  return { trustDomain, path: path === '' ? undefined : path, namespace };
}
