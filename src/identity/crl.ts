// Certificate revocation lists (RFC 5280 §5), read with the strict DER reader: a list may hold hundreds of thousands of
// rows, which a general ASN.1 library turns into as many objects. Rows are found by serial and read when asked for.

import { createHash } from 'node:crypto';
import { isPosternError } from '../errors.ts';
import { atOnce, type Steps } from '../lib/steps.ts';
import { type Extension, extensionTable, readAuthorityKeyId } from './certificate-extensions.ts';
import { readSignatureAlgorithm } from './certificate-facts.ts';
import { signatureWeakness } from './certificate-strength.ts';
import { crlFault, indexRows, type RevokedRow } from './crl-rows.ts';
import { type DerElement, derChildren, derContent, derHex, derTag, expectTag, malformed, readDer } from './der.ts';
import { readTimeMs } from './der-values.ts';
import { formatDistinguishedName } from './distinguished-name.ts';

/** A complete list of one CA, read but not verified. Immutable. */
export interface Crl {
  /** DER of the name, hex; for comparison. */
  readonly issuerDer: string;
  /** RFC 4514 text, escaped. */
  readonly issuer: string;
  /** Lower-case hex. */
  readonly authorityKeyId: string | null;
  /** What part of the certificates of the CA it is for (issuing distribution point, DER hex); empty: all. */
  readonly scope: string;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly signatureAlgorithm: string;
  readonly pssDigest: string | null;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** Of the whole list, lower-case hex. */
  readonly fingerprintSha256: string;
  readonly size: number;
  /** The row of a serial (hex, as certificates have it); null: it is not revoked by this list. */
  rowOf(serial: string): RevokedRow | null;
}

const extensionId = {
  number: '2.5.29.20',
  deltaIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  authorityKeyId: '2.5.29.35',
} as const;

const processed: readonly string[] = [
  extensionId.number,
  extensionId.issuingDistributionPoint,
  extensionId.authorityKeyId,
];

/** `file` is the name for messages. @throws PosternError ERR_CRL_INVALID naming what cannot be used */
export function parseCrl(der: Uint8Array, file: string): Crl {
  return atOnce(crlInSteps(der, file));
}

/** As `parseCrl`, in steps. */
export function* crlInSteps(der: Uint8Array, file: string): Steps<Crl> {
  try {
    return yield* readCrl(der, file);
  } catch (error) {
    if (!isPosternError(error, 'ERR_CERTIFICATE_MALFORMED')) throw error;
    const what = error.message.replace(/^the certificate is not strict DER: /, '');
    throw crlFault(file, `is not a readable CRL: ${what}`);
  }
}

function* readCrl(der: Uint8Array, file: string): Steps<Crl> {
  const [tbs, algorithm, signature, ...rest] = derChildren(readDer(der), derTag.sequence);
  const fields = readFields(expectTag(tbs, derTag.sequence));
  const signed = expectTag(algorithm, derTag.sequence);
  // RFC 5280 §5.1.1.2: the inner and outer algorithm are the same.
  if (rest.length > 0 || derHex(fields.algorithm) !== derHex(signed)) throw malformed('its frame is out of form');
  const { signatureAlgorithm, pssDigest } = readSignatureAlgorithm(signed);
  const weakness = signatureWeakness({ signatureAlgorithm, pssDigest });
  if (weakness !== null) throw crlFault(file, `cannot be relied on: ${weakness}`, 'sign it with SHA-256 or better');
  if (fields.nextUpdate === undefined) {
    throw crlFault(file, 'says no nextUpdate', 'issue it with one (RFC 5280 5.1.2.5)');
  }
  const rows = yield* indexRows(fields.revoked, file);
  yield;
  return Object.freeze({
    issuerDer: derHex(fields.issuer),
    issuer: formatDistinguishedName(fields.issuer),
    ...readListExtensions(fields.extensions, file),
    thisUpdateMs: readTimeMs(fields.thisUpdate),
    nextUpdateMs: readTimeMs(fields.nextUpdate),
    signatureAlgorithm,
    pssDigest,
    signedBytes: der.subarray(fields.start, fields.end),
    signature: signatureBytes(expectTag(signature, derTag.bitString)),
    fingerprintSha256: createHash('sha256').update(der).digest('hex'),
    ...rows,
  });
}

function signatureBytes(element: DerElement): Uint8Array {
  const content = derContent(element);
  if (content[0] !== 0) throw malformed('its signature is no whole number of bytes');
  return content.subarray(1);
}

interface CrlFields {
  readonly start: number;
  readonly end: number;
  readonly algorithm: DerElement;
  readonly issuer: DerElement;
  readonly thisUpdate: DerElement;
  readonly nextUpdate: DerElement | undefined;
  readonly revoked: DerElement | undefined;
  readonly extensions: DerElement | undefined;
}

/** RFC 5280 §5.1.2; a list of version 1 has no version field and no extensions, and `openssl ca` makes it by default. */
function readFields(tbs: DerElement): CrlFields {
  const fields = derChildren(tbs);
  const take = (...tags: number[]): DerElement | undefined =>
    fields[0] !== undefined && tags.includes(fields[0].tag) ? fields.shift() : undefined;
  const version = take(derTag.integer);
  if (version !== undefined && derHex(version) !== '020101') throw malformed('it is not of version 1 or 2');
  const algorithm = expectTag(fields.shift(), derTag.sequence);
  const issuer = expectTag(fields.shift(), derTag.sequence);
  const thisUpdate = fields.shift();
  if (thisUpdate === undefined) throw malformed('it says no thisUpdate');
  const nextUpdate = take(derTag.utcTime, derTag.generalizedTime);
  const revoked = take(derTag.sequence);
  const extensions = version === undefined ? undefined : take(0xa0);
  if (fields.length > 0) throw malformed('a field is unknown or out of order');
  return { start: tbs.start, end: tbs.end, algorithm, issuer, thisUpdate, nextUpdate, revoked, extensions };
}

/** A list that is not complete, or that speaks for other CAs, is refused: it would revoke less than it seems to. */
function readListExtensions(field: DerElement | undefined, file: string): Pick<Crl, 'authorityKeyId' | 'scope'> {
  const table: ReadonlyMap<string, Extension> = field === undefined ? new Map() : extensionTable(field);
  if (table.has(extensionId.deltaIndicator)) throw crlFault(file, 'is a delta CRL', 'give the complete CRL of the CA');
  // RFC 5280 §5.2: a list with a critical extension that is not understood must not be used.
  const unknown = [...table.values()].find((one) => one.isCritical && !processed.includes(one.id));
  if (unknown !== undefined) throw crlFault(file, `has critical extension ${unknown.id}, which is not understood`);
  const point = table.get(extensionId.issuingDistributionPoint);
  const keyId = table.get(extensionId.authorityKeyId);
  return {
    authorityKeyId: keyId === undefined ? null : readAuthorityKeyId(readDer(keyId.value)),
    scope: point === undefined ? '' : scopeOf(readDer(point.value), file),
  };
}

// RFC 5280 §5.2.5: [4] is indirectCRL, absent where false.
function scopeOf(point: DerElement, file: string): string {
  const isIndirect = derChildren(point, derTag.sequence).some(({ tag }) => tag === 0x84);
  if (isIndirect) throw crlFault(file, 'is an indirect CRL', 'give the CRL that the CA itself signs');
  return derHex(point);
}
