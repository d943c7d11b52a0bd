// Whether a CA signed a certificate revocation list (RFC 5280 §6.3.3 (f), (g)): by its name, its key identifier, its right
// to sign lists, and its key.

import { constants, verify, type X509Certificate } from 'node:crypto';
import { keyUsageBit } from './certificate-extensions.ts';
import type { CertificateFacts } from './certificate-facts.ts';
import { keyWeakness } from './certificate-strength.ts';
import type { Crl } from './crl.ts';

/** A CA, as far as a list needs it. */
export interface CrlSigner {
  readonly certificate: X509Certificate;
  readonly facts: CertificateFacts;
}

/** Digests by the object identifier of a signature algorithm, or of the digest itself for RSASSA-PSS; null: none apart. */
const digests: ReadonlyMap<string, string | null> = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
  ['1.3.101.112', null],
]);

/** True where the list names this CA as its issuer, and does not name another key. */
export function isNamedIssuer(crl: Crl, { subjectDer, subjectKeyId }: CertificateFacts): boolean {
  if (crl.issuerDer !== subjectDer) return false;
  return crl.authorityKeyId === null || subjectKeyId === null || crl.authorityKeyId === subjectKeyId;
}

/** True where this CA may sign lists and signed this one. */
export function isCrlOf(crl: Crl, { certificate, facts }: CrlSigner): boolean {
  if (!isNamedIssuer(crl, facts) || keyWeakness(facts) !== null) return false;
  if (facts.keyUsage !== null && (facts.keyUsage & keyUsageBit.cRLSign) === 0) return false;
  const digest = digests.get(crl.pssDigest ?? crl.signatureAlgorithm);
  if (digest === undefined) return false;
  const padding = crl.pssDigest === null ? {} : pss;
  try {
    return verify(digest, crl.signedBytes, { key: certificate.publicKey, ...padding }, crl.signature);
  } catch {
    return false; // the key is of another type than the signature, or unusable
  }
}

const pss = Object.freeze({
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_AUTO,
});
