// Who a peer is, once OpenSSL has verified its chain. OpenSSL's anchors are one pool: a federated partner's CA could mint
// our identities. So the path is built again here, to an authority of the bundle of the leaf's own trust domain only.

import type { X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isPosternError } from '../errors.ts';
import type { BundleSet } from './bundle-set.ts';
import { type CertificateFacts, readCertificateFacts } from './certificate-facts.ts';
import { leafRefusals, leafSpiffeId, type PeerRole, soleUriSan } from './leaf-rules.ts';
import { type Refusal, type RefusalCause, refusal } from './refusal-causes.ts';
import { describeRevocation, type RevocationList } from './revocation-list.ts';
import { escapeText } from './shown-text.ts';
import type { SpiffeId } from './spiffe-id.ts';
import type { Authority } from './trust-bundle.ts';
import { findTrustPath, isSignedBy, longestPath } from './trust-path.ts';

/** A peer whose identity holds. Frozen. */
export interface VerifiedPeer {
  readonly id: SpiffeId;
  /** Upper-case hex. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** When the first certificate of its path ends, milliseconds; the identity holds no longer than that. */
  readonly trustedUntilMs: number;
  /** Lower-case hex. */
  readonly fingerprintSha256: string;
  /** Trust domain, issuer name and authority key identifier; escaped. */
  readonly issuer: string;
  /** SHA-256 of the bundle's authority that vouches for it, lower-case hex. */
  readonly authorityFingerprint: string;
}

/** `detail` and `shown` are for the operator; `shown` is the URI SAN as presented, escaped, where there is one. */
export type PeerVerdict =
  | { readonly ok: true; readonly peer: VerifiedPeer }
  | { readonly ok: false; readonly cause: RefusalCause; readonly detail: string; readonly shown: string | null };

export interface PeerChain {
  readonly leaf: X509Certificate;
  /** In any order; what else the peer sent does no harm. */
  readonly intermediates: readonly X509Certificate[];
  readonly bundles: BundleSet;
  readonly revocations: RevocationList;
  /** What the peer is in the handshake. */
  readonly role: PeerRole;
  readonly nowMs: number;
}

export interface PeerVerifierOptions {
  /** Verified chains that are remembered; 0 remembers none. */
  readonly cacheEntries: number;
}

export const peerVerifierDefaults: PeerVerifierOptions = Object.freeze({ cacheEntries: 4096 });

/** Judges a peer; the same call judges an open connection again under new bundles or at a later time. Never throws. */
export interface PeerVerifier {
  verify(chain: PeerChain): PeerVerdict;
}

interface Verified {
  readonly verdict: PeerVerdict & { readonly ok: true };
  /** From when and until when every certificate of the path is valid, without skew. */
  readonly path: readonly CertificateFacts[];
}

/** Makes a verifier with its own memory of chains that held; refusals are not remembered. */
export function createPeerVerifier(options: PeerVerifierOptions): PeerVerifier {
  const cache = options.cacheEntries > 0 ? new LRUCache<string, Verified>({ max: options.cacheEntries }) : null;
  return {
    verify(chain) {
      if (chain.intermediates.length > longestPath) return refused(refusal('chain_too_long'), null);
      const key = cacheKey(chain);
      const known = cache?.get(key);
      // A remembered path may have ended while another has not: outside its validity it is searched anew.
      if (known !== undefined && isCurrent(known.path, chain.nowMs)) return unlessRevoked(known, chain);
      const outcome = verifyChain(chain);
      if (!('path' in outcome)) return outcome;
      cache?.set(key, outcome);
      return unlessRevoked(outcome, chain);
    },
  };
}

/** Asked each time: a remembered path says nothing of what was revoked since. */
function unlessRevoked({ verdict, path }: Verified, chain: PeerChain): PeerVerdict {
  const { bundles, revocations, intermediates, nowMs } = chain;
  const { id } = verdict.peer;
  const row = revocations.ofPeer(id, path, nowMs);
  if (row !== null) return refused(refusal('revoked', describeRevocation(row)), id.toString());
  const authorities = bundles.get(id.trustDomain)?.authorities ?? [];
  const against = bundles.crls.refusalOf({ path, intermediates, authorities, nowMs });
  return against === null ? verdict : refused(against, id.toString());
}

