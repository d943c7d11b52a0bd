// What Postern reads of a certificate (RFC 5280 §4), as plain data, from its DER and never from the text forms that
// node:crypto makes: those join several names into one string that a crafted SAN can imitate.

import { createHash, type X509Certificate } from 'node:crypto';
import { type CertificateExtensions, readExtensions } from './certificate-extensions.ts';
import { type DerElement, derChildren, derContent, derHex, derTag, expectTag, malformed, readDer } from './der.ts';
import { readObjectId, readTimeMs } from './der-values.ts';
import { formatDistinguishedName } from './distinguished-name.ts';

/** Key type and size, as node:crypto tells them. */
export interface PublicKeyFacts {
  /** `rsa`, `rsa-pss`, `ec`, `ed25519`, …; `unknown` where node:crypto cannot read the key. */
  readonly type: string;
  /** Modulus length of RSA keys, bits. */
  readonly bits: number | null;
  /** OpenSSL's name of the curve, such as `prime256v1`. */
  readonly curve: string | null;
}

/** A certificate read once. Frozen. */
export interface CertificateFacts extends CertificateExtensions {
  /** Upper-case hex as `openssl x509 -serial` prints it. */
  readonly serial: string;
  /** Lower-case hex without colons. */
  readonly fingerprintSha256: string;
  /** DER of the name, hex; for comparison. */
  readonly subjectDer: string;
  readonly issuerDer: string;
  /** RFC 4514 text, escaped; for people only. */
  readonly subject: string;
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Object identifier, and for RSASSA-PSS the one of its digest. */
  readonly signatureAlgorithm: string;
  readonly pssDigest: string | null;
  readonly publicKey: PublicKeyFacts;
}

const longestSerialBytes = 21;
const rsassaPss = '1.2.840.113549.1.1.10';
const contextTag = { version: 0xa0, issuerUniqueId: 0x81, subjectUniqueId: 0x82, extensions: 0xa3 } as const;

/**
 * Reads a certificate that node:crypto has already accepted.
 * @throws PosternError ERR_CERTIFICATE_MALFORMED for anything that is not plain DER of an X.509 v3 certificate
 */
export function readCertificateFacts(certificate: X509Certificate): CertificateFacts {
  const der = certificate.raw;
  const [tbs, algorithm, signature, ...rest] = derChildren(readDer(der), derTag.sequence);
  expectTag(signature, derTag.bitString);
  if (rest.length > 0) throw malformed('the outer sequence has more than three fields');
  const body = readBody(expectTag(tbs, derTag.sequence));
  const signed = expectTag(algorithm, derTag.sequence);
  // RFC 5280 §4.1.1.2: the inner and outer algorithm are the same, or the outer one could be swapped.
  if (derHex(body.algorithm) !== derHex(signed)) throw malformed('the two signature algorithms differ');
  return Object.freeze({
    serial: serialText(body.serial),
    fingerprintSha256: createHash('sha256').update(der).digest('hex'),
    subjectDer: derHex(body.subject),
    issuerDer: derHex(body.issuer),
    subject: formatDistinguishedName(body.subject),
    issuer: formatDistinguishedName(body.issuer),
    ...readValidity(body.validity),
    ...readSignatureAlgorithm(signed),
    publicKey: readPublicKey(certificate),
    ...readExtensions(body.extensions),
  });
}

interface CertificateBody {
  readonly serial: DerElement;
  readonly algorithm: DerElement;
  readonly issuer: DerElement;
  readonly validity: DerElement;
  readonly subject: DerElement;
  readonly extensions: DerElement | undefined;
}

function readBody(tbs: DerElement): CertificateBody {
  const fields = derChildren(tbs);
  const version = fields.shift();
  if (version?.tag !== contextTag.version || derHex(version) !== 'a003020102')
    throw malformed('it is not of version 3');
  const [serial, algorithm, issuer, validity, subject, publicKey, ...optional] = fields;
  expectTag(publicKey, derTag.sequence);
  const tags = optional.map((field) => field.tag);
  const order: number[] = [contextTag.issuerUniqueId, contextTag.subjectUniqueId, contextTag.extensions];
  const places = tags.map((tag) => order.indexOf(tag));
  if (places.some((place, at) => place < 0 || (at > 0 && place <= places[at - 1]!))) {
    throw malformed('a field is unknown, repeated or out of order');
  }
  return {
    serial: expectTag(serial, derTag.integer),
    algorithm: expectTag(algorithm, derTag.sequence),
    issuer: expectTag(issuer, derTag.sequence),
    validity: expectTag(validity, derTag.sequence),
    subject: expectTag(subject, derTag.sequence),
    extensions: optional.find((field) => field.tag === contextTag.extensions),
  };
}

// RFC 5280 §4.1.2.2: positive, at most 20 bytes (and a sign byte). A negative one would print like another, positive one in a record.
function serialText(serial: DerElement): string {
  const bytes = derContent(serial);
  const [first = 0xff, second = 0xff] = bytes;
  if (first > 0x7f || bytes.length > longestSerialBytes || (first === 0 && second < 0x80))
    throw malformed('the serial number is out of form');
  const hex = Buffer.from(bytes).toString('hex').toUpperCase();
  return first === 0 && bytes.length > 1 ? hex.slice(2) : hex;
}

function readValidity(validity: DerElement): { notBeforeMs: number; notAfterMs: number } {
  const [notBefore, notAfter, ...rest] = derChildren(validity);
  if (notBefore === undefined || notAfter === undefined || rest.length > 0)
    throw malformed('the validity is incomplete');
  return { notBeforeMs: readTimeMs(notBefore), notAfterMs: readTimeMs(notAfter) };
}

/** The algorithm of a signature, and for RSASSA-PSS that of its digest, as object identifiers. */
export function readSignatureAlgorithm(algorithm: DerElement): {
  signatureAlgorithm: string;
  pssDigest: string | null;
} {
  const [id, parameters] = derChildren(algorithm);
  const signatureAlgorithm = readObjectId(expectTag(id, derTag.objectId));
  return { signatureAlgorithm, pssDigest: signatureAlgorithm === rsassaPss ? readPssDigest(parameters) : null };
}

// RFC 4055 §3.1: [0] hashAlgorithm, absent means SHA-1.
function readPssDigest(parameters: DerElement | undefined): string | null {
  if (parameters?.tag !== derTag.sequence) return null;
  const hash = derChildren(parameters).find((field) => field.tag === 0xa0);
  const algorithm = hash === undefined ? undefined : derChildren(hash)[0];
  if (algorithm?.tag !== derTag.sequence) return null;
  return readObjectId(expectTag(derChildren(algorithm)[0], derTag.objectId));
}

function readPublicKey(certificate: X509Certificate): PublicKeyFacts {
  try {
    const key = certificate.publicKey;
    const details = key.asymmetricKeyDetails;
    return Object.freeze({
      type: key.asymmetricKeyType ?? 'unknown',
      bits: details?.modulusLength ?? null,
      curve: details?.namedCurve ?? null,
    });
  } catch {
    // An algorithm that OpenSSL does not know, or a point that is not on its curve: the leaf rules refuse `unknown`.
    return Object.freeze({ type: 'unknown', bits: null, curve: null });
  }
}
