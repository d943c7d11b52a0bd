// The own identity as `GET /identity` and `postern identity show` tell it: plain data, no secrets.

import type { IdentityAttributes } from './attributes.ts';
import { isoTime } from './iso-time.ts';
import type { JwtBundles } from './jwt-bundle.ts';
import type { IdentitySnapshot, IdentityStatus } from './source.ts';
import type { Authority, TrustBundle } from './trust-bundle.ts';
import { describeTrust, type TrustView } from './trust-view.ts';

/** Times are RFC 3339 UTC. */
export interface IdentityView {
  readonly spiffe_id: string;
  readonly trust_domain: string;
  /** What policy would see in it. */
  readonly attributes: AttributesView;
  readonly serial: string;
  readonly fingerprint_sha256: string;
  readonly issuer: string;
  readonly not_before: string;
  readonly not_after: string;
  /** Seconds; negative once it is over. */
  readonly expires_in_s: number;
  readonly chain_length: number;
  readonly revision: number;
  readonly source: IdentitySourceView;
  readonly bundles: readonly BundleView[];
}

/** Null is missing. */
export interface AttributesView {
  readonly namespace: string | null;
  readonly service_account: string | null;
  readonly environment: string | null;
  readonly attestation: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** Where the identity comes from, with bundle endpoints and revocation lists. */
export interface IdentitySourceView extends TrustView {
  /** The word of the configuration. */
  readonly kind: string;
  /** Address of the agent; null for the other sources. */
  readonly endpoint: string | null;
  readonly last_update: string;
  /** Null where whoever writes the files decides. */
  readonly next_rotation: string | null;
  /** Of the agent: whether each stands. */
  readonly streams: Readonly<Record<string, boolean>>;
  /** What is wrong with the agent now. */
  readonly fault: string | null;
  /** Key ids of the JWT authorities by trust domain. */
  readonly jwt_authorities: Readonly<Record<string, readonly string[]>>;
}

export interface BundleView {
  readonly trust_domain: string;
  /** True for the trust domain of the own SVID. */
  readonly own: boolean;
  readonly authorities: readonly AuthorityView[];
}

export interface AuthorityView {
  readonly subject: string;
  readonly serial: string;
  readonly fingerprint_sha256: string;
  readonly not_after: string;
  readonly expired: boolean;
  /** Other trust domains that list the same authority: each of them can vouch for this one's identities. */
  readonly shared_with: readonly string[];
}

/** What is known of the own identity at one moment. */
export interface DescribedIdentity {
  readonly snapshot: IdentitySnapshot;
  readonly status: IdentityStatus;
  readonly jwtBundles: JwtBundles;
  readonly attributes: IdentityAttributes;
}

/** Describes it at a time. */
export function describeIdentity(described: DescribedIdentity, nowMs: number): IdentityView {
  const { revision, svid, bundles } = described.snapshot;
  const all = bundles.bundles;
  return {
    spiffe_id: svid.id.toString(),
    trust_domain: svid.id.trustDomain.name,
    attributes: describeAttributes(described.attributes),
    serial: svid.serial,
    fingerprint_sha256: svid.fingerprintSha256,
    issuer: svid.issuer,
    not_before: isoTime(svid.notBeforeMs),
    not_after: isoTime(svid.notAfterMs),
    expires_in_s: Math.floor((svid.notAfterMs - nowMs) / 1000),
    chain_length: svid.certificates.length,
    revision,
    source: describeSource(described, nowMs),
    bundles: all.map((bundle) => ({
      trust_domain: bundle.trustDomain.name,
      own: bundle.trustDomain.equals(svid.id.trustDomain),
      authorities: bundle.authorities.map((authority) => describeAuthority(authority, { bundle, all, nowMs })),
    })),
  };
}

/** The attributes of an identity, as policy names them. */
export function describeAttributes(attributes: IdentityAttributes): AttributesView {
  return {
    namespace: attributes.namespace ?? null,
    service_account: attributes.serviceAccount ?? null,
    environment: attributes.environment ?? null,
    attestation: attributes.attestation ?? null,
    labels: Object.fromEntries(attributes.labels),
  };
}

function describeSource({ status, jwtBundles }: DescribedIdentity, nowMs: number): IdentitySourceView {
  const { source: kind, endpoint, lastUpdateMs, nextRotationMs, streams, fault } = status;
  const keyIds = [...jwtBundles].map(([name, bundle]) => [name, bundle.authorities.map((one) => one.keyId)]);
  return {
    kind,
    endpoint,
    last_update: isoTime(lastUpdateMs),
    next_rotation: nextRotationMs === null ? null : isoTime(nextRotationMs),
    streams: Object.fromEntries(streams.map(({ name, isUp }) => [name, isUp])),
    fault: fault?.message ?? null,
    jwt_authorities: Object.fromEntries(keyIds),
    ...describeTrust(status, nowMs),
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
    serial: facts.serial,
    fingerprint_sha256: facts.fingerprintSha256,
    not_after: isoTime(facts.notAfterMs),
    expired: facts.notAfterMs < nowMs,
    shared_with: all.filter(isShared).map((other) => other.trustDomain.name),
  };
}
