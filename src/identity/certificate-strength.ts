// Which keys and signatures are strong enough (wire.md: RSA from 2048 bits, P-256, P-384, Ed25519; SHA-256 or better).
// OpenSSL's own floor depends on its security level, so it is not relied on.

import type { CertificateFacts } from './certificate-facts.ts';

const leastRsaBits = 2048;
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1']);

const strongDigests: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1', // SHA-256
  '2.16.840.1.101.3.4.2.2', // SHA-384
  '2.16.840.1.101.3.4.2.3', // SHA-512
]);

const strongSignatures: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4', // ecdsa-with-SHA512
  '1.3.101.112', // Ed25519
]);

const rsassaPss = '1.2.840.113549.1.1.10';

/** What is wrong with the key, as words for a message; null where it is strong. */
export function keyWeakness(facts: CertificateFacts): string | null {
  const { type, bits, curve } = facts.publicKey;
  if (type === 'ed25519') return null;
  if (type === 'ec') return curve !== null && curves.has(curve) ? null : `its key is on curve ${curve ?? 'unknown'}`;
  if (type === 'rsa' || type === 'rsa-pss') {
    return bits !== null && bits >= leastRsaBits ? null : `its RSA key has ${bits ?? 'unknown'} bits`;
  }
  return `its key is of type ${type}`;
}

/** What is wrong with the algorithm that signed it; null where it is strong. */
export function signatureWeakness(facts: Pick<CertificateFacts, 'signatureAlgorithm' | 'pssDigest'>): string | null {
  const { signatureAlgorithm, pssDigest } = facts;
  if (strongSignatures.has(signatureAlgorithm)) return null;
  if (signatureAlgorithm === rsassaPss && pssDigest !== null && strongDigests.has(pssDigest)) return null;
  return `it is signed with algorithm ${signatureAlgorithm}${pssDigest === null ? '' : ` over ${pssDigest}`}`;
}
