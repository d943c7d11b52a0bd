// Certificates of peers, DER: the input is one certificate, whose signature nearly every change breaks.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { isPosternError } from '../../../src/errors.ts';
import { BundleSet } from '../../../src/identity/bundle-set.ts';
import { type CertificateFacts, readCertificateFacts } from '../../../src/identity/certificate-facts.ts';
import { type DerElement, derChildren, derHex, readDer } from '../../../src/identity/der.ts';
import { inspectCertificates } from '../../../src/identity/inspect.ts';
import { leafRefusals, leafSpiffeId } from '../../../src/identity/leaf-rules.ts';
import { RevocationList } from '../../../src/identity/revocation-list.ts';
import { createTrustBundle } from '../../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../../src/identity/trust-domain.ts';
import { octets } from '../../wire/recorded-events.ts';
import { mutateDer } from '../engine/der-mutation.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';
import { pemOf, seedCertificates } from './seed-certificates.ts';

const nowMs = Date.now();
const bundles = bundlesOfSeeds();
const trusted = new Set(seedCertificates.map(({ raw }) => bodyOf(raw)));

const tokens = [
  ...['spiffe://prod.acme.com/x', 'spiffe://prod.acme.com/x\0', '\r\n', '\0', '\xff', '\x80', '\x01\x01\xff', '\x05\0'],
  ...[
    '\x55\x1d\x11',
    '\x55\x1d\x13',
    '\x55\x1d\x0f',
    '\x55\x1d\x1e',
    '\x55\x1d\x25',
    '20491231235959Z',
    '490101000000Z',
  ],
  ...[
    '\x30\x80',
    '\x30\x82\xff\xff',
    '\x84\xff\xff\xff\xff',
    '\x7f'.repeat(21),
    '\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a',
  ],
];

/** The fuzzing of certificates. */
export const certificates: FuzzTarget = {
  name: 'certificates',
  promise: 'only coded errors; what is read agrees with OpenSSL; no changed certificate is accepted',
  covers: ['src/identity'],
  seeds: seedCertificates.map(({ raw }) => raw.toString('latin1')),
  dictionary: tokens,
  mutate: (input, { random }) => mutateDer(input, random, tokens),
  check: checkCertificate,
};

function bundlesOfSeeds(): BundleSet {
  const domain = TrustDomain.parse('prod.acme.com');
  const authority = seedCertificates.find(({ ca }) => ca)!;
  return new BundleSet([createTrustBundle(domain, [authority])]);
}

function checkCertificate(input: string): void {
  const bytes = octets(input);
  onlyCoded(() => walk(readDer(bytes), 0));
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(bytes);
  } catch {
    return; // OpenSSL refuses it: no handshake gets that far.
  }
  const facts = onlyCoded(() => readCertificateFacts(certificate));
  if (facts !== null) assertFactsAgree(facts, certificate);
  const view = inspectCertificates({
    text: pemOf(certificate.raw),
    file: 'f',
    bundles,
    revocations: RevocationList.empty,
    roles: ['client'],
    nowMs,
  });
  assert.ok(!view.accepted || trusted.has(bodyOf(certificate.raw)), 'a changed certificate was accepted');
  assert.doesNotMatch(JSON.stringify(view), /\\[rn]|\\u00/, 'a control octet of the certificate gets to the terminal');
}

function assertFactsAgree(facts: CertificateFacts, certificate: X509Certificate): void {
  assert.equal(facts.fingerprintSha256, certificate.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.equal(BigInt(`0x${facts.serial}`), BigInt(`0x${certificate.serialNumber}`), 'OpenSSL reads another serial');
  assert.equal(facts.notBeforeMs, certificate.validFromDate.getTime(), 'OpenSSL reads another begin');
  assert.equal(facts.notAfterMs, certificate.validToDate.getTime(), 'OpenSSL reads another end');
  if (certificate.ca) assert.ok(facts.isCa, 'OpenSSL takes it for a CA');
  const refusals = leafRefusals(facts, ['client', 'server'], nowMs);
  const id = onlyCoded(() => leafSpiffeId(facts));
  if (refusals.length > 0) return;
  assert.ok(id !== null && id.path !== '', 'a leaf without refusals has an ID');
  // Node writes SANs as text that cannot be parsed safely; a sole plain URI it writes in one way only.
  assert.ok(certificate.subjectAltName?.includes(`URI:${id}`), `OpenSSL reads ${certificate.subjectAltName}`);
}

/** Reads every element, as deep as they go. */
function walk(element: DerElement, depth: number): void {
  if ((element.tag & 0x20) === 0 || depth > 32) return;
  for (const child of derChildren(element)) walk(child, depth + 1);
}

/** The part that is signed. */
function bodyOf(raw: Buffer): string {
  return derHex(derChildren(readDer(raw))[0]!);
}

function onlyCoded<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    assert.ok(isPosternError(error), `an error without a code: ${String(error)}`);
    return null;
  }
}
