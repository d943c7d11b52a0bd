// The own SVID: every fault of its two files is a coded error that names the file and the mend; and its key stays secret.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, test } from 'node:test';
import { inspect } from 'node:util';
import { type ErrorCode, isPosternError } from '../../src/errors.ts';
import { parseX509Svid, type X509Svid } from '../../src/identity/x509-svid.ts';
import { hourMs, type Made, makeCa, makeLeaf, purpose, rsaKeys } from './workshop.ts';

const id = 'spiffe://a.example/ns/payments/api';
let ca: Made;
let middle: Made;
let leaf: Made;

before(async () => {
  ca = await makeCa();
  middle = await makeCa({ subject: 'CN=Middle', issuer: ca });
  leaf = await makeLeaf({ issuer: middle, uris: [id] });
});

function parse(certPem: string, keyPem: string): X509Svid {
  return parseX509Svid({ certPem, keyPem, certFile: 'my.crt', keyFile: 'my.key', nowMs: Date.now() });
}

/** The code and text of the fault of a pair of files. */
function faultOf(certPem: string, keyPem: string): { code: ErrorCode; text: string } {
  try {
    parse(certPem, keyPem);
  } catch (error) {
    assert.ok(isPosternError(error), String(error));
    assert.match(error.message, /^[\x20-\x7e]+[^.]$/);
    return { code: error.code, text: `${error.message}; ${error.mend}` };
  }
  return assert.fail('it was accepted');
}

