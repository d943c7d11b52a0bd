// The authorities of one trust domain (SPIFFE Trust Domain and Bundle §4). A bundle vouches for its own trust domain and
// for no other, and is never empty: an empty one would deny all, silently.

import type { X509Certificate } from 'node:crypto';
import { isPosternError, PosternError } from '../errors.ts';
import { type CertificateFacts, readCertificateFacts } from './certificate-facts.ts';
import { certificateFromBytes, certificatesFromPem, fault, type PemFaults } from './pem.ts';
import { shown } from './shown-text.ts';
import type { TrustDomain } from './trust-domain.ts';

/** A CA certificate with what was read of it. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly facts: CertificateFacts;
}

/** Frozen; authorities in the order of the file, each once. */
export interface TrustBundle {
  readonly trustDomain: TrustDomain;
  readonly authorities: readonly Authority[];
  /** `spiffe_refresh_hint` of a SPIFFE bundle, milliseconds. */
  readonly refreshHintMs: number | null;
}

export interface TrustBundleInput {
  /** PEM certificates, or a SPIFFE bundle (JWKS). */
  readonly text: string;
  /** Name for messages. */
  readonly file: string;
  readonly trustDomain: TrustDomain;
}

/** Most keys of a SPIFFE bundle. */
const mostKeys = 1000;

/** Parses a bundle. @throws PosternError ERR_TRUST_BUNDLE_INVALID naming file and mend */
export function parseTrustBundle(input: TrustBundleInput): TrustBundle {
  const faults: PemFaults = { file: input.file, code: 'ERR_TRUST_BUNDLE_INVALID' };
  const isJson = input.text.trimStart().startsWith('{');
  const parsed = isJson
    ? parseSpiffeBundle(input.text, faults)
    : { certificates: certificatesFromPem(input.text, faults), refreshHintMs: null };
  return createTrustBundle(input.trustDomain, parsed.certificates, faults, parsed.refreshHintMs);
}

/** A bundle of certificates already at hand. @throws PosternError ERR_TRUST_BUNDLE_INVALID */
export function createTrustBundle(
  trustDomain: TrustDomain,
  certificates: readonly X509Certificate[],
  faults: PemFaults = { file: `bundle of ${trustDomain}`, code: 'ERR_TRUST_BUNDLE_INVALID' },
  refreshHintMs: number | null = null,
): TrustBundle {
  const authorities = new Map<string, Authority>();
  for (const [at, certificate] of certificates.entries()) {
    const authority = readAuthority(certificate, at, faults);
    authorities.set(authority.facts.fingerprintSha256, authority);
  }
  if (authorities.size === 0)
    throw fault(faults, 'holds no authority', 'write the CA certificates of the trust domain to it');
  return Object.freeze({ trustDomain, authorities: Object.freeze([...authorities.values()]), refreshHintMs });
}

function readAuthority(certificate: X509Certificate, at: number, faults: PemFaults): Authority {
  let facts: CertificateFacts;
  try {
    facts = readCertificateFacts(certificate);
  } catch (cause) {
    const what = isPosternError(cause) ? cause.message : 'the certificate cannot be read';
    throw fault(
      faults,
      `has a certificate (number ${at + 1}) that cannot be used: ${what}`,
      'issue the CA with another tool',
      cause,
    );
  }
  if (!facts.isCa) {
    const what = `has a certificate (number ${at + 1}, ${shown(facts.subject)}) that is not a CA`;
    throw fault(faults, what, 'a bundle holds the CA certificates of the trust domain, not those of workloads');
  }
  return Object.freeze({ certificate, facts });
}

function parseSpiffeBundle(
  text: string,
  faults: PemFaults,
): { certificates: X509Certificate[]; refreshHintMs: number | null } {
  const document = parseObject(text, faults);
  const keys = document['keys'];
  if (!Array.isArray(keys)) throw fault(faults, 'is JSON without `keys`', 'write a SPIFFE bundle (JWKS) or PEM to it');
  if (keys.length > mostKeys)
    throw fault(faults, `holds more than ${mostKeys} keys`, 'remove the keys no longer in use');
  const certificates = keys.filter(isX509Key).map((key, at) => keyCertificate(key, at, faults));
  if (certificates.length === 0) {
    throw fault(faults, 'has no key with `use: x509-svid`', 'export the X.509 authorities of the trust domain too');
  }
  const hint = document['spiffe_refresh_hint'];
  return { certificates, refreshHintMs: typeof hint === 'number' && hint > 0 ? hint * 1000 : null };
}

function parseObject(text: string, faults: PemFaults): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fault(faults, 'is neither PEM nor valid JSON', 'write a SPIFFE bundle (JWKS) or PEM to it', cause);
  }
}

function isX509Key(key: unknown): key is { x5c?: unknown } {
  return typeof key === 'object' && key !== null && 'use' in key && key.use === 'x509-svid';
}

// SPIFFE Trust Domain and Bundle §4.2.2: x5c of such a key holds exactly one certificate.
function keyCertificate(key: { x5c?: unknown }, at: number, faults: PemFaults): X509Certificate {
  const chain: unknown = key.x5c;
  const [only, ...rest] = Array.isArray(chain) ? (chain as unknown[]) : [];
  if (typeof only !== 'string' || rest.length > 0) {
    throw fault(
      faults,
      `has an x509-svid key (number ${at + 1}) without exactly one certificate in x5c`,
      'export the bundle again',
    );
  }
  return certificateFromBytes(Buffer.from(only, 'base64'), `holds an x5c (number ${at + 1}) that`, faults);
}

/** Throws where every authority has expired: no peer could be verified. */
export function assertBundleCurrent(bundle: TrustBundle, file: string, nowMs: number): void {
  if (bundle.authorities.some((authority) => authority.facts.notAfterMs >= nowMs)) return;
  throw new PosternError('ERR_TRUST_BUNDLE_EXPIRED', `every authority in ${shown(file)} has expired`);
}
