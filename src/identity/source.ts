// Where an identity comes from, and what one moment of it holds. A snapshot is whole and validated, or not published.

import type { Latest } from '../lib/latest.ts';
import type { BundleSet } from './bundle-set.ts';
import type { X509Svid } from './x509-svid.ts';

/** Own SVID and the trust bundles at one moment. Frozen. */
export interface IdentitySnapshot {
  /** Rises with every published snapshot of a source. */
  readonly revision: number;
  readonly svid: X509Svid;
  readonly bundles: BundleSet;
}

/** A source that keeps the last good snapshot until a better one is validated. */
export interface IdentitySource extends Latest<IdentitySnapshot> {
  /** Reads again at once; resolves when the outcome is published or refused. Rejects with the reason of a refusal. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}
