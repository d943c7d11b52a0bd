// HOT PATH (npm run bench). The one form of a path that is decided on and forwarded (wire.md "Path").

import { canonicalizePath } from '../wire/canonical-path.ts';
import type { InboundOptions } from './inbound-options.ts';

/** Null where there is no safe form, or where `reject` wants the raw form to be it. `*` is for OPTIONS (RFC 9112 §3.2.4). */
export function acceptedPath(raw: string, normalization: InboundOptions['pathNormalization']): string | null {
  if (raw === '*') return raw;
  let canonical: string;
  try {
    canonical = canonicalizePath(raw);
  } catch {
    return null;
  }
  return canonical !== raw && normalization === 'reject' ? null : canonical;
}
