// The memory of verified chains: it saves work, and never outlives a certificate, a bundle or a role.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { createPeerVerifier, type PeerChain } from '../../src/identity/peer-verification.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { ecKeys, hourMs, type Made, makeCa, makeLeaf, purpose } from './workshop.ts';
import { bundleOf, outcome } from './worlds.ts';

const id = 'spiffe://a.example/ns/payments/api';
const now = Math.floor(Date.now() / 1000) * 1000;
let ca: Made;
let leaf: Made;

before(async () => {
  ca = await makeCa();
  leaf = await makeLeaf({ issuer: ca, uris: [id], notAfterMs: now + hourMs });
});

function chain(more: Partial<PeerChain> = {}): PeerChain {
  const bundles = new BundleSet([bundleOf('a.example', ca)]);
  const revocations = RevocationList.empty;
  return { leaf: leaf.certificate, intermediates: [], bundles, revocations, role: 'client', nowMs: now, ...more };
}

test('the same chain under the same trust gives the very same verdict', () => {
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  assert.equal(verifier.verify(chain()), verifier.verify(chain()));
});

test('a remembered leaf expires at its millisecond', () => {
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  assert.equal(outcome(verifier.verify(chain())), 'accepted');
  assert.equal(outcome(verifier.verify(chain({ nowMs: now + hourMs }))), 'accepted');
  assert.equal(outcome(verifier.verify(chain({ nowMs: now + hourMs + 1 }))), 'expired');
});

test('a clock that is set back does not make a remembered leaf valid before its time', () => {
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  verifier.verify(chain());
  assert.equal(outcome(verifier.verify(chain({ nowMs: now - hourMs }))), 'not_yet_valid');
});

test('an intermediate that expires first ends the identity, and trustedUntilMs says when', async () => {
  const middle = await makeCa({ subject: 'CN=Middle', issuer: ca, notAfterMs: now + 60_000 });
  const peer = await makeLeaf({ issuer: middle, uris: [id], notAfterMs: now + hourMs });
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  const via = { leaf: peer.certificate, intermediates: [middle.certificate] };
  const verdict = verifier.verify(chain(via));
  assert.ok(verdict.ok);
  assert.equal(verdict.peer.trustedUntilMs, now + 60_000);
  assert.equal(verdict.peer.notAfterMs, now + hourMs);
  assert.equal(outcome(verifier.verify(chain({ ...via, nowMs: now + 60_001 }))), 'issuer_expired');
});

test('where a remembered path ends, another that still holds is found', async () => {
  const keys = ecKeys();
  const short = await makeCa({ subject: 'CN=Middle', keys, issuer: ca, notAfterMs: now + 60_000 });
  const long = await makeCa({ subject: 'CN=Middle', keys, issuer: ca });
  const peer = await makeLeaf({ issuer: short, uris: [id], notAfterMs: now + hourMs });
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  const via = { leaf: peer.certificate, intermediates: [short.certificate, long.certificate] };
  assert.equal(outcome(verifier.verify(chain(via))), 'accepted');
  assert.equal(outcome(verifier.verify(chain({ ...via, nowMs: now + 61_000 }))), 'accepted');
});

test('a CA that leaves the bundle takes its remembered peers along', async () => {
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  assert.equal(outcome(verifier.verify(chain())), 'accepted');
  const other = await makeCa({ subject: 'CN=Other' });
  assert.equal(
    outcome(verifier.verify(chain({ bundles: new BundleSet([bundleOf('a.example', other)]) }))),
    'authority_unknown',
  );
});

test('a peer is judged by the chain it shows now, not by one it showed before', async () => {
  const middle = await makeCa({ subject: 'CN=Middle', issuer: ca });
  const peer = await makeLeaf({ issuer: middle, uris: [id] });
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  assert.equal(
    outcome(verifier.verify(chain({ leaf: peer.certificate, intermediates: [middle.certificate] }))),
    'accepted',
  );
  assert.equal(outcome(verifier.verify(chain({ leaf: peer.certificate }))), 'authority_unknown');
});

test('a verdict as one role is none as the other', async () => {
  const peer = await makeLeaf({ issuer: ca, uris: [id], purposes: [purpose.clientAuth] });
  const verifier = createPeerVerifier({ cacheEntries: 4 });
  assert.equal(outcome(verifier.verify(chain({ leaf: peer.certificate }))), 'accepted');
  assert.equal(outcome(verifier.verify(chain({ leaf: peer.certificate, role: 'server' }))), 'extended_key_usage');
});

test('refusals are not remembered: memory is for peers that were let in', async () => {
  const stranger = await makeLeaf({ issuer: await makeCa({ subject: 'CN=Stranger' }), uris: [id] });
  const verifier = createPeerVerifier({ cacheEntries: 1 });
  const good = verifier.verify(chain());
  for (let at = 0; at < 3; at++)
    assert.equal(outcome(verifier.verify(chain({ leaf: stranger.certificate }))), 'authority_unknown');
  assert.equal(verifier.verify(chain()), good);
});
