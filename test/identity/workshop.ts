// Makes certificates for tests, right ones and ones with just one defect, at run time. Uses @peculiar/x509, so that what
// Postern reads was not written by Postern.

import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export const hourMs = 3_600_000;

/** A certificate with its key, and what it was made from. */
export interface Made {
  readonly certificate: X509Certificate;
  readonly pem: string;
  readonly keyPem: string;
  readonly keys: KeyPair;
  readonly subject: string | x509.JsonName;
}

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** What a certificate is to say; null leaves an extension out. */
export interface Spec {
  readonly subject?: string | x509.JsonName;
  readonly issuer?: Made;
  /** Named in the certificate, whoever signs it. */
  readonly issuerName?: string | x509.JsonName;
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
  readonly extensions?: readonly x509.Extension[];
  /** False: none; another CA: its identifier, whoever signs. */
  readonly authorityKeyId?: false | Made;
  /** False: none. */
  readonly subjectKeyId?: false;
  /** Hex of the INTEGER's content. */
  readonly serial?: string;
}

export const usage = x509.KeyUsageFlags;
export const purpose = x509.ExtendedKeyUsage;

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
export function makeCa(spec: Spec = {}): Promise<Made> {
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
export function makeLeaf(spec: Spec): Promise<Made> {
  const leafSpec = {
    subject: 'O=Test leaf',
    isCa: false,
    keyUsage: usage.digitalSignature,
    purposes: [purpose.serverAuth, purpose.clientAuth],
  };
  return make({ ...leafSpec, ...spec });
}

async function make(spec: Spec): Promise<Made> {
  const keys = spec.keys ?? ecKeys();
  const subject = spec.subject ?? '';
  const signer = spec.issuer?.keys ?? keys;
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const now = Date.now();
  const algorithm = signingAlgorithm(signer, spec.digest ?? 'SHA-256');
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: spec.serial ?? `40${randomBytes(15).toString('hex')}`,
    subject,
    issuer: spec.issuerName ?? spec.issuer?.subject ?? subject,
    notBefore: new Date(spec.notBeforeMs ?? now - 60_000),
    notAfter: new Date(spec.notAfterMs ?? now + hourMs),
    publicKey: spki,
    signingKey: await cryptoKey(signer, algorithm),
    signingAlgorithm: algorithm,
    extensions: await extensionsOf(spec, { spki, signer }),
  });
  const pem = `${certificate.toString('pem')}\n`;
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate: new X509Certificate(pem), pem, keyPem, keys, subject };
}

async function extensionsOf(
  spec: Spec,
  { spki, signer }: { spki: Buffer; signer: KeyPair },
): Promise<x509.Extension[]> {
  const extensions: x509.Extension[] = [];
  if (spec.isCa !== undefined && spec.isCa !== null) {
    extensions.push(new x509.BasicConstraintsExtension(spec.isCa, spec.pathLength, true));
  }
  if (spec.keyUsage !== undefined && spec.keyUsage !== null)
    extensions.push(new x509.KeyUsagesExtension(spec.keyUsage, true));
  if (spec.purposes !== undefined && spec.purposes !== null) {
    extensions.push(new x509.ExtendedKeyUsageExtension([...spec.purposes]));
  }
  if (spec.subjectKeyId !== false) extensions.push(await x509.SubjectKeyIdentifierExtension.create(spki));
  if (spec.authorityKeyId !== false) {
    const named = spec.authorityKeyId?.keys ?? signer;
    const authority = named.publicKey.export({ type: 'spki', format: 'der' });
    extensions.push(await x509.AuthorityKeyIdentifierExtension.create(authority));
  }
  const san = sanExtension(spec);
  if (san !== null) extensions.push(san);
  return [...extensions, ...(spec.extensions ?? [])];
}

function sanExtension(spec: Spec): x509.Extension | null {
  if (spec.sanDer !== undefined) return new x509.Extension('2.5.29.17', false, new Uint8Array(spec.sanDer));
  const names = [
    ...(spec.uris ?? []).map((value) => ({ type: 'url' as const, value })),
    ...(spec.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
  ];
  return names.length === 0 ? null : new x509.SubjectAlternativeNameExtension(names);
}

function signingAlgorithm(keys: KeyPair, hash: string): webcrypto.Algorithm & { hash: string; namedCurve?: string } {
  const type = keys.privateKey.asymmetricKeyType;
  if (type === 'ed25519') return { name: 'Ed25519', hash };
  if (type === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash };
  const curve = keys.privateKey.asymmetricKeyDetails?.namedCurve;
  return {
    name: 'ECDSA',
    namedCurve: curve === 'secp384r1' ? 'P-384' : curve === 'secp521r1' ? 'P-521' : 'P-256',
    hash,
  };
}

function cryptoKey(keys: KeyPair, algorithm: webcrypto.Algorithm): Promise<CryptoKey> {
  const pkcs8 = keys.privateKey.export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']);
}

/** One DER element. */
export function der(tag: number, ...parts: (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/** The critical name constraints extension: DER of permitted and excluded URI hosts. */
export function uriConstraints(permitted: readonly string[], excluded: readonly string[] = []): x509.Extension {
  const trees = (hosts: readonly string[]) => hosts.map((host) => der(0x30, der(0x86, host)));
  const fields = [
    ...(permitted.length > 0 ? [der(0xa0, ...trees(permitted))] : []),
    ...(excluded.length > 0 ? [der(0xa1, ...trees(excluded))] : []),
  ];
  return new x509.Extension('2.5.29.30', true, new Uint8Array(der(0x30, ...fields)));
}

/** An extension of ours that nobody understands. */
export function unknownExtension(critical: boolean): x509.Extension {
  return new x509.Extension('1.3.6.1.4.1.32473.1', critical, new Uint8Array(der(0x05)));
}

/** Any extension by its object identifier and the DER of its value. */
export function rawExtension(id: string, critical: boolean, value: Uint8Array): x509.Extension {
  return new x509.Extension(id, critical, new Uint8Array(value));
}

/** What @peculiar/x509 reads of a certificate, in the terms of CertificateFacts. */
export function createReferee(pem: string) {
  const certificate = new x509.X509Certificate(pem);
  const hex = (bytes: ArrayBuffer) => Buffer.from(bytes).toString('hex');
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return {
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
    names: names.map((name) => [name.type === 'url' ? 'uri' : name.type, name.value]),
    keyUsage: certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? null,
    purposes: [...(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [])].map(String),
    subjectKeyId: certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? null,
    authorityKeyId: certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId ?? null,
    subjectDer: hex(certificate.subjectName.toArrayBuffer()),
    issuerDer: hex(certificate.issuerName.toArrayBuffer()),
  };
}
