// The DER reader against an outside referee, and against bytes that were tampered with: only coded errors leave it.

import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { readCertificateFacts } from '../../src/identity/certificate-facts.ts';
import { keyWeakness, signatureWeakness } from '../../src/identity/certificate-strength.ts';
import { derChildren, readDer } from '../../src/identity/der.ts';
import { readObjectId, readTimeMs } from '../../src/identity/der-values.ts';
import { der as readableDer } from './certificate-encoder.ts';
import { createReferee } from './certificate-referee.ts';
import { type Made, makeCa, makeLeaf, rsaKeys } from './workshop.ts';

let ca: Made;
let leaf: Made;

before(async () => {
  ca = await makeCa({ uris: ['spiffe://td'], pathLength: 3 });
  leaf = await makeLeaf({ issuer: ca, uris: ['spiffe://td/x'], dns: ['localhost'] });
});

test('reads of right certificates what @peculiar/x509 and node read', async () => {
  const kinds = [
    {},
    { keys: rsaKeys(2048) },
    { keys: generateKeyPairSync('ed25519') },
    { subject: '' },
    { subject: 'CN=a+O=b, C=DE' },
  ];
  for (const spec of kinds) {
    const made = await makeLeaf({ issuer: ca, uris: ['spiffe://td/x'], dns: ['localhost'], ...spec });
    const facts = readCertificateFacts(made.certificate);
    const referee = createReferee(made.pem);
    assert.equal(facts.serial, made.certificate.serialNumber);
    assert.equal(facts.fingerprintSha256, made.certificate.fingerprint256.replaceAll(':', '').toLowerCase());
    assert.equal(facts.notBeforeMs, referee.notBeforeMs);
    assert.equal(facts.notAfterMs, referee.notAfterMs);
    assert.deepEqual(
      facts.subjectAltNames?.map((name) => [name.kind, name.text]),
      referee.names,
    );
    assert.equal(facts.keyUsage, referee.keyUsage);
    assert.deepEqual(facts.extendedKeyUsage, referee.purposes);
    assert.equal(facts.subjectKeyId, referee.subjectKeyId);
    assert.equal(facts.authorityKeyId, referee.authorityKeyId);
    assert.equal(facts.isCa, false);
    assert.equal(facts.subjectDer, referee.subjectDer);
    assert.equal(facts.issuerDer, referee.issuerDer);
  }
});

test('reads the limits of a CA', () => {
  const facts = readCertificateFacts(ca.certificate);
  assert.equal(facts.isCa, true);
  assert.equal(facts.pathLength, 3);
  assert.equal(facts.subject, 'CN=Test CA');
});

test('a subject cannot forge a record: separators, line breaks and control characters are escaped', async () => {
  const made = await makeLeaf({
    issuer: ca,
    uris: ['spiffe://td/x'],
    subject: [{ CN: ['a,O=Root\r\n\x1b"\\\u2028é'] }],
  });
  const { subject } = readCertificateFacts(made.certificate);
  assert.match(subject, /^[\x20-\x7e]*$/);
  assert.ok(subject.startsWith('CN=a\\,O\\=Root\\x0d\\x0a\\x1b\\"'), subject);
});

test('the strength of keys and signatures is read from what was signed', () => {
  assert.equal(keyWeakness(readCertificateFacts(leaf.certificate)), null);
  assert.equal(signatureWeakness(readCertificateFacts(leaf.certificate)), null);
});

test('property: a certificate with any byte changed is read, or refused with a code, and never read otherwise than node reads it', () => {
  const good = leaf.certificate.raw;
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(good);
      bytes[at] = bytes[at]! ^ change;
      const certificate = parseOrNull(bytes);
      if (certificate === null) return;
      const facts = factsOrNull(certificate);
      if (facts === null) return;
      assert.equal(facts.serial, certificate.serialNumber);
      // OpenSSL lets seconds be absent or a zone be given; the strict reader does not, so what it reads is the same.
      assert.equal(facts.notAfterMs, certificate.validToDate.getTime());
    }),
    { numRuns: 3000 },
  );
});

