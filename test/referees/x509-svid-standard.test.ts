// Referee: the X509-SVID standard, rule by rule, each with a certificate that keeps or breaks just that rule. Rules for
// issuers that a verifier need not enforce, and where Postern asks for more, are said in the row.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isPosternError } from '../../src/errors.ts';
import type { RefusalCause } from '../../src/identity/refusal-causes.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import { der } from '../identity/certificate-encoder.ts';
import {
  type Made,
  makeCa,
  makeLeaf,
  purpose,
  rawExtension,
  type Spec,
  uriConstraints,
  usage,
} from '../identity/workshop.ts';
import { bundleOf, judge, outcome } from '../identity/worlds.ts';

const id = 'spiffe://a.example/ns/payments/api';
const { digitalSignature, keyEncipherment, keyAgreement, keyCertSign, cRLSign } = usage;
let root: Made;

before(async () => {
  root = await makeCa({ subject: 'CN=Root', uris: ['spiffe://a.example'] });
});

type Outcome = RefusalCause | 'accepted';
type Row = readonly [rule: string, spec: Spec, expected: Outcome];

const san = (critical: boolean) => rawExtension('2.5.29.17', critical, der(0x30, der(0x86, id)));
const bits = (value: number) => rawExtension('2.5.29.15', false, der(0x03, Buffer.from([7, value])));
const bothPurposes = () => der(0x30, oid(1), oid(2));
const oid = (last: number) => der(0x06, Buffer.from([0x2b, 6, 1, 5, 5, 7, 3, last]));

const leaves: readonly Row[] = [
  ['§2: one URI SAN is the SPIFFE ID', {}, 'accepted'],
  ['§2: no URI SAN', { uris: [] }, 'uri_san_count'],
  ['§2: a DNS SAN is no SPIFFE ID', { uris: [], dns: ['a.example'] }, 'uri_san_count'],
  ['§2: two SPIFFE IDs', { uris: [id, `${id}2`] }, 'uri_san_count'],
  ['§2: the same SPIFFE ID twice', { uris: [id, id] }, 'uri_san_count'],
  ['§2: a SPIFFE ID and another URI', { uris: [id, 'https://a.example/'] }, 'uri_san_count'],
  ['§2: another URI and a SPIFFE ID', { uris: ['https://a.example/', id] }, 'uri_san_count'],
  ['§2: SANs of other kinds beside it', { dns: ['localhost', 'api.payments.svc'] }, 'accepted'],
  ['§3.1: a SPIFFE ID without a path', { uris: ['spiffe://a.example'] }, 'spiffe_id_without_path'],
  ['§3.1: no subject, and a critical SAN', { subject: '', uris: [], extensions: [san(true)] }, 'accepted'],
  // Issuers mark it; what a SAN says binds us either way, so nothing is gained by a refusal.
  ['§3.1: no subject, and a SAN that is not critical', { subject: '', uris: [], extensions: [san(false)] }, 'accepted'],
  ['§3.2: a signing certificate that shows itself', { isCa: true, keyUsage: keyCertSign }, 'leaf_is_ca'],
  ['§4.1: cA true', { isCa: true }, 'leaf_is_ca'],
  ['§4.1: no basic constraints, which is cA false', { isCa: null }, 'accepted'],
  ['§4.3: no key usage', { keyUsage: null }, 'key_usage_missing'],
  // Issuers mark it critical; it is read either way.
  ['§4.3: a key usage that is not critical', { keyUsage: null, extensions: [bits(0x80)] }, 'accepted'],
  ['§4.3: not critical, with keyCertSign', { keyUsage: null, extensions: [bits(0x84)] }, 'leaf_can_sign'],
  ['§4.3: no digitalSignature', { keyUsage: keyEncipherment }, 'digital_signature_missing'],
  ['§4.3: keyEncipherment beside it', { keyUsage: digitalSignature | keyEncipherment }, 'accepted'],
  ['§4.3: keyAgreement beside it', { keyUsage: digitalSignature | keyAgreement }, 'accepted'],
  ['§4.3: keyCertSign', { keyUsage: digitalSignature | keyCertSign }, 'leaf_can_sign'],
  ['§4.3: cRLSign', { keyUsage: digitalSignature | cRLSign }, 'leaf_can_sign'],
  ['§4.4: no extended key usage', { purposes: null }, 'accepted'],
  [
    '§4.4: an extended key usage that is critical',
    { purposes: null, extensions: [rawExtension('2.5.29.37', true, bothPurposes())] },
    'accepted',
  ],
  [
    '§4.4: an extended key usage without clientAuth, from a client',
    { purposes: [purpose.serverAuth] },
    'extended_key_usage',
  ],
  // The own certificate needs both (below). Of a peer only what it does is asked: it does no harm as what it is not.
  ['§4.4: an extended key usage without serverAuth, from a client', { purposes: [purpose.clientAuth] }, 'accepted'],
  ['§5.2: a scheme that is not spiffe', { uris: ['https://a.example/ns/payments/api'] }, 'spiffe_id_invalid'],
  ['§5.2: a root path', { uris: ['spiffe://a.example/'] }, 'spiffe_id_invalid'],
];

