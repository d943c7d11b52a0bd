// An embedded CA for demos and tests. Its key lies in a plain file, so it refuses to work in production.

import { X509Certificate } from 'node:crypto';
import { PosternError } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { readCertificateFacts } from './certificate-facts.ts';
import { type IssueRequest, issueSvid, makeCa, signerOf } from './dev-ca-certificates.ts';
import { type DevCaFile, readDevCaFile, writeDevCaFile } from './dev-ca-file.ts';
import { uriSans } from './leaf-rules.ts';
import { shown } from './shown-text.ts';
import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';
import type { X509Svid } from './x509-svid.ts';

export interface DevCaOptions {
  /** Folder of `ca.pem` (key and certificate, mode 0600) and `bundle.pem`. */
  readonly dir: string;
  readonly trustDomain: string;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** True where NODE_ENV is `production`: everything is refused. Default false. */
  readonly isProduction?: boolean;
}

/** An open CA. */
export interface DevCa {
  readonly trustDomain: TrustDomain;
  /** The CA certificate; the bundle of the trust domain. */
  readonly bundlePem: string;
  readonly notAfterMs: number;
  /** A fresh key and an X509-SVID for it. @throws PosternError ERR_DEV_CA, ERR_SPIFFE_ID_INVALID */
  issue(request: IssueRequest): Promise<X509Svid>;
}

/** Makes a CA in a folder that has none. @throws PosternError ERR_DEV_CA, ERR_DEV_CA_PRODUCTION, ERR_DEV_CA_STORE */
export async function createDevCa(options: DevCaOptions): Promise<DevCa> {
  refuseProduction(options);
  const trustDomain = TrustDomain.parse(options.trustDomain);
  const made = await makeCa(trustDomain, (options.clock ?? systemClock).nowMs());
  const isMade = await writeDevCaFile(options.dir, made);
  if (!isMade)
    throw new PosternError('ERR_DEV_CA', `${shown(options.dir)} holds a CA already`, {
      mend: 'use it, or choose another folder',
    });
  return openCa(made, options);
}

/** Opens the CA of a folder. @throws PosternError ERR_DEV_CA, ERR_DEV_CA_PRODUCTION, ERR_DEV_CA_STORE */
export async function loadDevCa(options: DevCaOptions): Promise<DevCa> {
  refuseProduction(options);
  TrustDomain.parse(options.trustDomain);
  const file = await readDevCaFile(options.dir);
  if (file === null) throw new PosternError('ERR_DEV_CA', `${shown(options.dir)} holds no CA`);
  return openCa(file, options);
}

/** Opens the CA of a folder, or makes it; several processes may do so at once and share one CA. */
export async function openDevCa(options: DevCaOptions): Promise<DevCa> {
  refuseProduction(options);
  const trustDomain = TrustDomain.parse(options.trustDomain);
  const existing = await readDevCaFile(options.dir);
  if (existing !== null) return openCa(existing, options);
  const made = await makeCa(trustDomain, (options.clock ?? systemClock).nowMs());
  await writeDevCaFile(options.dir, made);
  return loadDevCa(options);
}

/** The trust domain of the CA in a folder. @throws PosternError ERR_DEV_CA, ERR_DEV_CA_STORE */
export async function devCaTrustDomain(dir: string): Promise<TrustDomain> {
  const file = await readDevCaFile(dir);
  if (file === null) throw new PosternError('ERR_DEV_CA', `${shown(dir)} holds no CA`);
  return ownTrustDomain(file.certPem);
}

function refuseProduction(options: DevCaOptions): void {
  if (options.isProduction === true) {
    throw new PosternError('ERR_DEV_CA_PRODUCTION', 'the development CA was asked for where NODE_ENV is production');
  }
}

async function openCa(file: DevCaFile, options: DevCaOptions): Promise<DevCa> {
  const trustDomain = ownTrustDomain(file.certPem);
  if (trustDomain.name !== options.trustDomain) {
    const what = `${shown(options.dir)} holds the CA of ${trustDomain}, not of ${options.trustDomain}`;
    throw new PosternError('ERR_DEV_CA', what, { mend: 'name its trust domain, or another folder' });
  }
  const clock = options.clock ?? systemClock;
  const notAfterMs = readCertificateFacts(new X509Certificate(file.certPem)).notAfterMs;
  if (notAfterMs <= clock.nowMs()) {
    throw new PosternError('ERR_DEV_CA', `the CA in ${shown(options.dir)} has expired`, {
      mend: 'delete the folder and make a new one',
    });
  }
  const signer = await signerOf(file);
  const issue = (request: IssueRequest) =>
    issueSvid({ file, signer, trustDomain, notAfterMs, nowMs: clock.nowMs() }, request);
  return Object.freeze({ trustDomain, bundlePem: file.certPem, notAfterMs, issue });
}

function ownTrustDomain(certPem: string): TrustDomain {
  const [uri] = uriSans(readCertificateFacts(new X509Certificate(certPem)));
  if (uri === undefined)
    throw new PosternError('ERR_DEV_CA', 'the CA bears no SPIFFE ID: it was not made by `postern ca init`');
  return SpiffeId.parse(uri).trustDomain;
}
