// What a certificate must be to sign in a chain (RFC 5280 §6.1, X509-SVID §4 for signing certificates). Applied to each
// intermediate and to the authority that ends the chain.

import { keyUsageBit } from './certificate-extensions.ts';
import type { CertificateFacts } from './certificate-facts.ts';
import { keyWeakness, signatureWeakness } from './certificate-strength.ts';
import type { GeneralName } from './general-name.ts';
import { type PeerRole, purposeFits, uriSans, validityRefusal } from './leaf-rules.ts';
import { constrainedName } from './name-constraints.ts';
import { type Refusal, type RefusalCause, refusal } from './refusal-causes.ts';
import { shown } from './shown-text.ts';
import { SpiffeId, spiffeIdFault } from './spiffe-id.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Where the signer stands. */
export interface SignerPlace {
  /** What it signs for, leaf first; at least the leaf. */
  readonly below: readonly CertificateFacts[];
  readonly trustDomain: TrustDomain;
  readonly role: PeerRole;
  /** True for the bundle's own entry, whose signature nobody relies on. */
  readonly isAuthority: boolean;
}

/** The first reason against the signer in its place, but for its validity; null where there is none. */
export function signerRefusal(signer: CertificateFacts, place: SignerPlace): Refusal | null {
  return (
    ownRefusal(signer, place.role, place.isAuthority) ??
    spiffeIdRefusal(signer, place.trustDomain) ??
    pathLengthRefusal(signer, place.below) ??
    constraintRefusal(signer, place.below)
  );
}

/** The reason against the signer's validity at `nowMs`, or null. */
export function signerValidityRefusal(signer: CertificateFacts, nowMs: number): Refusal | null {
  const found = validityRefusal(signer, nowMs);
  if (found === null) return null;
  const cause = found.cause === 'expired' ? 'issuer_expired' : 'issuer_not_yet_valid';
  return refusal(cause, `CA ${shown(signer.subject)}: ${found.detail}`);
}

function ownRefusal(signer: CertificateFacts, role: PeerRole, isAuthority: boolean): Refusal | null {
  const named = (cause: RefusalCause, what: string) => refusal(cause, `CA ${shown(signer.subject)}: ${what}`);
  if (!signer.isCa) return named('issuer_not_ca', 'it is not a CA');
  // RFC 5280 §4.2.1.9: where key usage is present, a CA needs keyCertSign.
  if (signer.keyUsage !== null && (signer.keyUsage & keyUsageBit.keyCertSign) === 0) {
    return named('issuer_key_usage', 'its key usage lacks keyCertSign');
  }
  if (!purposeFits(signer, role))
    return named('issuer_extended_key_usage', `its extended key usage does not fit a ${role}`);
  if (signer.unknownCritical.length > 0) {
    const what = `critical extension ${signer.unknownCritical.join(', ')} is not understood`;
    return named('issuer_unknown_critical_extension', what);
  }
  const weakKey = keyWeakness(signer);
  if (weakKey !== null) return named('issuer_key_weak', weakKey);
  const weakSignature = isAuthority ? null : signatureWeakness(signer);
  return weakSignature === null ? null : named('issuer_signature_weak', weakSignature);
}

// X509-SVID §2: a signing certificate may bear the ID of its trust domain, and then vouches for no other.
function spiffeIdRefusal(signer: CertificateFacts, trustDomain: TrustDomain): Refusal | null {
  const uris = uriSans(signer);
  const named = (what: string) => refusal('issuer_spiffe_id', `CA ${shown(signer.subject)}: ${what}`);
  if (uris.length > 1) return named(`it has ${uris.length} URI SANs`);
  const [uri] = uris;
  if (uri === undefined) return null;
  const fault = spiffeIdFault(uri);
  if (fault !== null) return named(`its URI SAN ${shown(uri)} ${fault}`);
  const id = SpiffeId.parse(uri);
  if (id.path !== '') return named(`its SPIFFE ID ${shown(uri)} has a path`);
  return id.trustDomain.equals(trustDomain)
    ? null
    : named(`it is of trust domain ${id.trustDomain}, not ${trustDomain}`);
}

// RFC 5280 §6.1.4 (l): self-issued intermediates do not count.
function pathLengthRefusal(signer: CertificateFacts, below: readonly CertificateFacts[]): Refusal | null {
  const counted = below.slice(1).filter((facts) => facts.subjectDer !== facts.issuerDer).length;
  if (signer.pathLength === null || counted <= signer.pathLength) return null;
  const what = `CA ${shown(signer.subject)} allows ${signer.pathLength} CAs below it, the chain has ${counted}`;
  return refusal('path_length_exceeded', what);
}

// RFC 5280 §6.1.3 (b), (c): self-issued certificates other than the leaf are exempt.
function constraintRefusal(signer: CertificateFacts, below: readonly CertificateFacts[]): Refusal | null {
  const constraints = signer.nameConstraints;
  if (constraints === null) return null;
  for (const [at, facts] of below.entries()) {
    if (at > 0 && facts.subjectDer === facts.issuerDer) continue;
    const name = constrainedName(constraints, namesOf(facts));
    if (name !== null)
      return refusal(
        'name_constraint',
        `CA ${shown(signer.subject)} may not issue for ${name.kind} ${shown(name.text)}`,
      );
  }
  return null;
}

const emptyNameDer = '3000';

function namesOf(facts: CertificateFacts): GeneralName[] {
  const names = [...(facts.subjectAltNames ?? [])];
  if (facts.subjectDer !== emptyNameDer) names.push({ kind: 'directory', text: facts.subjectDer });
  return names;
}
