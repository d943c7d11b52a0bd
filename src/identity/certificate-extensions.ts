// The extensions that decide what a certificate may do (RFC 5280 §4.2.1), read from DER. A repeated one is refused: two
// readers could pick different ones. An unknown critical one is listed, and refused later by whoever relies on it.

import { type DerElement, derChildren, derContent, derTag, expectTag, malformed, readDer } from './der.ts';
import { readBitFlags, readBoolean, readObjectId, readSmallInteger } from './der-values.ts';
import { type GeneralName, readGeneralNames } from './general-name.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';

/** Bits of the key usage extension that Postern looks at. */
export const keyUsageBit = { digitalSignature: 1, keyCertSign: 32, cRLSign: 64 } as const;

/** Purposes of the extended key usage extension. */
export const keyPurpose = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;

/** Absent extensions are null. */
export interface CertificateExtensions {
  readonly isCa: boolean;
  /** CA certificates that may still follow below this one. */
  readonly pathLength: number | null;
  readonly keyUsage: number | null;
  readonly extendedKeyUsage: readonly string[] | null;
  readonly subjectAltNames: readonly GeneralName[] | null;
  readonly nameConstraints: NameConstraints | null;
  /** Lower-case hex. */
  readonly subjectKeyId: string | null;
  readonly authorityKeyId: string | null;
  /** Object identifiers of critical extensions that Postern does not process. */
  readonly unknownCritical: readonly string[];
}

/** One extension as it stands. */
export interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

const extensionId = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

// RFC 5280 §6.1.1: with any policy acceptable, which is our case, the policies of a certificate need no processing.
const processed: ReadonlySet<string> = new Set(Object.values(extensionId));

/** Reads the `[3]` field of a certificate body; undefined reads as no extensions. */
export function readExtensions(field: DerElement | undefined): CertificateExtensions {
  const table: ReadonlyMap<string, Extension> = field === undefined ? new Map() : extensionTable(field);
  const read = <T>(id: string, parse: (value: DerElement) => T): T | null => {
    const extension = table.get(id);
    return extension === undefined ? null : parse(readDer(extension.value));
  };
  const constraints = read(extensionId.basicConstraints, readBasicConstraints);
  return {
    isCa: constraints?.isCa ?? false,
    pathLength: constraints?.pathLength ?? null,
    keyUsage: read(extensionId.keyUsage, readBitFlags),
    extendedKeyUsage: read(extensionId.extendedKeyUsage, (value) =>
      derChildren(value, derTag.sequence).map(readObjectId),
    ),
    subjectAltNames: read(extensionId.subjectAltName, (value) => readGeneralNames(expectTag(value, derTag.sequence))),
    nameConstraints: read(extensionId.nameConstraints, readNameConstraints),
    subjectKeyId: read(extensionId.subjectKeyId, (value) => hexOf(expectTag(value, derTag.octetString))),
    authorityKeyId: read(extensionId.authorityKeyId, readAuthorityKeyId),
    unknownCritical: [...table.values()].filter((one) => one.isCritical && !processed.has(one.id)).map((one) => one.id),
  };
}

/** The list of extensions in `field`, by object identifier. */
export function extensionTable(field: DerElement): ReadonlyMap<string, Extension> {
  const [list, ...rest] = derChildren(field);
  if (list === undefined || rest.length > 0) throw malformed('the extensions are not one list');
  const table = new Map<string, Extension>();
  for (const element of derChildren(list, derTag.sequence)) {
    const extension = readExtension(element);
    if (table.has(extension.id)) throw malformed(`extension ${extension.id} is there twice`);
    table.set(extension.id, extension);
  }
  return table;
}

/** One entry of such a list. */
export function readExtension(element: DerElement): Extension {
  const [id, ...others] = derChildren(element, derTag.sequence);
  const value = others.pop();
  const [critical, ...rest] = others;
  if (rest.length > 0) throw malformed('an extension has too many fields');
  return {
    id: readObjectId(expectTag(id, derTag.objectId)),
    isCritical: critical !== undefined && readBoolean(critical),
    value: derContent(expectTag(value, derTag.octetString)),
  };
}

function readBasicConstraints(value: DerElement): { isCa: boolean; pathLength: number | null } {
  const fields = derChildren(value, derTag.sequence);
  const isCa = fields[0]?.tag === derTag.boolean && readBoolean(fields.shift()!);
  const [pathLength, ...rest] = fields;
  if (rest.length > 0) throw malformed('the basic constraints have too many fields');
  return { isCa, pathLength: pathLength === undefined ? null : readSmallInteger(pathLength) };
}

/** The key identifier within an authority key identifier extension, lower-case hex. */
export function readAuthorityKeyId(value: DerElement): string | null {
  const keyId = derChildren(value, derTag.sequence).find((field) => field.tag === 0x80);
  return keyId === undefined ? null : hexOf(keyId);
}

function hexOf(element: DerElement): string {
  return Buffer.from(derContent(element)).toString('hex');
}
