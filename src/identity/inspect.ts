// What Postern makes of a certificate file, and every reason why it would refuse it: for an operator who issues
// certificates, before a peer finds out.

import type { X509Certificate } from 'node:crypto';
import { isPosternError } from '../errors.ts';
import type { BundleSet } from './bundle-set.ts';
import { type CertificateFacts, readCertificateFacts } from './certificate-facts.ts';
import type { GeneralName } from './general-name.ts';
import { isoTime } from './iso-time.ts';
import { leafRefusals, type PeerRole, soleUriSan } from './leaf-rules.ts';
import { createPeerVerifier } from './peer-verification.ts';
import { certificatesFromPem } from './pem.ts';
import { type Refusal, type RefusalCause, refusal, refusalCauses } from './refusal-causes.ts';
import type { RevocationList } from './revocation-list.ts';
import { escapeText } from './shown-text.ts';
import { isSignedBy } from './trust-path.ts';

export interface InspectInput {
  /** PEM, leaf first. */
  readonly text: string;
  /** Name for messages. */
  readonly file: string;
  /** Null: the leaf alone is judged, not who issued it. */
  readonly bundles: BundleSet | null;
  /** Asked where the issuer is judged too: without one nobody is who they say. */
  readonly revocations: RevocationList;
  /** What the owner is to be in handshakes. */
  readonly roles: readonly PeerRole[];
  readonly nowMs: number;
}

/** Refusals are errors; `warning` works but will not for long, or not everywhere. */
export interface InspectFinding {
  readonly severity: 'error' | 'warning';
  readonly cause: RefusalCause | 'expires_soon' | 'no_extended_key_usage' | 'chain_order';
  readonly message: string;
  readonly mend: string;
}

/** One certificate in words. All texts are escaped. */
export interface CertificateView {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly fingerprint_sha256: string;
  readonly not_before: string;
  readonly not_after: string;
  readonly key: string;
  readonly names: readonly string[];
  readonly is_ca: boolean;
}

export interface Inspection {
  /** The SPIFFE ID or whatever stands in its place, escaped; null where there is no single URI SAN. */
  readonly spiffe_id: string | null;
  readonly certificates: readonly CertificateView[];
  readonly findings: readonly InspectFinding[];
  /** False where Postern would refuse it in one of the roles. */
  readonly accepted: boolean;
}

/** Judges a certificate file. @throws PosternError ERR_SVID_CERTIFICATE where it holds no readable certificate */
export function inspectCertificates(input: InspectInput): Inspection {
  const certificates = certificatesFromPem(input.text, { file: input.file, code: 'ERR_SVID_CERTIFICATE' });
  const read = certificates.map(readSafely);
  const leaf = read[0]!;
  const refusals =
    'cause' in leaf ? [leaf] : [...leafRefusals(leaf, input.roles, input.nowMs), ...pathRefusals(certificates, input)];
  const findings = [...distinct(refusals).map(errorFinding), ...warnings(certificates, leaf, input)];
  return Object.freeze({
    spiffe_id: 'cause' in leaf ? null : escaped(soleUriSan(leaf)),
    certificates: read.flatMap((one) => ('cause' in one ? [] : [describeCertificate(one)])),
    findings,
    accepted: refusals.length === 0,
  });
}

function readSafely(certificate: X509Certificate): CertificateFacts | Refusal {
  try {
    return readCertificateFacts(certificate);
  } catch (error) {
    return refusal('certificate_malformed', isPosternError(error) ? error.message : undefined);
  }
}

function pathRefusals(certificates: readonly X509Certificate[], input: InspectInput): Refusal[] {
  const { bundles, revocations, roles, nowMs } = input;
  if (bundles === null) return [];
  const [leaf, ...intermediates] = certificates;
  const verifier = createPeerVerifier({ cacheEntries: 0 });
  const verdicts = roles.map((role) =>
    verifier.verify({ leaf: leaf!, intermediates, bundles, revocations, role, nowMs }),
  );
  return verdicts.filter((verdict) => !verdict.ok).map(({ cause, detail }) => refusal(cause, detail));
}

// The verifier's first refusal is mostly one of the leaf rules again.
function distinct(refusals: readonly Refusal[]): Refusal[] {
  return [...new Map(refusals.map((one) => [`${one.cause} ${one.detail}`, one])).values()];
}

function errorFinding({ cause, detail }: Refusal): InspectFinding {
  return { severity: 'error', cause, message: detail, mend: refusalCauses[cause].mend };
}

function warnings(
  certificates: readonly X509Certificate[],
  leaf: CertificateFacts | Refusal,
  input: InspectInput,
): InspectFinding[] {
  const found: InspectFinding[] = [];
  const broken = certificates.findIndex((one, at) => at > 0 && !isSignedBy(certificates[at - 1]!, one));
  if (broken > 0) {
    const message = `certificate ${broken + 1} did not issue certificate ${broken}`;
    found.push({
      severity: 'warning',
      cause: 'chain_order',
      message,
      mend: 'put the leaf first, then each issuer after what it issued',
    });
  }
  if ('cause' in leaf) return found;
  if (leaf.extendedKeyUsage === null) {
    const message = 'it has no extended key usage; Postern accepts that, other peers may not';
    found.push({
      severity: 'warning',
      cause: 'no_extended_key_usage',
      message,
      mend: refusalCauses.extended_key_usage.mend,
    });
  }
  const leftMs = leaf.notAfterMs - input.nowMs;
  if (leftMs >= 0 && leftMs < (leaf.notAfterMs - leaf.notBeforeMs) / 10) {
    const message = `it expires at ${isoTime(leaf.notAfterMs)}, less than a tenth of its life is left`;
    found.push({ severity: 'warning', cause: 'expires_soon', message, mend: 'rotate it now, and earlier next time' });
  }
  return found;
}

function describeCertificate(facts: CertificateFacts): CertificateView {
  const { type, bits, curve } = facts.publicKey;
  return {
    subject: facts.subject,
    issuer: facts.issuer,
    serial: facts.serial,
    fingerprint_sha256: facts.fingerprintSha256,
    not_before: isoTime(facts.notBeforeMs),
    not_after: isoTime(facts.notAfterMs),
    key: [type, curve, bits].filter((part) => part !== null).join(' '),
    names: (facts.subjectAltNames ?? []).map(describeName),
    is_ca: facts.isCa,
  };
}

function describeName({ kind, text }: GeneralName): string {
  return `${kind}:${kind === 'ip' ? formatIp(text) : escapeText(text)}`;
}

function formatIp(hex: string): string {
  if (hex.length === 8) return [...Buffer.from(hex, 'hex')].join('.');
  return hex.match(/.{4}/g)?.join(':') ?? hex;
}

function escaped(text: string | null): string | null {
  return text === null ? null : escapeText(text);
}
