// Trust bundles and verdicts in few words, for the tests of verification.

import type { X509Certificate } from 'node:crypto';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import type { Crl } from '../../src/identity/crl.ts';
import { CrlSet } from '../../src/identity/crl-set.ts';
import type { PeerRole } from '../../src/identity/leaf-rules.ts';
import { createPeerVerifier, type PeerVerdict } from '../../src/identity/peer-verification.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { createTrustBundle, type TrustBundle } from '../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import type { Made } from './workshop.ts';

/** A bundle of made CAs. */
export function bundleOf(trustDomain: string, ...authorities: Made[]): TrustBundle {
  return createTrustBundle(
    TrustDomain.parse(trustDomain),
    authorities.map((one) => one.certificate),
  );
}

export interface Judging {
  readonly via?: readonly (Made | X509Certificate)[];
  readonly role?: PeerRole;
  readonly nowMs?: number;
  readonly crls?: readonly Crl[];
}

/** The verdict on a leaf without any memory. */
export function judge(leaf: Made, bundles: readonly TrustBundle[], judging: Judging = {}): PeerVerdict {
  return createPeerVerifier({ cacheEntries: 0 }).verify({
    leaf: leaf.certificate,
    intermediates: (judging.via ?? []).map((one) => ('certificate' in one ? one.certificate : one)),
    bundles: new BundleSet(bundles, new CrlSet(judging.crls ?? [], 'refuse')),
    revocations: RevocationList.empty,
    role: judging.role ?? 'client',
    nowMs: judging.nowMs ?? Date.now(),
  });
}

/** The cause of a refusal, or `accepted`. */
export function outcome(verdict: PeerVerdict): string {
  return verdict.ok ? 'accepted' : verdict.cause;
}
