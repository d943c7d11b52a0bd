// An identity as `GET /identity` and `postern identity show` tell it: plain data, no secrets.

import { isoTime } from './iso-time.ts';
import type { IdentitySnapshot } from './source.ts';
import type { Authority, TrustBundle } from './trust-bundle.ts';

/** Times are RFC 3339 UTC. */
export interface IdentityView {
  readonly revision: number;
  readonly svid: {
    readonly spiffe_id: string;
    readonly serial: string;
    readonly fingerprint_sha256: string;
    readonly issuer: string;
    readonly not_before: string;
    readonly not_after: string;
    readonly expires_in_s: number;
    readonly chain_length: number;
  };
  readonly bundles: readonly BundleView[];
}

export interface BundleView {
  readonly trust_domain: string;
  /** True for the trust domain of the own SVID. */
  readonly own: boolean;
  readonly authorities: readonly AuthorityView[];
}

export interface AuthorityView {
  readonly subject: string;
  readonly fingerprint_sha256: string;
  readonly not_after: string;
  readonly expired: boolean;
  /** Other trust domains that list the same authority: each of them can vouch for this one's identities. */
  readonly shared_with: readonly string[];
}

/** Describes a snapshot at a time. */
export function describeIdentity({ revision, svid, bundles }: IdentitySnapshot, nowMs: number): IdentityView {
  const all = bundles.bundles;
  return {
    revision,
    svid: {
      spiffe_id: svid.id.toString(),
      serial: svid.serial,
      fingerprint_sha256: svid.fingerprintSha256,
      issuer: svid.issuer,
      not_before: isoTime(svid.notBeforeMs),
      not_after: isoTime(svid.notAfterMs),
      expires_in_s: Math.floor((svid.notAfterMs - nowMs) / 1000),
      chain_length: svid.certificates.length,
    },
    bundles: all.map((bundle) => ({
      trust_domain: bundle.trustDomain.name,
      own: bundle.trustDomain.equals(svid.id.trustDomain),
      authorities: bundle.authorities.map((authority) => describeAuthority(authority, { bundle, all, nowMs })),
    })),
  };
}

function describeAuthority(
  { facts }: Authority,
  { bundle, all, nowMs }: { bundle: TrustBundle; all: readonly TrustBundle[]; nowMs: number },
): AuthorityView {
  const isShared = (other: TrustBundle) =>
    other !== bundle && other.authorities.some((one) => one.facts.fingerprintSha256 === facts.fingerprintSha256);
  return {
    subject: facts.subject,
    fingerprint_sha256: facts.fingerprintSha256,
    not_after: isoTime(facts.notAfterMs),
    expired: facts.notAfterMs < nowMs,
    shared_with: all.filter(isShared).map((other) => other.trustDomain.name),
  };
}
