// How a new reading and the last good one become the next snapshot. SVID and each bundle keep their own last good value: a
// broken certificate must not hold up the removal of a CA, nor a partner's broken bundle the rotation of the own key.

import { isPosternError, PosternError } from '../errors.ts';
import { BundleSet } from './bundle-set.ts';
import type { Crl } from './crl.ts';
import { CrlSet } from './crl-set.ts';
import { createPeerVerifier } from './peer-verification.ts';
import { RevocationList } from './revocation-list.ts';
import type { IdentitySnapshot } from './source.ts';
import type { TrustBundle } from './trust-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';
import type { X509Svid } from './x509-svid.ts';

/** A part that was read, or why it could not be used. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: PosternError };

/** All parts of one reading; the own bundle is the first. */
export interface IdentityReading {
  readonly svid: Reading<X509Svid>;
  readonly ownBundle: (trustDomain: TrustDomain) => Reading<TrustBundle>;
  readonly federated: ReadonlyMap<string, Reading<TrustBundle>>;
  /** Revocation lists; absent where the source has none to give. */
  readonly crls?: Reading<readonly Crl[]>;
}

/** What follows: a snapshot where anything usable changed, the parts refused, and what works but should be looked at. */
export interface IdentityStep {
  readonly next: IdentitySnapshot | null;
  readonly refused: readonly PosternError[];
  readonly warnings: readonly PosternError[];
}

/** Runs `parse`; a coded fault becomes the reading, anything else is a defect and is thrown. */
export function readingOf<T>(parse: () => T): Reading<T> {
  try {
    return { ok: true, value: parse() };
  } catch (error) {
    if (isPosternError(error)) return { ok: false, error };
    throw error;
  }
}

/** The first snapshot: nothing is forgiven. @throws PosternError of the first part that cannot be used */
export function firstSnapshot(reading: IdentityReading, nowMs: number): IdentitySnapshot {
  const svid = goodOrThrow(reading.svid);
  const own = goodOrThrow(reading.ownBundle(svid.id.trustDomain));
  const crls = reading.crls?.ok ? reading.crls.value : [];
  const federated = [...reading.federated.values()].map(goodOrThrow);
  const bundles = new BundleSet([own, ...federated], crlSetOf(crls));
  const fault = unvouched(svid, bundles, nowMs);
  if (fault !== null) throw fault;
  return Object.freeze({ revision: 1, svid, bundles });
}

/** The step from `current` with a new reading. Never throws for what was read. */
export function nextStep(current: IdentitySnapshot, reading: IdentityReading, nowMs: number): IdentityStep {
  const refused: PosternError[] = [];
  let svid = reading.svid.ok ? reading.svid.value : current.svid;
  if (!reading.svid.ok) refused.push(reading.svid.error);
  let bundles = nextBundles(current, reading, svid.id.trustDomain, refused);
  if (bundles === null) {
    // A new trust domain without a usable bundle of its own: SVID and own bundle belong together.
    svid = current.svid;
    bundles = nextBundles(current, reading, svid.id.trustDomain, []) ?? current.bundles;
  }
  const fault = unvouched(svid, bundles, nowMs);
  const isNew = svid.fingerprintSha256 !== current.svid.fingerprintSha256;
  // A new SVID that nobody would accept is refused; yet the bundles hold, for a CA may have been removed in need.
  if (fault !== null && isNew) {
    refused.push(fault);
    svid = current.svid;
  }
  const warnings = [...(fault !== null && !isNew ? [fault] : []), ...emptyBundleWarnings(bundles)];
  const isChanged = !sameSvid(svid, current.svid) || !sameBundles(bundles, current.bundles);
  const next = isChanged ? Object.freeze({ revision: current.revision + 1, svid, bundles }) : null;
  return { next, refused, warnings };
}

/** Names each trust domain that withdrew all its keys (SPIFFE Trust Domain and Bundle §4.1.3): it works, but for nobody of it. */
export function emptyBundleWarnings(bundles: BundleSet): readonly PosternError[] {
  const empty = bundles.bundles.filter((bundle) => bundle.authorities.length === 0);
  return empty.map(
    ({ trustDomain }) =>
      new PosternError('ERR_TRUST_BUNDLE_EMPTY', `the bundle of ${trustDomain} has no X.509 authority`),
  );
}

function nextBundles(
  current: IdentitySnapshot,
  reading: IdentityReading,
  ownDomain: TrustDomain,
  refused: PosternError[],
): BundleSet | null {
  const own = reading.ownBundle(ownDomain);
  const kept = own.ok ? own.value : current.bundles.get(ownDomain);
  if (!own.ok) refused.push(own.error);
  if (kept === undefined) return null;
  const federated: TrustBundle[] = [];
  for (const [name, bundle] of reading.federated) {
    if (!bundle.ok) refused.push(bundle.error);
    const lastGood = current.bundles.bundles.find((one) => one.trustDomain.name === name);
    const usable = bundle.ok ? bundle.value : lastGood;
    if (usable !== undefined && name !== ownDomain.name) federated.push(usable);
  }
  if (reading.crls?.ok === false) refused.push(reading.crls.error);
  const crls = reading.crls?.ok ? crlSetOf(reading.crls.value) : current.bundles.crls;
  return new BundleSet([kept, ...federated], crls);
}

/** Strict, unless whoever joins it with the configuration says otherwise. */
function crlSetOf(crls: readonly Crl[]): CrlSet {
  return crls.length === 0 ? CrlSet.empty : new CrlSet(crls, 'refuse');
}

function sameBundles(a: BundleSet, b: BundleSet): boolean {
  return a.digest === b.digest && a.crls.digest === b.crls.digest;
}

/** ERR_SVID_UNVOUCHED where the own bundle would not accept the own SVID in one of its two roles. */
function unvouched(svid: X509Svid, bundles: BundleSet, nowMs: number): PosternError | null {
  const [leaf, ...intermediates] = svid.certificates;
  // Without revocation lists: whether the own SVID is revoked is for peers to judge.
  const authorities = new BundleSet(bundles.bundles);
  const verifier = createPeerVerifier({ cacheEntries: 0 });
  for (const role of ['server', 'client'] as const) {
    const verdict = verifier.verify({
      leaf: leaf!,
      intermediates,
      bundles: authorities,
      revocations: RevocationList.empty,
      role,
      nowMs,
    });
    if (verdict.ok) continue;
    const what = `the own certificate of ${svid.id} does not verify as a ${role}: ${verdict.detail} (${verdict.cause})`;
    return new PosternError('ERR_SVID_UNVOUCHED', what);
  }
  return null;
}

function sameSvid(a: X509Svid, b: X509Svid): boolean {
  return a.certChainPem === b.certChainPem && a.keyPem === b.keyPem;
}

function goodOrThrow<T>(reading: Reading<T>): T {
  if (!reading.ok) throw reading.error;
  return reading.value;
}
