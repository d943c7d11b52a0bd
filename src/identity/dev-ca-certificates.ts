// Makes the certificates of the embedded CA with @peculiar/x509, which is loaded only then: a production sidecar never
// pays for it.

import { createPrivateKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { JsonGeneralName } from '@peculiar/x509';
import { PosternError } from '../errors.ts';
import type { DevCaFile } from './dev-ca-file.ts';
import { shown } from './shown-text.ts';
import { SpiffeId } from './spiffe-id.ts';
import type { TrustDomain } from './trust-domain.ts';
import { parseX509Svid, type X509Svid } from './x509-svid.ts';

export interface IssueRequest {
  readonly spiffeId: string;
  /** Lifetime, milliseconds. Default 1 h; never beyond the CA's own. */
  readonly ttlMs?: number;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

const caLifetimeMs = 5 * 365 * 86_400_000;
const defaultTtlMs = 3_600_000;
/** RFC 5280 appendix A: ub-common-name. */
const longestCommonName = 64;
const longestTtlMs = 90 * 86_400_000;
/** Certificates begin this long ago: clocks differ. */
const backdateMs = 10_000;

// The library registers itself with a reflection polyfill, which has to be there first.
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** The CA's key as the library wants it. */
export async function signerOf(file: DevCaFile): Promise<CryptoKey> {
  const der = createPrivateKey(file.keyPem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, signing, false, ['sign']);
}

/** A CA for one trust domain; it signs leaves only. */
export async function makeCa(trustDomain: TrustDomain, nowMs: number): Promise<DevCaFile> {
  const x509 = await loadX509();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const name = [{ CN: [`Postern development CA of ${trustDomain}`.slice(0, longestCommonName)] }];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: name,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + caLifetimeMs),
    publicKey: spki,
    signingKey: await signerOf({ keyPem, certPem: '' }),
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(spki),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
    ],
  });
  return { keyPem, certPem: `${certificate.toString('pem')}\n` };
}

/** What an open CA issues with. */
export interface IssueContext {
  readonly file: DevCaFile;
  readonly signer: CryptoKey;
  readonly trustDomain: TrustDomain;
  readonly notAfterMs: number;
  readonly nowMs: number;
}

/** A fresh key and an X509-SVID for it. @throws PosternError ERR_DEV_CA, ERR_SPIFFE_ID_INVALID */
export async function issueSvid(context: IssueContext, request: IssueRequest): Promise<X509Svid> {
  const { file, signer, nowMs } = context;
  const names = subjectNames(context.trustDomain, request);
  const ttlMs = checkTtl(request.ttlMs ?? defaultTtlMs);
  const x509 = await loadX509();
  const authority = new x509.X509Certificate(file.certPem);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'O=Postern development',
    issuer: authority.subjectName,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(Math.min(nowMs + ttlMs, context.notAfterMs)),
    publicKey: spki,
    signingKey: signer,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(spki),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      new x509.SubjectAlternativeNameExtension(names),
    ],
  });
  return parseX509Svid({
    certPem: certificate.toString('pem'),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certFile: 'issued certificate',
    keyFile: 'issued key',
    nowMs,
  });
}

function subjectNames(trustDomain: TrustDomain, request: IssueRequest): JsonGeneralName[] {
  const id = SpiffeId.parse(request.spiffeId);
  if (id.path === '') throw new PosternError('ERR_DEV_CA', `SPIFFE ID ${id} names no workload`, { mend: 'add a path' });
  if (!id.trustDomain.equals(trustDomain)) {
    const what = `SPIFFE ID ${id} is not of trust domain ${trustDomain}`;
    throw new PosternError('ERR_DEV_CA', what, {
      mend: `write spiffe://${trustDomain}/… , or use the CA of ${id.trustDomain}`,
    });
  }
  return [
    { type: 'url', value: id.toString() },
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value: checkDnsName(value) })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value: checkIp(value) })),
  ];
}

function checkTtl(ttlMs: number): number {
  if (ttlMs >= 1000 && ttlMs <= longestTtlMs) return ttlMs;
  throw new PosternError('ERR_DEV_CA', 'a lifetime is from 1s to 90d', { mend: 'choose a shorter or longer ttl' });
}

/** 16 random bytes, positive and never with a leading zero (RFC 5280 §4.1.2.2), hex. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

// RFC 5280 §4.2.1.6 wants the preferred name syntax of RFC 1034; a wildcard may stand for the first label.
function checkDnsName(name: string): string {
  const isName = name.length <= 253 && /^(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(name);
  if (isName) return name;
  throw new PosternError('ERR_DEV_CA', `${shown(name)} is not a DNS name`, {
    mend: 'write letters, digits, dots and dashes',
  });
}

function checkIp(address: string): string {
  if (isIP(address) !== 0) return address;
  throw new PosternError('ERR_DEV_CA', `${shown(address)} is not an IP address`, {
    mend: 'write it as 127.0.0.1 or ::1',
  });
}
