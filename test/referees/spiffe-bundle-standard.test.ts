// Referee: the SPIFFE Trust Domain and Bundle standard (T&B) and what X509-SVID says of bundles, rule by rule. What a
// bundle endpoint and its consumer do beside the format has tests of its own; bundle maps (T&B §5) are not read.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { isPosternError } from '../../src/errors.ts';
import { parseTrustBundle, type TrustBundle } from '../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { FilesWorld } from '../identity/files-world.ts';
import { type Made, makeCa, makeLeaf } from '../identity/workshop.ts';
import { judge, outcome } from '../identity/worlds.ts';
import { shakeHands } from './limbo-handshake.ts';

const trustDomain = TrustDomain.parse('a.example');
let one: Made;
let two: Made;
let leaf: Made;

before(async () => {
  one = await makeCa({ subject: 'CN=One' });
  two = await makeCa({ subject: 'CN=Two' });
  leaf = await makeLeaf({ issuer: one, uris: ['spiffe://a.example/x'] });
});

function parse(document: unknown): TrustBundle {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return parseTrustBundle({ text, file: 'bundle', trustDomain });
}

const x5c = (...made: Made[]) => made.map((each) => each.certificate.raw.toString('base64'));
const x509Key = (...made: Made[]) => ({ kty: 'EC', use: 'x509-svid', x5c: x5c(...made) });
const subjects = (bundle: TrustBundle) => bundle.authorities.map((authority) => authority.facts.subject);
const verdict = (bundle: TrustBundle) => outcome(judge(leaf, [bundle]));

test('T&B §4: the bundle is a JWK Set; its X.509 keys are the authorities, in their order, each once', () => {
  const bundle = parse({ keys: [x509Key(one), x509Key(two), x509Key(one)] });
  assert.deepEqual(subjects(bundle), ['CN=One', 'CN=Two']);
  assert.equal(verdict(bundle), 'accepted');
});

test('T&B §4.1: parameters that are not defined are passed over, and none but `keys` is needed', () => {
  assert.deepEqual(subjects(parse({ 'x-made-by': 'somebody', refresh_hint: 7, keys: [x509Key(one)] })), ['CN=One']);
});

test('T&B §4.1.1: a sequence number of 64 bits does no harm, and none is needed', () => {
  const text = JSON.stringify({ keys: [x509Key(one)] }).replace('{', '{"spiffe_sequence":18446744073709551615,');
  assert.deepEqual(subjects(parse(text)), ['CN=One']);
});

test('T&B §4.1.2: the refresh hint is whole seconds; what is not is as none', () => {
  const hint = (value: unknown) => parse({ spiffe_refresh_hint: value, keys: [x509Key(one)] }).refreshHintMs;
  assert.equal(hint(300), 300_000);
  for (const none of [undefined, null, '300', 1.5, 0, -300, 1e300]) assert.equal(hint(none), null, String(none));
});

test('T&B §4.1.3: a document without `keys`, or with another thing than a list there, is no bundle', () => {
  for (const document of [{}, { keys: null }, { keys: {} }, { keys: 'none' }, '{"keys":[', '{']) {
    assert.throws(
      () => parse(document),
      (error) => isPosternError(error, 'ERR_TRUST_BUNDLE_INVALID'),
      JSON.stringify(document),
    );
  }
});

const passedOver: readonly [rule: string, key: () => unknown][] = [
  ['T&B §4.1.3: an element that is no object', () => 'EC'],
  ['T&B §4.2.1: a key type that is not known', () => ({ ...x509Key(two), kty: 'LATTICE' })],
  ['T&B §4.2.1: a symmetric key type', () => ({ ...x509Key(two), kty: 'oct' })],
  ['T&B §4.2.1: no key type', () => ({ use: 'x509-svid', x5c: x5c(two) })],
  ['T&B §4.2.2: a use that is not known', () => ({ ...x509Key(two), use: 'pgp-svid' })],
  ['T&B §4.2.2: no use', () => ({ kty: 'EC', x5c: x5c(two) })],
  ['T&B §4.2.2: a use in another case', () => ({ ...x509Key(two), use: 'X509-SVID' })],
  ['T&B §4.2.2: a use that begins alike', () => ({ ...x509Key(two), use: 'x509-svid ' })],
  ['T&B §4.2.2: the use of another SVID', () => ({ ...x509Key(two), use: 'jwt-svid', kid: 'k' })],
  ['X509-SVID §6.2: no x5c', () => ({ kty: 'EC', use: 'x509-svid', crv: 'P-256', x: 'AA', y: 'AA' })],
  ['X509-SVID §6.2: an x5c without a value', () => ({ kty: 'EC', use: 'x509-svid', x5c: [] })],
];

