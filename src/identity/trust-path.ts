// Finds a path from a leaf to an authority of one bundle (RFC 5280 §6.1), through what the peer sent. The search is
// bounded by length, steps and signature checks: what a peer sends must not decide how long a handshake takes.

import type { X509Certificate } from 'node:crypto';
import { type CertificateFacts, readCertificateFacts } from './certificate-facts.ts';
import type { PeerRole } from './leaf-rules.ts';
import { type Refusal, refusal } from './refusal-causes.ts';
import { shown } from './shown-text.ts';
import { signerRefusal, signerValidityRefusal } from './signer-rules.ts';
import type { Authority, TrustBundle } from './trust-bundle.ts';

/** Longest path with leaf and authority. */
export const longestPath = 8;

const mostSteps = 256;
const mostSignatureChecks = 64;

export interface PathRequest {
  readonly leaf: Authority;
  readonly intermediates: readonly X509Certificate[];
  readonly bundle: TrustBundle;
  readonly role: PeerRole;
  readonly nowMs: number;
}

/** Leaf first, authority last; or why there is no path. */
export type PathOutcome =
  | { readonly ok: true; readonly path: readonly CertificateFacts[] }
  | { readonly ok: false; readonly refusal: Refusal };

/** Searches depth first, authorities before intermediates, so that the shortest way up is found first. */
export function findTrustPath(request: PathRequest): PathOutcome {
  const search = new PathSearch(request);
  const path = search.from([request.leaf]);
  return path === null ? { ok: false, refusal: search.refusal() } : { ok: true, path: Object.freeze(path) };
}

/** True where `parent` signed `child`, whether it may sign or not. */
export function isSignedBy(child: X509Certificate, parent: X509Certificate): boolean {
  try {
    return child.verify(parent.publicKey);
  } catch {
    return false; // the key is of another type than the signature, or unusable
  }
}

// Names are compared by their bytes (RFC 5280 §7.1 lets issuers copy them); a key identifier rules out, it proves nothing.
function isNamedBy(child: CertificateFacts, signer: CertificateFacts): boolean {
  if (child.issuerDer !== signer.subjectDer) return false;
  return child.authorityKeyId === null || signer.subjectKeyId === null || child.authorityKeyId === signer.subjectKeyId;
}

class PathSearch {
  readonly #request: PathRequest;
  readonly #signatures = new Map<string, boolean>();
  readonly #intermediates: readonly Authority[];
  #unreadable: Refusal | null = null;
  #closest: Refusal | null = null;
  #steps = 0;
  #isExhausted = false;

  constructor(request: PathRequest) {
    this.#request = request;
    this.#intermediates = request.intermediates.map((one) => this.#read(one)).filter((one) => one !== null);
  }

  from(below: readonly Authority[]): CertificateFacts[] | null {
    if (this.#isExhausted) return null;
    if (below.length >= longestPath) {
      this.#closest ??= refusal('chain_too_long', `its chain has more than ${longestPath} certificates`);
      return null;
    }
    const candidates = [
      ...this.#request.bundle.authorities.map((signer) => ({ signer, isAuthority: true })),
      ...this.#intermediates.map((signer) => ({ signer, isAuthority: false })),
    ];
    for (const { signer, isAuthority } of candidates) {
      if (!this.#signs(signer, below, isAuthority)) continue;
      const up = [...below, signer];
      const path = isAuthority ? up.map((one) => one.facts) : this.from(up);
      if (path !== null) return path;
    }
    return null;
  }

  /** Why the search found nothing: the reason against the signer that came closest. */
  refusal(): Refusal {
    if (this.#isExhausted) return refusal('path_search_limit');
    const { leaf, bundle } = this.#request;
    const issuer = `issuer ${shown(leaf.facts.issuer)}, authority key ${leaf.facts.authorityKeyId ?? 'not named'}`;
    const unknown = `no authority of trust domain ${bundle.trustDomain} issued it (${issuer})`;
    return this.#closest ?? this.#unreadable ?? refusal('authority_unknown', unknown);
  }

  #signs(signer: Authority, below: readonly Authority[], isAuthority: boolean): boolean {
    const child = below[below.length - 1]!;
    if (!isNamedBy(child.facts, signer.facts) || below.includes(signer)) return false;
    if (++this.#steps > mostSteps) this.#isExhausted = true;
    if (this.#isExhausted || !this.#isSignedBy(child, signer)) return false;
    const { bundle, role, nowMs } = this.#request;
    const place = { below: below.map((one) => one.facts), trustDomain: bundle.trustDomain, role, isAuthority };
    const against = signerRefusal(signer.facts, place) ?? signerValidityRefusal(signer.facts, nowMs);
    this.#closest ??= against;
    return against === null;
  }

  #isSignedBy(child: Authority, parent: Authority): boolean {
    const edge = `${child.facts.fingerprintSha256} ${parent.facts.fingerprintSha256}`;
    const known = this.#signatures.get(edge);
    if (known !== undefined) return known;
    if (this.#signatures.size >= mostSignatureChecks) this.#isExhausted = true;
    const isSigned = !this.#isExhausted && isSignedBy(child.certificate, parent.certificate);
    this.#signatures.set(edge, isSigned);
    return isSigned;
  }

  // What cannot be read cannot be part of a path, but a path without it may exist.
  #read(certificate: X509Certificate): Authority | null {
    try {
      return { certificate, facts: readCertificateFacts(certificate) };
    } catch (error) {
      this.#unreadable ??= refusal('issuer_malformed', error instanceof Error ? error.message : undefined);
      return null;
    }
  }
}