for (const [rule, spec, expected] of leaves) {
  test(`X509-SVID ${rule}: ${expected}`, async () => {
    const leaf = await makeLeaf({ issuer: root, uris: [id], ...spec });
    assert.equal(outcome(judge(leaf, [bundleOf('a.example', root)])), expected);
  });
}

const signers: readonly Row[] = [
  ['§3.2: no SPIFFE ID', {}, 'accepted'],
  ['§3.2: the SPIFFE ID of the trust domain', { uris: ['spiffe://a.example'] }, 'accepted'],
  ['§3.2: a SPIFFE ID with a path', { uris: ['spiffe://a.example/ca'] }, 'issuer_spiffe_id'],
  // The standard says SHOULD: one that is named for another trust domain vouches for that one only.
  ['§3.2, stricter: the SPIFFE ID of another trust domain', { uris: ['spiffe://b.example'] }, 'issuer_spiffe_id'],
  ['§2: two URI SANs', { uris: ['spiffe://a.example', 'spiffe://a.example'] }, 'issuer_spiffe_id'],
  ['§4.1: cA false', { isCa: false }, 'issuer_not_ca'],
  ['§4.1: no basic constraints', { isCa: null }, 'issuer_not_ca'],
  ['§4.1: a path length that is kept', { pathLength: 0 }, 'accepted'],
  ['§4.2: a URI name constraint that permits it', { extensions: [uriConstraints(['a.example'])] }, 'accepted'],
  ['§4.2: a URI name constraint for another', { extensions: [uriConstraints(['b.example'])] }, 'name_constraint'],
  [
    '§4.2: a URI name constraint that excludes it',
    { extensions: [uriConstraints([], ['a.example'])] },
    'name_constraint',
  ],
  ['§4.3: no keyCertSign', { keyUsage: digitalSignature | cRLSign }, 'issuer_key_usage'],
  ['§4.3: keyCertSign without cRLSign', { keyUsage: keyCertSign }, 'accepted'],
  // A CA above the trust domain need not be an SVID (§3.2); RFC 5280 §6.1.4 (n) judges a key usage that is there.
  ['§4.3: no key usage', { keyUsage: null }, 'accepted'],
  ['§4.4: no extended key usage', { purposes: null }, 'accepted'],
  ['§4.4: one that fits binds what is below', { purposes: [purpose.clientAuth] }, 'accepted'],
  ['§4.4: one that does not fit binds what is below', { purposes: [purpose.codeSigning] }, 'issuer_extended_key_usage'],
];

for (const [rule, spec, expected] of signers) {
  test(`X509-SVID ${rule}, of an intermediate: ${expected}`, async () => {
    const middle = await makeCa({ subject: 'CN=Middle', issuer: root, ...spec });
    const leaf = await makeLeaf({ issuer: middle, uris: [id] });
    assert.equal(outcome(judge(leaf, [bundleOf('a.example', root)], { via: [middle] })), expected);
  });
}

test('X509-SVID §4.1: a path length that is exceeded: path_length_exceeded', async () => {
  const tight = await makeCa({ subject: 'CN=Tight', pathLength: 0 });
  const middle = await makeCa({ subject: 'CN=Middle', issuer: tight });
  const leaf = await makeLeaf({ issuer: middle, uris: [id] });
  assert.equal(outcome(judge(leaf, [bundleOf('a.example', tight)], { via: [middle] })), 'path_length_exceeded');
});

test('X509-SVID §5.1: the path ends at a certificate of the bundle, whatever else the peer sends', async () => {
  const stranger = await makeCa({ subject: 'CN=Root' });
  const leaf = await makeLeaf({ issuer: stranger, uris: [id] });
  const verdict = judge(leaf, [bundleOf('a.example', root)], { via: [stranger, root] });
  assert.equal(outcome(verdict), 'authority_unknown');
});

test('X509-SVID §5.2: the authority was to issue it: that of another trust domain was not', async () => {
  const other = await makeCa({ subject: 'CN=Other' });
  const leaf = await makeLeaf({ issuer: other, uris: [id] });
  const verdict = judge(leaf, [bundleOf('a.example', root), bundleOf('b.example', other)]);
  assert.equal(outcome(verdict), 'authority_of_other_trust_domain');
});

test('X509-SVID §4.4: the own certificate has both purposes where it has the extension', async () => {
  for (const [one, isTaken] of [
    [[purpose.serverAuth, purpose.clientAuth], true],
    [null, true],
    [[purpose.serverAuth], false],
    [[purpose.clientAuth], false],
  ] as const) {
    const leaf = await makeLeaf({ issuer: root, uris: [id], purposes: one });
    const parse = () =>
      parseX509Svid({ certPem: leaf.pem, keyPem: leaf.keyPem, certFile: 'c', keyFile: 'k', nowMs: Date.now() });
    if (isTaken) assert.equal(parse().id.toString(), id);
    else assert.throws(parse, (error) => isPosternError(error, 'ERR_SVID_REFUSED'));
  }
});
