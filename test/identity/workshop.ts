// Makes certificates for tests, right ones and ones with just one defect, at run time.

import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import {
  bitString,
  type CertificateContent,
  der,
  encodeCertificate,
  keyIdOf,
  oid,
  type TestExtension,
  type TestName,
} from './certificate-encoder.ts';

export const hourMs = 3_600_000;

/** A certificate with its key, and what it was made from. */
export interface Made {
  readonly certificate: X509Certificate;
  readonly pem: string;
  readonly keyPem: string;
  readonly keys: KeyPair;
  readonly subject: TestName;
}

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** What a certificate is to say; null leaves an extension out. */
export interface Spec {
  readonly subject?: TestName;
  readonly issuer?: Made;
  /** Named in the certificate, whoever signs it. */
  readonly issuerName?: TestName;
  readonly keys?: KeyPair;
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  /** DER of the whole SAN extension value; wins over uris and dns. */
  readonly sanDer?: Uint8Array;
  readonly isCa?: boolean | null;
  readonly pathLength?: number;
  readonly keyUsage?: number | null;
  readonly purposes?: readonly string[] | null;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly digest?: string;
  readonly extensions?: readonly TestExtension[];
  /** False: none; another CA: its identifier, whoever signs. */
  readonly authorityKeyId?: false | Made;
  /** False: none. */
  readonly subjectKeyId?: false;
  /** Hex of the INTEGER's content. */
  readonly serial?: string;
}

/** Bits of the key usage extension. */
export const usage = {
  digitalSignature: 1,
  keyEncipherment: 4,
  keyAgreement: 16,
  keyCertSign: 32,
  cRLSign: 64,
} as const;

/** Purposes of the extended key usage extension. */
export const purpose = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
} as const;

/** A P-256 key pair. */
export function ecKeys(namedCurve = 'P-256'): KeyPair {
  return generateKeyPairSync('ec', { namedCurve });
}

let rsa: Map<number, KeyPair> | undefined;

/** An RSA key pair, made once for each size: they take long. */
export function rsaKeys(modulusLength: number): KeyPair {
  rsa ??= new Map();
  const known = rsa.get(modulusLength) ?? generateKeyPairSync('rsa', { modulusLength });
  rsa.set(modulusLength, known);
  return known;
}

/** A CA that signs itself, or is signed by `issuer`. */
export async function makeCa(spec: Spec = {}): Promise<Made> {
  const now = Date.now();
  const caSpec = {
    isCa: true,
    keyUsage: usage.keyCertSign | usage.cRLSign,
    purposes: null,
    uris: [],
    subject: 'CN=Test CA',
  };
  return make({ notBeforeMs: now - 24 * hourMs, notAfterMs: now + 24 * hourMs, ...caSpec, ...spec });
}

/** A right X509-SVID but for what `spec` says. */
export async function makeLeaf(spec: Spec): Promise<Made> {
  const leafSpec = {
    subject: 'O=Test leaf',
    isCa: false,
    keyUsage: usage.digitalSignature,
    purposes: [purpose.serverAuth, purpose.clientAuth],
  };
  return make({ ...leafSpec, ...spec });
}

function make(spec: Spec): Made {
  const keys = spec.keys ?? ecKeys();
  const subject = spec.subject ?? '';
  const signer = spec.issuer?.keys ?? keys;
  const publicKey = spkiOf(keys);
  const now = Date.now();
  const content: CertificateContent = {
    serial: spec.serial ?? `40${randomBytes(15).toString('hex')}`,
    subject,
    issuer: spec.issuerName ?? spec.issuer?.subject ?? subject,
    notBeforeMs: spec.notBeforeMs ?? now - 60_000,
    notAfterMs: spec.notAfterMs ?? now + hourMs,
    publicKey,
    signingKey: signer.privateKey,
    digest: spec.digest ?? 'SHA-256',
    extensions: extensionsOf(spec, { publicKey, signer }),
  };
  const certificate = new X509Certificate(encodeCertificate(content));
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate, pem: certificate.toString(), keyPem, keys, subject };
}

const spkiOf = (keys: KeyPair): Buffer => keys.publicKey.export({ type: 'spki', format: 'der' });

function extensionsOf(
  spec: Spec,
  { publicKey, signer }: { publicKey: Buffer; signer: KeyPair },
): readonly TestExtension[] {
  const all: TestExtension[] = [];
  const add = (id: string, critical: boolean, value: Buffer) => all.push({ id, critical, value });
  if (spec.isCa !== undefined && spec.isCa !== null)
    add('2.5.29.19', true, basicConstraints(spec.isCa, spec.pathLength));
  if (spec.keyUsage !== undefined && spec.keyUsage !== null) add('2.5.29.15', true, bitString(spec.keyUsage));
  if (spec.purposes !== undefined && spec.purposes !== null)
    add('2.5.29.37', false, der(0x30, ...spec.purposes.map(oid)));
  if (spec.subjectKeyId !== false) add('2.5.29.14', false, der(0x04, keyIdOf(publicKey)));
  if (spec.authorityKeyId !== false) {
    const authority = spkiOf(spec.authorityKeyId?.keys ?? signer);
    add('2.5.29.35', false, der(0x30, der(0x80, keyIdOf(authority))));
  }
  const san = sanOf(spec);
  if (san !== null) add('2.5.29.17', false, san);
  return [...all, ...(spec.extensions ?? [])];
}

function basicConstraints(isCa: boolean, pathLength: number | undefined): Buffer {
  const length = pathLength === undefined ? [] : [der(0x02, Buffer.from([pathLength]))];
  return der(0x30, ...(isCa ? [der(0x01, Buffer.from([0xff]))] : []), ...length);
}

function sanOf(spec: Spec): Buffer | null {
  if (spec.sanDer !== undefined) return Buffer.from(spec.sanDer);
  const names = [
    ...(spec.uris ?? []).map((text) => der(0x86, text)),
    ...(spec.dns ?? []).map((text) => der(0x82, text)),
  ];
  return names.length === 0 ? null : der(0x30, ...names);
}

/** The critical name constraints extension: DER of permitted and excluded URI hosts. */
export function uriConstraints(permitted: readonly string[], excluded: readonly string[] = []): TestExtension {
  const trees = (hosts: readonly string[]) => hosts.map((host) => der(0x30, der(0x86, host)));
  const fields = [
    ...(permitted.length > 0 ? [der(0xa0, ...trees(permitted))] : []),
    ...(excluded.length > 0 ? [der(0xa1, ...trees(excluded))] : []),
  ];
  return rawExtension('2.5.29.30', true, der(0x30, ...fields));
}

/** An extension of ours that nobody understands. */
export function unknownExtension(critical: boolean): TestExtension {
  return rawExtension('1.3.6.1.4.1.32473.1', critical, der(0x05));
}

/** Any extension by its object identifier and the DER of its value. */
export function rawExtension(id: string, critical: boolean, value: Uint8Array): TestExtension {
  return { id, critical, value };
}