function cacheKey(chain: PeerChain): string {
  const prints = chain.intermediates.map((one) => one.fingerprint256);
  return [chain.bundles.digest, chain.role, chain.leaf.fingerprint256, ...prints].join(' ');
}

function isCurrent(path: readonly CertificateFacts[], nowMs: number): boolean {
  return path.every((facts) => nowMs >= facts.notBeforeMs && nowMs <= facts.notAfterMs);
}

function verifyChain(chain: PeerChain): Verified | (PeerVerdict & { readonly ok: false }) {
  const leaf = readLeaf(chain.leaf);
  if ('cause' in leaf) return refused(leaf, null);
  const uri = soleUriSan(leaf.facts);
  const [against] = leafRefusals(leaf.facts, [chain.role], chain.nowMs);
  if (against !== undefined) return refused(against, uri);
  const id = leafSpiffeId(leaf.facts);
  const bundle = chain.bundles.get(id.trustDomain);
  if (bundle === undefined) return refused(unknownTrustDomain(id, chain.bundles), uri);
  const outcome = findTrustPath({ ...chain, leaf, bundle });
  if (outcome.ok) return { verdict: accepted(id, leaf.facts, outcome.path), path: outcome.path };
  return refused(foreignAuthority(chain, id, outcome.refusal) ?? outcome.refusal, uri);
}

function readLeaf(certificate: X509Certificate): Authority | Refusal {
  try {
    return { certificate, facts: readCertificateFacts(certificate) };
  } catch (error) {
    return refusal('certificate_malformed', isPosternError(error) ? error.message : undefined);
  }
}

function unknownTrustDomain(id: SpiffeId, bundles: BundleSet): Refusal {
  const known = bundles.trustDomains.join(', ');
  return refusal(
    'trust_domain_unknown',
    `there is no bundle for trust domain ${id.trustDomain}; there are ${known || 'none'}`,
  );
}

/** Says so where the chain ends at an authority of another trust domain: an attack, or a mix-up worth naming. */
function foreignAuthority(chain: PeerChain, id: SpiffeId, found: Refusal): Refusal | null {
  if (found.cause !== 'authority_unknown') return null;
  const shownCertificates = [chain.leaf, ...chain.intermediates];
  for (const bundle of chain.bundles.bundles) {
    if (bundle.trustDomain.equals(id.trustDomain)) continue;
    const isIssuer = (one: Authority) => shownCertificates.some((child) => isSignedBy(child, one.certificate));
    if (!bundle.authorities.some(isIssuer)) continue;
    const what = `its chain ends at an authority of trust domain ${bundle.trustDomain}, which may not vouch for ${id.trustDomain}`;
    return refusal('authority_of_other_trust_domain', what);
  }
  return null;
}

function accepted(id: SpiffeId, leaf: CertificateFacts, path: readonly CertificateFacts[]): PeerVerdict & { ok: true } {
  const authority = path[path.length - 1]!;
  const keyId = leaf.authorityKeyId ?? path[1]!.subjectKeyId ?? '';
  return Object.freeze({
    ok: true,
    peer: Object.freeze({
      id,
      serial: leaf.serial,
      notBeforeMs: leaf.notBeforeMs,
      notAfterMs: leaf.notAfterMs,
      trustedUntilMs: Math.min(...path.map((facts) => facts.notAfterMs)),
      fingerprintSha256: leaf.fingerprintSha256,
      issuer: `${id.trustDomain}; ${leaf.issuer}; aki=${keyId}`,
      authorityFingerprint: authority.fingerprintSha256,
    }),
  });
}

function refused({ cause, detail }: Refusal, uri: string | null): PeerVerdict & { ok: false } {
  return Object.freeze({ ok: false, cause, detail, shown: uri === null ? null : escapeText(uri) });
}
