// The identity as the admin API shows it: names, serials and times, never a key.

import type { IdentitySource } from '../identity/source.ts';
import type { Authority } from '../identity/trust-bundle.ts';
import { describeTrust } from '../identity/trust-view.ts';
import type { BundleView, IdentitySourceView, IdentityView } from './views.ts';

/** What of a source is shown. */
export type ShownSource = Pick<IdentitySource, 'current' | 'status' | 'jwtBundles'>;

export function identityView(source: ShownSource, nowMs: number): IdentityView {
  const { svid, bundles, revision } = source.current;
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
    source: sourceView(source, nowMs),
    bundles: bundles.bundles.map(
      ({ trustDomain, authorities }): BundleView => ({
        trust_domain: trustDomain.name,
        authorities: authorities.map(authorityView),
      }),
    ),
  };
}

function sourceView({ status, jwtBundles }: ShownSource, nowMs: number): IdentitySourceView {
  const { source: kind, endpoint, lastUpdateMs, nextRotationMs, streams, fault } = status;
  const keyIds = [...jwtBundles.current].map(([name, bundle]) => [name, bundle.authorities.map((one) => one.keyId)]);
  return {
    kind,
    endpoint,
    last_update: new Date(lastUpdateMs).toISOString(),
    next_rotation: nextRotationMs === null ? null : new Date(nextRotationMs).toISOString(),
    streams: Object.fromEntries(streams.map(({ name, isUp }) => [name, isUp])),
    fault: fault?.message ?? null,
    jwt_authorities: Object.fromEntries(keyIds),
    ...describeTrust(status, nowMs),
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