for (const [rule, key] of passedOver) {
  test(`${rule}: the key is passed over, the others are taken`, () => {
    assert.deepEqual(subjects(parse({ keys: [key(), x509Key(one)] })), ['CN=One']);
    assert.equal(verdict(parse({ keys: [key()] })), 'authority_unknown');
  });
}

test('T&B §4.1.3: a bundle without a usable key is one that accepts nobody', () => {
  const empty = parse({ keys: [] });
  assert.deepEqual(subjects(empty), []);
  assert.equal(verdict(empty), 'authority_unknown');
});

test('T&B §4.1.3: a trust domain that withdraws all its keys is distrusted at once, and a warning says so', async (t) => {
  const world = await FilesWorld.make();
  const bundleFile = join(world.dir, 'partner.json');
  const put = (document: object) => writeFileSync(bundleFile, JSON.stringify(document));
  put({ keys: [x509Key(one)] });
  await world.open({ federation: [{ trustDomain: 'a.partner', bundleFile }], patienceMs: 0 });
  t.after(() => world.source.close());
  const authorities = () => world.source.current.bundles.get(TrustDomain.parse('a.partner'))?.authorities.length;
  assert.equal(authorities(), 1);
  put({ keys: [] });
  await world.source.refresh();
  assert.equal(authorities(), 0);
  assert.deepEqual(world.refused, []);
  assert.ok(world.warned.some((warning) => warning.code === 'ERR_TRUST_BUNDLE_EMPTY'));
  assert.match(world.warned.at(-1)?.message ?? '', /a\.partner/);
  put({ keys: [x509Key(two)] });
  await world.source.refresh();
  assert.equal(authorities(), 1);
});

test('T&B §4.1.3: Postern starts where a partner has withdrawn all its keys, and says so', async (t) => {
  const world = await FilesWorld.make();
  const bundleFile = world.write('partner.json', '{"keys":[]}');
  await world.open({ federation: [{ trustDomain: 'a.partner', bundleFile }] });
  t.after(() => world.source.close());
  assert.deepEqual(
    world.warned.map((warning) => warning.code),
    ['ERR_TRUST_BUNDLE_EMPTY'],
  );
});

test('T&B §4.1.3: the own bundle without a key does not vouch for the own certificate: no start', async () => {
  const world = await FilesWorld.make();
  world.write('bundle.pem', '{"keys":[]}');
  await assert.rejects(world.open(), (error) => isPosternError(error, 'ERR_SVID_UNVOUCHED'));
});

test('T&B §4.1.3: the own trust domain that withdraws all its keys is distrusted at once, by OpenSSL and by the second step', async (t) => {
  const world = await FilesWorld.make();
  await world.open({ patienceMs: 0 });
  t.after(() => world.source.close());
  const { svid } = world.source.current;
  world.write('bundle.pem', '{"keys":[]}');
  await world.source.refresh();
  const { bundles } = world.source.current;
  assert.equal(bundles.get(svid.id.trustDomain)?.authorities.length, 0);
  assert.deepEqual(
    new Set(world.warned.map(({ code }) => code)),
    new Set(['ERR_SVID_UNVOUCHED', 'ERR_TRUST_BUNDLE_EMPTY']),
  );
  const { verdict: opensslVerdict } = await shakeHands({ trusted: [], via: [], leaf }, leaf);
  assert.equal(opensslVerdict, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
});

test('X509-SVID §6.1: a `kid`, which issuers leave out, does no harm', () => {
  assert.deepEqual(subjects(parse({ keys: [{ ...x509Key(one), kid: 'k' }] })), ['CN=One']);
});

test('X509-SVID §6.2: of several values of x5c the first is the authority, the others are not', () => {
  const bundle = parse({ keys: [x509Key(two, one)] });
  assert.deepEqual(subjects(bundle), ['CN=Two']);
  assert.equal(verdict(bundle), 'authority_unknown');
});

test('X509-SVID §6.2, stricter: a value that is no CA certificate refuses the bundle, so that its last good one stays', () => {
  for (const value of ['', 'AAAA', 7, null, leaf.certificate.raw.toString('base64')]) {
    const document = { keys: [x509Key(one), { kty: 'EC', use: 'x509-svid', x5c: [value] }] };
    assert.throws(
      () => parse(document),
      (error) => isPosternError(error, 'ERR_TRUST_BUNDLE_INVALID'),
      String(value),
    );
  }
});