function parseOrNull(bytes: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(bytes);
  } catch {
    return null;
  }
}

function factsOrNull(certificate: X509Certificate): ReturnType<typeof readCertificateFacts> | null {
  try {
    return readCertificateFacts(certificate);
  } catch (error) {
    assert.ok(isPosternError(error, 'ERR_CERTIFICATE_MALFORMED'), String(error));
    return null;
  }
}

test('property: random bytes are refused with a code or read within their own bounds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        const element = readDer(bytes);
        assert.equal(element.end, bytes.length);
        derChildren(element);
      } catch (error) {
        assert.ok(isPosternError(error, 'ERR_CERTIFICATE_MALFORMED'), String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('lengths have one form: shortest, definite, nothing left over', () => {
  const bad = [
    [],
    [0x30],
    [0x30, 0x80, 0, 0],
    [0x30, 0x81, 0x01, 0x05],
    [0x30, 0x82, 0x00, 0x01, 0x05],
    [0x30, 0x02, 0x05],
    [0x30, 0x00, 0x00],
    [0x1f, 0x81, 0x01, 0x00],
    [0x30, 0x84, 0, 0, 0, 0],
    [0x30, 0xff],
    [0x30, 0x83, 0xff, 0xff, 0xff],
  ];
  for (const bytes of bad)
    assert.throws(() => readDer(Uint8Array.from(bytes)), { code: 'ERR_CERTIFICATE_MALFORMED' }, bytes.join(' '));
});

test('an indefinite length is refused though as many bytes follow as its byte says', () => {
  assert.throws(() => readDer(Uint8Array.from([0x30, 0x80, ...new Array(0x80).fill(0)])), /indefinite/);
});

test('an outer signature algorithm that differs from the signed one is refused', () => {
  const bytes = Buffer.from(leaf.certificate.raw);
  const ecdsaWithSha256 = Buffer.from('2a8648ce3d040302', 'hex');
  bytes[bytes.lastIndexOf(ecdsaWithSha256) + 7] = 3; // SHA-384
  assert.throws(() => readCertificateFacts(new X509Certificate(bytes)), /two signature algorithms differ/);
});

test('times have one form, and exist', () => {
  const read = (tag: number, text: string) => readTimeMs(readDer(readableDer(tag, text)));
  assert.equal(read(0x17, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
  assert.equal(read(0x17, '500101000000Z'), Date.UTC(1950, 0, 1));
  assert.equal(read(0x18, '20500101000000Z'), Date.UTC(2050, 0, 1));
  assert.equal(read(0x18, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
  const bad: [number, string][] = [
    [0x17, '2601010000Z'],
    [0x17, '260101000000+0100'],
    [0x17, '260101000000'],
    [0x17, '260230000000Z'],
    [0x17, '261301000000Z'],
    [0x17, '260101240000Z'],
    [0x17, '260101006000Z'],
    [0x18, '20260101000000.5Z'],
    [0x18, '260101000000Z'],
    [0x16, '260101000000Z'],
    [0x17, '2601010000 0Z'],
  ];
  for (const [tag, text] of bad) assert.throws(() => read(tag, text), { code: 'ERR_CERTIFICATE_MALFORMED' }, text);
});

test('object identifiers have one form', () => {
  const read = (...bytes: number[]) => readObjectId(readDer(readableDer(0x06, Uint8Array.from(bytes))));
  assert.equal(read(0x55, 0x1d, 0x11), '2.5.29.17');
  assert.equal(read(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d), '1.2.840.113549');
  assert.equal(read(0x88, 0x37), '2.999');
  for (const bytes of [
    [],
    [0x80, 0x01],
    [0x55, 0x80, 0x01],
    [0x55, 0x81],
    [0x55, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  ]) {
    assert.throws(() => read(...bytes), { code: 'ERR_CERTIFICATE_MALFORMED' });
  }
});