test('a chain with its key is an SVID', () => {
  const svid = parse(leaf.pem + middle.pem, leaf.keyPem);
  assert.equal(svid.id.toString(), id);
  assert.equal(svid.certificates.length, 2);
  assert.equal(svid.serial, leaf.certificate.serialNumber);
  assert.equal(svid.fingerprintSha256, leaf.certificate.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.equal(svid.issuer, 'CN=Middle');
});

test('text around the blocks, CRLF and other blocks do no harm', () => {
  const certPem = `Bag Attributes\n  name: x\n${leaf.pem}\nsubject=x\n${middle.pem}`.replaceAll('\n', '\r\n');
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  assert.equal(parse(certPem, parameters + leaf.keyPem).certificates.length, 2);
  assert.equal(parse(leaf.pem + leaf.keyPem, leaf.pem + leaf.keyPem).id.toString(), id);
});

test('keys are read in the forms that openssl writes', async () => {
  const sec1 = leaf.keys.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  assert.equal(parse(leaf.pem, sec1).keyPem, sec1.trimEnd());
  const rsa = await makeLeaf({ issuer: ca, uris: [id], keys: rsaKeys(2048) });
  parse(rsa.pem, rsa.keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const ed = await makeLeaf({ issuer: ca, uris: [id], keys: generateKeyPairSync('ed25519') });
  parse(ed.pem, ed.keyPem);
});

test('the key is not in JSON, not in inspect, not in a copy', () => {
  const svid = parse(leaf.pem, leaf.keyPem);
  const secret = leaf.keyPem.split('\n')[1]!;
  const printed = [
    JSON.stringify(svid),
    inspect(svid, { showHidden: true, depth: 9 }),
    inspect({ svid }),
    `${svid}`,
    JSON.stringify({ ...svid }),
  ];
  for (const text of printed) assert.ok(!text.includes(secret));
  assert.ok(svid.keyPem.includes(secret));
});

test('a key of another certificate is named with both files', () => {
  const fault = faultOf(leaf.pem, middle.keyPem);
  // The middle's certificate is not in the chain, so this is no matter of order.
  assert.equal(fault.code, 'ERR_SVID_KEY_MISMATCH');
  assert.match(fault.text, /`my\.key` does not hold the key.*my\.crt/);
});

test('a key of another type than the certificate does not fit', () => {
  const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.equal(faultOf(leaf.pem, ed).code, 'ERR_SVID_KEY_MISMATCH');
});

test('a chain in the wrong order is told how to be right', () => {
  const swapped = faultOf(middle.pem + leaf.pem, leaf.keyPem);
  assert.equal(swapped.code, 'ERR_SVID_CHAIN');
  assert.match(swapped.text, /leaf as certificate 2; put the leaf first/);
  const gap = faultOf(leaf.pem + ca.pem, leaf.keyPem);
  assert.equal(gap.code, 'ERR_SVID_CHAIN');
  assert.match(gap.text, /certificate 2 did not issue certificate 1/);
});

test('swapped files are told as such', () => {
  const fault = faultOf(leaf.keyPem, leaf.pem);
  assert.equal(fault.code, 'ERR_SVID_CERTIFICATE');
  assert.match(fault.text, /no certificate but PRIVATE KEY; check that certificate and key files are not swapped/);
  assert.match(faultOf(leaf.pem, leaf.pem).text, /`my\.key` holds no private key.*swapped/);
});

test('an encrypted key is told how to be decrypted, in both forms', () => {
  const pkcs8 = leaf.keys.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  const sec1 = leaf.keys.privateKey
    .export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  for (const keyPem of [pkcs8, sec1]) {
    const fault = faultOf(leaf.pem, keyPem);
    assert.equal(fault.code, 'ERR_SVID_KEY');
    assert.match(fault.text, /encrypted key; write it without a passphrase/);
  }
});

test('DER in place of PEM, an empty file, rubbish and cut files are told apart', () => {
  const texts: readonly [string, RegExp][] = [
    [leaf.certificate.raw.toString('latin1'), /looks like DER; convert it: openssl x509 -inform der/],
    ['', /is empty/],
    ['   \n', /is empty/],
    ['hello', /is not PEM/],
    [leaf.pem.slice(0, 100), /cut short/],
    [leaf.pem + middle.pem.slice(0, 100), /cut short/],
    [leaf.pem.replace(/\n[^\n]{4}/, '\nAAAA'), /cannot be read/],
  ];
  for (const [text, expected] of texts) {
    const fault = faultOf(text, leaf.keyPem);
    assert.equal(fault.code, 'ERR_SVID_CERTIFICATE');
    assert.match(fault.text, expected);
  }
});

test('a broken key is refused without a byte of it in the message', () => {
  const broken = leaf.keyPem.replace(/\n(.)/, '\nAAAA$1');
  const fault = faultOf(leaf.pem, broken);
  assert.equal(fault.code, 'ERR_SVID_KEY');
  assert.ok(!fault.text.includes(leaf.keyPem.split('\n')[1]!.slice(0, 8)));
  assert.match(faultOf(leaf.pem, leaf.keyPem + middle.keyPem).text, /2 private keys/);
  assert.match(faultOf(leaf.pem, '').text, /is empty/);
  assert.match(faultOf(leaf.pem, 'rubbish').text, /is not PEM/);
});

test('what peers would refuse is refused here, with every fault at once and the mend of the first', async () => {
  const bad = await makeLeaf({ issuer: ca, uris: [], purposes: [purpose.serverAuth] });
  const fault = faultOf(bad.pem, bad.keyPem);
  assert.equal(fault.code, 'ERR_SVID_REFUSED');
  assert.match(fault.text, /uri_san_count.*extended_key_usage/);
  assert.match(fault.text, /issue it with exactly one URI SAN/);
});

test('a certificate that is not valid now is refused', async () => {
  const expired = await makeLeaf({
    issuer: ca,
    uris: [id],
    notBeforeMs: Date.now() - 2 * hourMs,
    notAfterMs: Date.now() - hourMs,
  });
  assert.match(faultOf(expired.pem, expired.keyPem).text, /it expired at 20.*Z \(expired\)/);
  const early = await makeLeaf({
    issuer: ca,
    uris: [id],
    notBeforeMs: Date.now() + hourMs,
    notAfterMs: Date.now() + 2 * hourMs,
  });
  assert.match(faultOf(early.pem, early.keyPem).text, /valid only from/);
});

test('a file name cannot forge a message', () => {
  const input = { certPem: '', keyPem: '', certFile: 'a\r\nb`c', keyFile: 'k', nowMs: 0 };
  assert.throws(() => parseX509Svid(input), { message: '`a\\x0d\\x0ab\\x60c` is empty' });
});
