// What an X509SVIDResponse says, checked by the same code as files are: DER becomes PEM and goes the same way.

import type { X509Certificate } from 'node:crypto';
import { PosternError } from '../../errors.ts';
import { parseCrl } from '../crl.ts';
import { splitDer } from '../der.ts';
import { type IdentityReading, type Reading, readingOf } from '../identity-state.ts';
import { certificateFromBytes } from '../pem.ts';
import { shown } from '../shown-text.ts';
import { assertBundleCurrent, createTrustBundle, type TrustBundle } from '../trust-bundle.ts';
import { TrustDomain } from '../trust-domain.ts';
import { parseX509Svid, type X509Svid } from '../x509-svid.ts';
import type { AgentSvid, X509Update } from './agent-messages.ts';
import { chooseSvid, type SvidChoice } from './svid-choice.ts';

export interface X509ReadingOptions extends SvidChoice {
  /** The agent's address, for messages. */
  readonly agent: string;
  readonly nowMs: number;
}

/** Longest chain or bundle, certificates. */
const mostCertificates = 1000;

/**
 * The parts of an update. Mandatory fields that are empty refuse it whole (SPIFFE_Workload_API §4.5).
 * @throws PosternError ERR_WORKLOAD_API_ANSWER or ERR_WORKLOAD_API_SVID
 */
export function readX509Update(update: X509Update, options: X509ReadingOptions): IdentityReading {
  const chosen = chooseSvid(update.svids, options);
  assertWhole(chosen);
  return {
    svid: readingOf(() => svidOf(chosen, options)),
    ownBundle: (trustDomain) => readBundle(chosen.bundle, trustDomain, options),
    federated: readFederated(update.federated, options),
    crls: readingOf(() => update.crls.map((der, at) => parseCrl(der, `CRL ${at + 1} of ${options.agent}`))),
  };
}

function assertWhole(svid: AgentSvid): void {
  const { spiffeId, certificates, key, bundle } = svid;
  const parts = { spiffe_id: spiffeId, x509_svid: certificates, x509_svid_key: key, bundle };
  const empty = Object.entries(parts).find(([, value]) => value.length === 0);
  if (empty === undefined) return;
  throw new PosternError('ERR_WORKLOAD_API_ANSWER', `the agent sent an X509-SVID without \`${empty[0]}\``);
}

function svidOf(chosen: AgentSvid, { agent, nowMs }: X509ReadingOptions): X509Svid {
  const file = `the X509-SVID of ${agent}`;
  const certPem = certificatesOf(chosen.certificates, file, 'ERR_SVID_CERTIFICATE').map(String).join('');
  const svid = parseX509Svid({ certPem, keyPem: keyPemOf(chosen.key), certFile: file, keyFile: file, nowMs });
  if (svid.id.toString() === chosen.spiffeId) return svid;
  const what = `the agent names ${shown(chosen.spiffeId)}, but its certificate is of ${svid.id}`;
  throw new PosternError('ERR_WORKLOAD_API_ANSWER', what);
}

/** An empty bundle of a foreign trust domain takes it away (§4.4); one that cannot be read keeps its last good value. */
function readFederated(
  bundles: ReadonlyMap<string, Uint8Array>,
  options: X509ReadingOptions,
): ReadonlyMap<string, Reading<TrustBundle>> {
  const readings = new Map<string, Reading<TrustBundle>>();
  for (const [name, bytes] of bundles) {
    if (bytes.length === 0) continue;
    const trustDomain = readingOf(() => trustDomainOf(name));
    if (trustDomain.ok) readings.set(trustDomain.value.name, readBundle(bytes, trustDomain.value, options));
    else readings.set(name, trustDomain);
  }
  return readings;
}

/** A key of a map of bundles: the SPIFFE ID of a trust domain. @throws PosternError ERR_TRUST_DOMAIN_INVALID */
export function trustDomainOf(key: string): TrustDomain {
  return TrustDomain.parse(key.startsWith('spiffe://') ? key.slice('spiffe://'.length) : key);
}

function readBundle(
  bytes: Uint8Array,
  trustDomain: TrustDomain,
  { agent, nowMs }: X509ReadingOptions,
): Reading<TrustBundle> {
  const file = `the bundle of ${trustDomain} of ${agent}`;
  return readingOf(() => {
    const certificates = certificatesOf(bytes, file, 'ERR_TRUST_BUNDLE_INVALID');
    const bundle = createTrustBundle(trustDomain, certificates, { file, code: 'ERR_TRUST_BUNDLE_INVALID' });
    assertBundleCurrent(bundle, file, nowMs);
    return bundle;
  });
}

function certificatesOf(
  bytes: Uint8Array,
  file: string,
  code: 'ERR_SVID_CERTIFICATE' | 'ERR_TRUST_BUNDLE_INVALID',
): X509Certificate[] {
  const parts = splitDer(bytes, mostCertificates);
  if (parts === null) throw new PosternError(code, `${shown(file)} is not a sequence of DER certificates`);
  return parts.map((part, at) =>
    certificateFromBytes(part, `holds a certificate (number ${at + 1}) that`, { file, code }),
  );
}

function keyPemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
