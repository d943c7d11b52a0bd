// The own X509-SVID: certificate chain and key, checked once and together. The key is reachable by name only; neither
// JSON.stringify nor util.inspect shows it.

import type { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { isPosternError } from '../errors.ts';
import { type CertificateFacts, readCertificateFacts } from './certificate-facts.ts';
import { leafRefusals, leafSpiffeId, type PeerRole } from './leaf-rules.ts';
import { certificatesFromPem, fault, type PemFaults } from './pem.ts';
import { assertKeyFits, privateKeyFromPem } from './private-key.ts';
import { refusalCauses } from './refusal-causes.ts';
import type { SpiffeId } from './spiffe-id.ts';

/** Texts and the names of the files they came from, which messages use. */
export interface X509SvidInput {
  readonly certPem: string;
  readonly keyPem: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly nowMs: number;
}

/** A checked SVID. Frozen; only `parseX509Svid` makes one. */
export class X509Svid {
  readonly id: SpiffeId;
  /** Leaf first. */
  readonly certificates: readonly X509Certificate[];
  /** Leaf first, PEM, for `tls.createSecureContext`. */
  readonly certChainPem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Upper-case hex. */
  readonly serial: string;
  /** Lower-case hex. */
  readonly fingerprintSha256: string;
  /** RFC 4514 text of the issuer, for people. */
  readonly issuer: string;
  readonly #keyPem: string;

  constructor(certificates: readonly X509Certificate[], facts: CertificateFacts, keyPem: string) {
    this.id = leafSpiffeId(facts);
    this.certificates = Object.freeze([...certificates]);
    this.certChainPem = certificates.map((certificate) => certificate.toString()).join('');
    this.notBeforeMs = facts.notBeforeMs;
    this.notAfterMs = facts.notAfterMs;
    this.serial = facts.serial;
    this.fingerprintSha256 = facts.fingerprintSha256;
    this.issuer = facts.issuer;
    this.#keyPem = keyPem;
    Object.freeze(this);
  }

  /** PEM, secret. */
  get keyPem(): string {
    return this.#keyPem;
  }

  toJSON(): object {
    const { id, serial, fingerprintSha256, issuer, notBeforeMs, notAfterMs } = this;
    return { id: id.toString(), serial, fingerprintSha256, issuer, notBeforeMs, notAfterMs };
  }

  [inspect.custom](): string {
    return `X509Svid(${this.id}, serial ${this.serial})`;
  }
}

/** An own SVID serves as both (X509-SVID §4.4: both purposes where the extension is present). */
const ownRoles: readonly PeerRole[] = ['server', 'client'];

/**
 * Parses and checks an own SVID: leaf rules, chain order, validity, and that the key is the leaf's.
 * @throws PosternError ERR_SVID_CERTIFICATE, ERR_SVID_REFUSED, ERR_SVID_CHAIN, ERR_SVID_KEY or ERR_SVID_KEY_MISMATCH
 */
export function parseX509Svid(input: X509SvidInput): X509Svid {
  const { certFile, keyFile, nowMs } = input;
  const certificates = certificatesFromPem(input.certPem, { file: certFile, code: 'ERR_SVID_CERTIFICATE' });
  const leaf = certificates[0]!;
  const { key, pem } = privateKeyFromPem(input.keyPem, { file: keyFile, code: 'ERR_SVID_KEY' });
  assertLeafFirst(certificates, { file: certFile, code: 'ERR_SVID_CHAIN' }, (candidate) =>
    candidate.checkPrivateKey(key),
  );
  assertKeyFits(leaf, key, { file: keyFile, certFile, code: 'ERR_SVID_KEY_MISMATCH' });
  const facts = readFacts(leaf, { file: certFile, code: 'ERR_SVID_CERTIFICATE' });
  assertLeafRules(facts, nowMs, { file: certFile, code: 'ERR_SVID_REFUSED' });
  assertChain(certificates, { file: certFile, code: 'ERR_SVID_CHAIN' });
  return new X509Svid(certificates, facts, pem);
}

function readFacts(leaf: X509Certificate, faults: PemFaults): CertificateFacts {
  try {
    return readCertificateFacts(leaf);
  } catch (cause) {
    const what = isPosternError(cause) ? cause.message : 'the certificate cannot be read';
    throw fault(faults, `cannot be used: ${what}`, 'issue the certificate with another tool', cause);
  }
}

function assertLeafRules(facts: CertificateFacts, nowMs: number, faults: PemFaults): void {
  const refusals = leafRefusals(facts, ownRoles, nowMs);
  const [first] = refusals;
  if (first === undefined) return;
  const all = refusals.map((one) => `${one.detail} (${one.cause})`).join('; ');
  throw fault(faults, `is not an X509-SVID that peers would accept: ${all}`, refusalCauses[first.cause].mend);
}

function assertLeafFirst(
  certificates: readonly X509Certificate[],
  faults: PemFaults,
  isOwn: (candidate: X509Certificate) => boolean,
): void {
  const own = certificates.findIndex((candidate) => safely(() => isOwn(candidate)));
  if (own > 0)
    throw fault(faults, `has its leaf as certificate ${own + 1}`, 'put the leaf first, then the intermediates');
}

function assertChain(certificates: readonly X509Certificate[], faults: PemFaults): void {
  for (let at = 1; at < certificates.length; at++) {
    const [child, parent] = [certificates[at - 1]!, certificates[at]!];
    if (!safely(() => child.checkIssued(parent) && child.verify(parent.publicKey))) {
      const what = `is not a chain: certificate ${at + 1} did not issue certificate ${at}`;
      throw fault(faults, what, 'put the leaf first, then each issuer after what it issued');
    }
    // X509-SVID §4.1; that it may sign at all was asked by checkIssued.
    if (readFacts(parent, faults).isCa) continue;
    throw fault(
      faults,
      `has a certificate (number ${at + 1}) that signs without being a CA`,
      refusalCauses.issuer_not_ca.mend,
    );
  }
}

function safely(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false; // a key of another type or one that OpenSSL cannot use
  }
}
