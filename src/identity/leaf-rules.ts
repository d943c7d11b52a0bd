// What a leaf must be to count as an X509-SVID (X509-SVID §2, §4, §5 and wire.md). Each rule yields at most one refusal,
// so that `inspect` can show them all while verification stops at the first.

import { keyPurpose, keyUsageBit } from './certificate-extensions.ts';
import type { CertificateFacts } from './certificate-facts.ts';
import { keyWeakness, signatureWeakness } from './certificate-strength.ts';
import { isoTime } from './iso-time.ts';
import { type Refusal, refusal } from './refusal-causes.ts';
import { shown } from './shown-text.ts';
import { SpiffeId, spiffeIdFault } from './spiffe-id.ts';

/** What the owner of the certificate is in the handshake. */
export type PeerRole = 'client' | 'server';

/** How far a certificate may lie in the future, milliseconds; clocks differ. There is no such grace at its end. */
export const clockSkewMs = 60_000;

/** Every refusal of the leaf for the roles, most telling first; empty where it is a valid X509-SVID. */
export function leafRefusals(facts: CertificateFacts, roles: readonly PeerRole[], nowMs: number): readonly Refusal[] {
  const found = [
    spiffeIdRefusal(facts),
    facts.isCa ? refusal('leaf_is_ca') : null,
    ...keyUsageRefusals(facts),
    ...roles.map((role) => purposeRefusal(facts, role)),
    facts.unknownCritical.length === 0
      ? null
      : refusal(
          'unknown_critical_extension',
          `critical extension ${facts.unknownCritical.join(', ')} is not understood`,
        ),
    weaknessRefusal('key_weak', keyWeakness(facts)),
    weaknessRefusal('signature_weak', signatureWeakness(facts)),
    validityRefusal(facts, nowMs),
  ];
  return found.filter((one) => one !== null);
}

/** The one URI SAN as it stands, for messages; null where there is none or several. */
export function soleUriSan(facts: CertificateFacts): string | null {
  const uris = uriSans(facts);
  return uris.length === 1 ? uris[0]! : null;
}

/** The SPIFFE ID of a leaf without refusals. @throws PosternError ERR_SPIFFE_ID_INVALID where it has none */
export function leafSpiffeId(facts: CertificateFacts): SpiffeId {
  return SpiffeId.parse(soleUriSan(facts) ?? '');
}

/** The texts of all URI SANs. */
export function uriSans(facts: CertificateFacts): string[] {
  return (facts.subjectAltNames ?? []).filter((name) => name.kind === 'uri').map((name) => name.text);
}

/** Refuses outside the validity: the skew counts at its beginning only (wire.md). */
export function validityRefusal(facts: CertificateFacts, nowMs: number): Refusal | null {
  if (nowMs > facts.notAfterMs) return refusal('expired', `it expired at ${isoTime(facts.notAfterMs)}`);
  if (nowMs + clockSkewMs < facts.notBeforeMs) {
    return refusal('not_yet_valid', `it is valid only from ${isoTime(facts.notBeforeMs)}`);
  }
  return null;
}

/** True where the extended key usage is absent or holds what the role needs. */
export function purposeFits(facts: CertificateFacts, role: PeerRole): boolean {
  const wanted = role === 'client' ? keyPurpose.clientAuth : keyPurpose.serverAuth;
  return facts.extendedKeyUsage === null || facts.extendedKeyUsage.includes(wanted);
}

function spiffeIdRefusal(facts: CertificateFacts): Refusal | null {
  const uris = uriSans(facts);
  const [uri] = uris;
  if (uri === undefined || uris.length > 1) {
    return refusal('uri_san_count', `it has ${uris.length} URI SANs, an X509-SVID has exactly one`);
  }
  const fault = spiffeIdFault(uri);
  if (fault !== null) return refusal('spiffe_id_invalid', `its URI SAN ${shown(uri)} ${fault}`);
  if (SpiffeId.parse(uri).path !== '') return null;
  return refusal('spiffe_id_without_path', `its SPIFFE ID ${shown(uri)} names a trust domain and no workload`);
}

function keyUsageRefusals(facts: CertificateFacts): (Refusal | null)[] {
  const { keyUsage } = facts;
  if (keyUsage === null) return [refusal('key_usage_missing')];
  return [
    (keyUsage & keyUsageBit.digitalSignature) === 0 ? refusal('digital_signature_missing') : null,
    (keyUsage & (keyUsageBit.keyCertSign | keyUsageBit.cRLSign)) === 0 ? null : refusal('leaf_can_sign'),
  ];
}

function purposeRefusal(facts: CertificateFacts, role: PeerRole): Refusal | null {
  if (purposeFits(facts, role)) return null;
  const wanted = role === 'client' ? 'clientAuth' : 'serverAuth';
  return refusal('extended_key_usage', `its extended key usage lacks ${wanted}, which a ${role} needs`);
}

function weaknessRefusal(cause: 'key_weak' | 'signature_weak', weakness: string | null): Refusal | null {
  return weakness === null ? null : refusal(cause, weakness);
}
