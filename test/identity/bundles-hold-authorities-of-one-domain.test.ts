// Trust bundles from PEM and from SPIFFE bundles, what is refused in them, and the set of all. The rules of the standard
// for SPIFFE bundles are in test/referees.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { assertBundleCurrent, parseTrustBundle, type TrustBundle } from '../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { hourMs, type Made, makeCa, makeLeaf } from './workshop.ts';
import { bundleOf } from './worlds.ts';

const trustDomain = TrustDomain.parse('a.example');
let one: Made;
let two: Made;

before(async () => {
  one = await makeCa({ subject: 'CN=One' });
  two = await makeCa({ subject: 'CN=Two' });
});

function parse(text: string): TrustBundle {
  return parseTrustBundle({ text, file: 'bundle', trustDomain });
}

function jwks(...keys: object[]): string {
  return JSON.stringify({ keys, spiffe_sequence: 1, spiffe_refresh_hint: 300 });
}

const subjects = (bundle: TrustBundle) => bundle.authorities.map((authority) => authority.facts.subject);

test('PEM: every authority once, in order', () => {
  assert.deepEqual(subjects(parse(one.pem + two.pem + one.pem)), ['CN=One', 'CN=Two']);
});

test('refuses what would deny all or trust too much', async () => {
  const leaf = await makeLeaf({ issuer: one, uris: ['spiffe://a.example/x'] });
  const bad: readonly [string, RegExp][] = [
    ['', /is empty/],
    ['rubbish', /not PEM/],
    ['{}', /JSON without `keys`/],
    ['{"keys":{}}', /JSON without `keys`/],
    ['{ broken', /neither PEM nor valid JSON/],
    [leaf.pem, /not a CA/],
    [one.pem + leaf.pem, /number 2.*not a CA/],
    [one.keyPem, /PRIVATE KEY/],
    [jwks({ kty: 'EC', use: 'x509-svid', x5c: ['AAAA'] }), /number 1.*readable/],
  ];
  for (const [text, message] of bad) {
    assert.throws(
      () => parse(text),
      (error) => isPosternError(error, 'ERR_TRUST_BUNDLE_INVALID') && message.test(error.message),
      text,
    );
  }
});

test('one expired authority beside a current one is no fault, all expired is', async () => {
  const old = await makeCa({
    subject: 'CN=Old',
    notBeforeMs: Date.now() - 2 * hourMs,
    notAfterMs: Date.now() - hourMs,
  });
  assertBundleCurrent(parse(old.pem + one.pem), 'f', Date.now());
  assert.throws(() => assertBundleCurrent(parse(old.pem), 'f', Date.now()), { code: 'ERR_TRUST_BUNDLE_EXPIRED' });
});

test('property: whatever the text, it is a bundle or a coded error', () => {
  const piece = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom('-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '{"keys":[', '__proto__'),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 4 }).map((parts) => parts.join('')),
      (text) => {
        try {
          assert.equal(parse(text).authorities.length, 0);
        } catch (error) {
          assert.ok(isPosternError(error, 'ERR_TRUST_BUNDLE_INVALID'), String(error));
        }
      },
    ),
  );
});

test('a set has one bundle a trust domain and finds it by its very name', () => {
  const set = new BundleSet([bundleOf('a.example', one), bundleOf('b.example', two)]);
  assert.deepEqual(set.trustDomains.map(String), ['a.example', 'b.example']);
  assert.deepEqual(subjects(set.get(TrustDomain.parse('b.example'))!), ['CN=Two']);
  assert.equal(set.get(TrustDomain.parse('c.example')), undefined);
  assert.equal(set.get(TrustDomain.parse('__proto__')), undefined);
  assert.throws(() => new BundleSet([bundleOf('a.example', one), bundleOf('a.example', two)]), {
    code: 'ERR_TRUST_BUNDLE_DUPLICATE',
  });
});

test('the digest of a set is that of its content: order does not matter, trust domain does', () => {
  const set = (...bundles: TrustBundle[]) => new BundleSet(bundles).digest;
  const [a, b] = [bundleOf('a.example', one, two), bundleOf('b.example', two)];
  assert.equal(set(a, b), set(b, bundleOf('a.example', two, one)));
  assert.notEqual(set(a, b), set(a));
  assert.notEqual(set(bundleOf('a.example', one)), set(bundleOf('b.example', one)));
  assert.notEqual(
    set(bundleOf('a.example', one), bundleOf('b.example', two)),
    set(bundleOf('a.example', two), bundleOf('b.example', one)),
  );
});

test('the pool for OpenSSL holds each authority once', () => {
  assert.equal(
    new BundleSet([bundleOf('a.example', one, two), bundleOf('b.example', two)]).allAuthoritiesPem.length,
    2,
  );
});
