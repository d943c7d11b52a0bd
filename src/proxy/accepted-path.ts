// HOT PATH (npm run bench). The one form of a path that is decided on and forwarded (wire.md "Path").

import { canonicalizePath } from '../wire/canonical-path.ts';
import type { ListenerOptions } from './inbound-options.ts';

/**
 * Null where there is no safe form, where `reject` wants the raw form to be it, or where parameters are refused. `*` is
 * for OPTIONS (RFC 9112 §3.2.4).
 */
export function acceptedPath(
  raw: string,
  rules: Pick<ListenerOptions, 'pathNormalization' | 'pathParameters'>,
): string | null {
  if (raw === '*') return raw;
  let canonical: string;
  try {
    canonical = canonicalizePath(raw);
  } catch {
    return null;
  }
  if (canonical !== raw && rules.pathNormalization === 'reject') return null;
  return rules.pathParameters === 'reject' && hasParameter(canonical) ? null : canonical;
}

/** `;` begins a parameter (RFC 3986 §3.3). Servlet containers cut it off, some of them after decoding. */
function hasParameter(canonical: string): boolean {
  return canonical.includes(';') || canonical.includes('%3B');
}
