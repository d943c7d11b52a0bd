// The identity as the admin API shows it: names, serials and times, never a key.

import type { IdentitySnapshot } from '../identity/source.ts';
import type { Authority } from '../identity/trust-bundle.ts';
import type { BundleView, IdentityView } from './views.ts';

export function identityView(snapshot: IdentitySnapshot, nowMs: number): IdentityView {
  const { svid, bundles, revision } = snapshot;
  return {
    spiffe_id: svid.id.toString(),
    trust_domain: svid.id.trustDomain.name,
    serial: svid.serial,
    fingerprint_sha256: svid.fingerprintSha256,
    issuer: svid.issuer,
    not_before: new Date(svid.notBeforeMs).toISOString(),
    not_after: new Date(svid.notAfterMs).toISOString(),
    expires_in_s: Math.floor((svid.notAfterMs - nowMs) / 1_000),
    revision,
    bundles: bundles.bundles.map(
      ({ trustDomain, authorities }): BundleView => ({
        trust_domain: trustDomain.name,
        authorities: authorities.map(authorityView),
      }),
    ),
  };
}

function authorityView({ facts }: Authority): BundleView['authorities'][number] {
  return {
    subject: facts.subject,
    serial: facts.serial,
    not_after: new Date(facts.notAfterMs).toISOString(),
    fingerprint_sha256: facts.fingerprintSha256,
  };
}
