// OpenSSL pools all anchors. Here each attack that the pool would let through is tried against the second step.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ecKeys, type Made, makeCa, makeLeaf, uriConstraints } from './workshop.ts';
import { bundleOf, judge, outcome } from './worlds.ts';

const ours = 'spiffe://a.example/ns/payments/api';
const theirs = 'spiffe://b.example/ns/orders/api';
let caA: Made;
let caB: Made;

before(async () => {
  caA = await makeCa({ subject: 'CN=A root', uris: ['spiffe://a.example'] });
  caB = await makeCa({ subject: 'CN=B root' });
});

const bundles = () => [bundleOf('a.example', caA), bundleOf('b.example', caB)];

test('accepts a peer that an authority of its own trust domain issued, and says who vouches', async () => {
  const verdict = judge(await makeLeaf({ issuer: caA, uris: [ours] }), bundles());
  assert.ok(verdict.ok);
  assert.equal(verdict.peer.id.toString(), ours);
  assert.equal(verdict.peer.authorityFingerprint, caA.certificate.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.match(verdict.peer.issuer, /^a\.example; CN=A root; aki=[0-9a-f]{40}$/);
});

test('accepts a federated peer by the bundle of its own trust domain', async () => {
  assert.equal(outcome(judge(await makeLeaf({ issuer: caB, uris: [theirs] }), bundles())), 'accepted');
});

test('refuses an identity of ours that a partner CA minted, and names both trust domains', async () => {
  const verdict = judge(await makeLeaf({ issuer: caB, uris: [ours] }), bundles());
  assert.ok(!verdict.ok);
  assert.equal(verdict.cause, 'authority_of_other_trust_domain');
  assert.match(verdict.detail, /b\.example.*a\.example/);
  assert.equal(verdict.shown, ours);
});

test('refuses an identity of a partner that our own CA minted', async () => {
  assert.equal(
    outcome(judge(await makeLeaf({ issuer: caA, uris: [theirs] }), bundles())),
    'authority_of_other_trust_domain',
  );
});

test('refuses a trust domain without a bundle, whoever issued it', async () => {
  const leaf = await makeLeaf({ issuer: caA, uris: ['spiffe://c.example/x'] });
  assert.equal(outcome(judge(leaf, bundles())), 'trust_domain_unknown');
});

test('refuses everybody where there is no bundle at all', async () => {
  assert.equal(outcome(judge(await makeLeaf({ issuer: caA, uris: [ours] }), [])), 'trust_domain_unknown');
});

test('does not take a trust domain for another that it is a prefix or suffix of', async () => {
  for (const id of [
    'spiffe://a.example.evil/x',
    'spiffe://xa.example/x',
    'spiffe://example/x',
    'spiffe://a.exampl/x',
  ]) {
    assert.equal(outcome(judge(await makeLeaf({ issuer: caA, uris: [id] }), bundles())), 'trust_domain_unknown', id);
  }
});

test('refuses a CA of another domain that bears the name of ours', async () => {
  const twin = await makeCa({ subject: 'CN=A root' });
  const leaf = await makeLeaf({ issuer: twin, uris: [ours] });
  assert.equal(
    outcome(judge(leaf, [bundleOf('a.example', caA), bundleOf('b.example', twin)])),
    'authority_of_other_trust_domain',
  );
});

test('judges by name and key: two domains that share a key do not share their identities', async () => {
  const keys = ecKeys();
  const [oneA, oneB] = [
    await makeCa({ subject: 'CN=Same key A', keys }),
    await makeCa({ subject: 'CN=Same key B', keys }),
  ];
  const shared = [bundleOf('a.example', oneA), bundleOf('b.example', oneB)];
  assert.equal(
    outcome(judge(await makeLeaf({ issuer: oneB, uris: [ours] }), shared)),
    'authority_of_other_trust_domain',
  );
  assert.equal(outcome(judge(await makeLeaf({ issuer: oneA, uris: [ours] }), shared)), 'accepted');
});

test('a signing certificate that bears a trust domain vouches for no other, though it stands in the bundle', async () => {
  const bundle = [bundleOf('b.example', caA)]; // caA says spiffe://a.example
  assert.equal(outcome(judge(await makeLeaf({ issuer: caA, uris: [theirs] }), bundle)), 'issuer_spiffe_id');
});

test('a cross-signed partner CA mints nothing of ours where the cross certificate says whose it is', async () => {
  const cross = await makeCa({ subject: 'CN=B root', keys: caB.keys, issuer: caA, uris: ['spiffe://b.example'] });
  const forged = await makeLeaf({ issuer: caB, uris: [ours] });
  assert.equal(outcome(judge(forged, bundles(), { via: [cross] })), 'issuer_spiffe_id');
});

test('a cross-signed partner CA mints nothing of ours where the cross certificate is constrained by name', async () => {
  const constraint = uriConstraints(['b.example']);
  const cross = await makeCa({ subject: 'CN=B root', keys: caB.keys, issuer: caA, extensions: [constraint] });
  assert.equal(
    outcome(judge(await makeLeaf({ issuer: caB, uris: [ours] }), bundles(), { via: [cross] })),
    'name_constraint',
  );
});

test('a cross certificate does not keep a partner from vouching for its own', async () => {
  const cross = await makeCa({ subject: 'CN=B root', keys: caB.keys, issuer: caA, uris: ['spiffe://b.example'] });
  const peer = await makeLeaf({ issuer: caB, uris: [theirs] });
  assert.equal(outcome(judge(peer, bundles(), { via: [cross] })), 'accepted');
});

test('foreign anchors among the intermediates prove nothing', async () => {
  const forged = await makeLeaf({ issuer: caB, uris: [ours] });
  assert.equal(outcome(judge(forged, bundles(), { via: [caB, caA] })), 'authority_of_other_trust_domain');
});

test('a leaf that stands in the bundle set of its maker is no authority over itself', async () => {
  const selfSigned = await makeLeaf({ uris: [ours] });
  assert.equal(outcome(judge(selfSigned, bundles())), 'authority_unknown');
  assert.equal(outcome(judge(selfSigned, bundles(), { via: [selfSigned] })), 'issuer_not_ca');
});

test('a longer chain holds, in any order, with junk between', async () => {
  const middle = await makeCa({ subject: 'CN=A middle', issuer: caA });
  const lower = await makeCa({ subject: 'CN=A lower', issuer: middle });
  const leaf = await makeLeaf({ issuer: lower, uris: [ours] });
  for (const via of [
    [lower, middle],
    [middle, lower],
    [caB, middle, lower, caA],
    [lower, lower, middle],
  ]) {
    assert.equal(outcome(judge(leaf, bundles(), { via })), 'accepted');
  }
  assert.equal(outcome(judge(leaf, bundles(), { via: [middle] })), 'authority_unknown');
});

test('an intermediate in the bundle ends the chain: its own issuer need not be known', async () => {
  const middle = await makeCa({ subject: 'CN=A middle', issuer: caA });
  const leaf = await makeLeaf({ issuer: middle, uris: [ours] });
  assert.equal(outcome(judge(leaf, [bundleOf('a.example', middle)])), 'accepted');
});

test('an intermediate of a partner below our root is no authority of ours unless our root signed it', async () => {
  const fake = await makeCa({ subject: 'CN=A middle', issuer: caB });
  const leaf = await makeLeaf({ issuer: fake, uris: [ours] });
  assert.equal(outcome(judge(leaf, bundles(), { via: [fake] })), 'authority_of_other_trust_domain');
});

test('a forger who copies name and key identifier of our CA has not its signature', async () => {
  const twin = await makeCa({ subject: 'CN=A root' });
  const copied = await makeLeaf({ issuer: twin, uris: [ours], authorityKeyId: caA });
  const silent = await makeLeaf({ issuer: twin, uris: [ours], authorityKeyId: false });
  for (const forged of [copied, silent]) assert.equal(outcome(judge(forged, bundles())), 'authority_unknown');
  const middle = await makeCa({ subject: 'CN=A middle', issuer: twin, authorityKeyId: caA });
  const below = await makeLeaf({ issuer: middle, uris: [ours] });
  assert.equal(outcome(judge(below, bundles(), { via: [middle] })), 'authority_unknown');
});

test('the authority key identifier counts where it is given: another one rules a signer out', async () => {
  const odd = await makeLeaf({ issuer: caA, uris: [ours], authorityKeyId: caB });
  assert.equal(outcome(judge(odd, bundles())), 'authority_unknown');
});
