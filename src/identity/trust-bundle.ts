// The authorities of one trust domain (SPIFFE Trust Domain and Bundle §4). A bundle vouches for its own trust domain and
// for no other. A PEM file without certificates is a fault, but a SPIFFE bundle without keys says that all were withdrawn.

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

/** Frozen; authorities in the order of the file, each once. Where there are none, nobody of the trust domain is accepted. */
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

/** Key types of RFC 7518 §6.1 and RFC 8037 §2 that certificates have. */
const keyTypes: ReadonlySet<string> = new Set(['RSA', 'EC', 'OKP']);

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

// §4.1.3: what is not understood is passed over, and a document without a usable key withdraws all that there were.
function parseSpiffeBundle(
  text: string,
  faults: PemFaults,
): { certificates: X509Certificate[]; refreshHintMs: number | null } {
  const document = parseObject(text, faults);
  const keys = document['keys'];
  if (!Array.isArray(keys)) throw fault(faults, 'is JSON without `keys`', 'write a SPIFFE bundle (JWKS) or PEM to it');
  if (keys.length > mostKeys)
    throw fault(faults, `holds more than ${mostKeys} keys`, 'remove the keys no longer in use');
  const certificates = keys
    .map(x509KeyValue)
    .filter((value) => value !== undefined)
    .map((value, at) => keyCertificate(value, at, faults));
  const hint = document['spiffe_refresh_hint'];
  // §4.1.2: whole seconds.
  const refreshHintMs = Number.isSafeInteger(hint) && (hint as number) > 0 ? (hint as number) * 1000 : null;
  return { certificates, refreshHintMs };
}

function parseObject(text: string, faults: PemFaults): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fault(faults, 'is neither PEM nor valid JSON', 'write a SPIFFE bundle (JWKS) or PEM to it', cause);
  }
}

/** The first value of `x5c` of an x509-svid key; undefined for another key, or one without a certificate (X509-SVID §6.2). */
function x509KeyValue(key: unknown): unknown {
  if (typeof key !== 'object' || key === null) return undefined;
  const { kty, use, x5c } = key as { kty?: unknown; use?: unknown; x5c?: unknown };
  if (use !== 'x509-svid' || typeof kty !== 'string' || !keyTypes.has(kty)) return undefined;
  return Array.isArray(x5c) ? (x5c as unknown[])[0] : undefined;
}

function keyCertificate(value: unknown, at: number, faults: PemFaults): X509Certificate {
  const what = `holds an x509-svid key (number ${at + 1}) whose x5c`;
  return certificateFromBytes(Buffer.from(typeof value === 'string' ? value : '', 'base64'), what, faults);
}

/** Throws where there are authorities and every one has expired: no peer could be verified. */
export function assertBundleCurrent(bundle: TrustBundle, file: string, nowMs: number): void {
  if (bundle.authorities.length === 0 || bundle.authorities.some(({ facts }) => facts.notAfterMs >= nowMs)) return;
  throw new PosternError('ERR_TRUST_BUNDLE_EXPIRED', `every authority in ${shown(file)} has expired`);
}
