// Each rule of ours for a leaf with a certificate that breaks just that rule, by its cause; and what must not be refused.
// The rules of the X509-SVID standard are in test/referees.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, test } from 'node:test';
import type { RefusalCause } from '../../src/identity/refusal-causes.ts';
import { der } from './certificate-encoder.ts';
import {
  ecKeys,
  hourMs,
  type Made,
  makeCa,
  makeLeaf,
  purpose,
  rawExtension,
  rsaKeys,
  type Spec,
  unknownExtension,
} from './workshop.ts';
import { bundleOf, judge, outcome } from './worlds.ts';

const id = 'spiffe://a.example/ns/payments/api';
let ca: Made;

before(async () => {
  ca = await makeCa();
});

async function causeOf(spec: Spec, judging: Parameters<typeof judge>[2] = {}): Promise<string> {
  const leaf = await makeLeaf({ issuer: ca, uris: [id], ...spec });
  return outcome(judge(leaf, [bundleOf('a.example', ca)], judging));
}

const uri = (text: string) => der(0x86, text);
const san = (...names: Buffer[]) => der(0x30, ...names);

const defects: readonly [what: string, spec: Spec, cause: RefusalCause][] = [
  ['an empty URI beside it', { sanDer: san(uri(''), uri(id)) }, 'uri_san_count'],
  ['an upper-case trust domain', { uris: ['spiffe://A.example/x'] }, 'spiffe_id_invalid'],
  ['a query', { uris: [`${id}?x=1`] }, 'spiffe_id_invalid'],
  ['a port', { uris: ['spiffe://a.example:443/x'] }, 'spiffe_id_invalid'],
  ['userinfo', { uris: ['spiffe://u@a.example/x'] }, 'spiffe_id_invalid'],
  ['a NUL and more', { sanDer: san(uri(`${id}\0.evil`)) }, 'spiffe_id_invalid'],
  ['a leading NUL', { sanDer: san(uri(`\0${id}`)) }, 'spiffe_id_invalid'],
  ['CR LF and a header', { sanDer: san(uri(`${id}\r\nx-admin: 1`)) }, 'spiffe_id_invalid'],
  [
    'a comma and what node would print as a second name',
    { sanDer: san(uri(`${id}, URI:spiffe://a.example/admin`)) },
    'spiffe_id_invalid',
  ],
  ['bytes above ASCII', { sanDer: san(uri(`${id}\xe9`)) }, 'spiffe_id_invalid'],
  ['an EKU of any purpose only', { purposes: ['2.5.29.37.0'] }, 'extended_key_usage'],
  ['a critical extension that nobody knows', { extensions: [unknownExtension(true)] }, 'unknown_critical_extension'],
  ['RSA 1024', { keys: rsaKeys(1024) }, 'key_weak'],
  ['P-521, which is on no list', { keys: ecKeys('P-521') }, 'key_weak'],
  ['secp256k1', { keys: ecKeys('secp256k1') }, 'key_weak'],
  ['Ed448', { keys: generateKeyPairSync('ed448') }, 'key_weak'],
  ['a SHA-1 signature', { digest: 'SHA-1' }, 'signature_weak'],
  ['an end in the past', { notBeforeMs: Date.now() - 2 * hourMs, notAfterMs: Date.now() - 2000 }, 'expired'],
  ['a beginning in two minutes', { notBeforeMs: Date.now() + 120_000 }, 'not_yet_valid'],
  ['two SAN extensions', { extensions: [rawExtension('2.5.29.17', false, san(uri(id)))] }, 'certificate_malformed'],
  ['a SAN with bytes behind it', { sanDer: Buffer.concat([san(uri(id)), Buffer.from([0])]) }, 'certificate_malformed'],
  [
    'a SAN in indefinite length (BER)',
    { sanDer: Buffer.concat([Buffer.from([0x30, 0x80]), uri(id), Buffer.from([0, 0])]) },
    'certificate_malformed',
  ],
  [
    'a SAN with a long-form length',
    { sanDer: Buffer.concat([Buffer.from([0x30, 0x81, id.length + 2]), uri(id)]) },
    'certificate_malformed',
  ],
  ['a SAN that is constructed (BER)', { sanDer: san(der(0xa6, der(0x16, id))) }, 'certificate_malformed'],
];

for (const [what, spec, cause] of defects) {
  test(`refuses a leaf with ${what}: ${cause}`, async () => {
    assert.equal(await causeOf(spec), cause);
  });
}

const accepted: readonly [what: string, spec: Spec][] = [
  ['P-256 and both purposes', {}],
  ['P-384', { keys: ecKeys('P-384') }],
  ['RSA 2048', { keys: rsaKeys(2048) }],
  ['Ed25519', { keys: generateKeyPairSync('ed25519') }],
  ['an unknown extension that is not critical', { extensions: [unknownExtension(false)] }],
  ['no authority key identifier', { authorityKeyId: false }],
  ['an empty subject', { subject: '' }],
  ['a beginning in half a minute: clocks differ', { notBeforeMs: Date.now() + 30_000 }],
  ['SHA-384', { digest: 'SHA-384' }],
];

for (const [what, spec] of accepted) {
  test(`accepts a leaf with ${what}`, async () => {
    assert.equal(await causeOf(spec), 'accepted');
  });
}

test('an EKU is judged by the role: serverAuth alone serves but does not call', async () => {
  assert.equal(await causeOf({ purposes: [purpose.serverAuth] }, { role: 'server' }), 'accepted');
  assert.equal(await causeOf({ purposes: [purpose.clientAuth] }, { role: 'server' }), 'extended_key_usage');
  assert.equal(await causeOf({ purposes: [purpose.clientAuth] }, { role: 'client' }), 'accepted');
});

test('clock skew of 60 s counts at the beginning only, to the millisecond', async () => {
  const start = Math.floor(Date.now() / 1000) * 1000;
  const spec = { notBeforeMs: start, notAfterMs: start + hourMs };
  const leaf = await makeLeaf({ issuer: ca, uris: [id], ...spec });
  const at = (nowMs: number) => outcome(judge(leaf, [bundleOf('a.example', ca)], { nowMs }));
  assert.equal(at(start - 60_000), 'accepted');
  assert.equal(at(start - 60_001), 'not_yet_valid');
  assert.equal(at(start + hourMs), 'accepted');
  assert.equal(at(start + hourMs + 1), 'expired');
});

test('what is shown of a hostile SAN is on one line and printable', async () => {
  const leaf = await makeLeaf({ issuer: ca, sanDer: san(uri(`${id}\r\nSet-Cookie: \x1b[31m\0`)) });
  const verdict = judge(leaf, [bundleOf('a.example', ca)]);
  assert.ok(!verdict.ok);
  assert.match(verdict.shown ?? '', /^[\x20-\x7e]*$/);
  assert.match(verdict.detail, /^[\x20-\x7e]*$/);
  assert.equal(verdict.shown, `${id}\\x0d\\x0aSet-Cookie: \\x1b[31m\\x00`);
});

test('a leaf that another key of the same name signed is refused', async () => {
  const twin = await makeCa();
  const leaf = await makeLeaf({ issuer: twin, uris: [id] });
  assert.equal(outcome(judge(leaf, [bundleOf('a.example', ca)])), 'authority_unknown');
});
