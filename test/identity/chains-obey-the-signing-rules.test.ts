// Each rule of ours for certificates that sign, with a chain that breaks just that rule; and the bounds of the search. The
// rules of the X509-SVID standard are in test/referees.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { RefusalCause } from '../../src/identity/refusal-causes.ts';
import { der } from './certificate-encoder.ts';
import {
  ecKeys,
  hourMs,
  type Made,
  makeCa,
  makeLeaf,
  rawExtension,
  rsaKeys,
  type Spec,
  unknownExtension,
  uriConstraints,
  usage,
} from './workshop.ts';
import { bundleOf, judge, outcome } from './worlds.ts';

const id = 'spiffe://a.example/ns/payments/api';
let root: Made;

before(async () => {
  root = await makeCa({ subject: 'CN=Root' });
});

async function through(spec: Spec, anchor = root): Promise<string> {
  const middle = await makeCa({ subject: 'CN=Middle', issuer: anchor, ...spec });
  const leaf = await makeLeaf({ issuer: middle, uris: [id] });
  return outcome(judge(leaf, [bundleOf('a.example', anchor)], { via: [middle] }));
}

const bad = (tag: number, text: string) =>
  rawExtension('2.5.29.30', true, der(0x30, der(0xa0, der(0x30, der(tag, text)))));

const defects: readonly [what: string, spec: Spec, cause: RefusalCause | 'accepted'][] = [
  ['a right one', {}, 'accepted'],
  ['cRLSign only', { keyUsage: usage.cRLSign }, 'issuer_key_usage'],
  ['an unknown critical extension', { extensions: [unknownExtension(true)] }, 'issuer_unknown_critical_extension'],
  ['an unknown extension that is not critical', { extensions: [unknownExtension(false)] }, 'accepted'],
  ['RSA 1024', { keys: rsaKeys(1024) }, 'issuer_key_weak'],
  ['RSA 2048', { keys: rsaKeys(2048) }, 'accepted'],
  ['P-521', { keys: ecKeys('P-521') }, 'issuer_key_weak'],
  ['a SHA-1 signature', { digest: 'SHA-1' }, 'issuer_signature_weak'],
  ['an end in the past', { notBeforeMs: Date.now() - 2 * hourMs, notAfterMs: Date.now() - 2000 }, 'issuer_expired'],
  ['a beginning in two minutes', { notBeforeMs: Date.now() + 120_000 }, 'issuer_not_yet_valid'],
  ['an invalid SPIFFE ID', { uris: ['https://a.example'] }, 'issuer_spiffe_id'],
  ['a name constraint for subdomains only', { extensions: [uriConstraints(['.a.example'])] }, 'name_constraint'],
  [
    'a name constraint that permits and excludes it',
    { extensions: [uriConstraints(['a.example'], ['a.example'])] },
    'name_constraint',
  ],
  [
    'a name constraint of DNS names only, which the leaf has none of',
    { extensions: [bad(0x82, 'x.example')] },
    'accepted',
  ],
  [
    'a name constraint on subject names, which is not understood',
    { extensions: [bad(0xa4, '0\0')] },
    'name_constraint',
  ],
  ['a pathlen of zero below itself', { pathLength: 0 }, 'accepted'],
];

for (const [what, spec, expected] of defects) {
  test(`an intermediate with ${what}: ${expected}`, async () => {
    assert.equal(await through(spec), expected);
  });
}

test('path length counts the CAs below, at the root and at an intermediate', async () => {
  assert.equal(await through({}, await makeCa({ subject: 'CN=Tight', pathLength: 0 })), 'path_length_exceeded');
  assert.equal(await through({}, await makeCa({ subject: 'CN=Loose', pathLength: 1 })), 'accepted');
});

test('an authority of the bundle obeys the same rules: expired, weak, constrained', async () => {
  const judged = async (spec: Spec) => {
    const anchor = await makeCa({ subject: 'CN=Anchor', ...spec });
    const leaf = await makeLeaf({ issuer: anchor, uris: [id] });
    return outcome(judge(leaf, [bundleOf('a.example', anchor)]));
  };
  assert.equal(await judged({ notBeforeMs: Date.now() - 2 * hourMs, notAfterMs: Date.now() - 2000 }), 'issuer_expired');
  assert.equal(await judged({ keys: rsaKeys(1024) }), 'issuer_key_weak');
  assert.equal(await judged({ keyUsage: usage.digitalSignature }), 'issuer_key_usage');
  assert.equal(await judged({ extensions: [uriConstraints(['b.example'])] }), 'name_constraint');
  // Nobody relies on the signature that an authority put on itself.
  assert.equal(await judged({ digest: 'SHA-1' }), 'accepted');
});

test('a leaf cannot issue another leaf', async () => {
  const parent = await makeLeaf({ issuer: root, uris: [id], subject: 'CN=Leaf' });
  const child = await makeLeaf({ issuer: parent, uris: ['spiffe://a.example/admin'] });
  assert.equal(outcome(judge(child, [bundleOf('a.example', root)], { via: [parent] })), 'issuer_not_ca');
});

test('of two authorities of one name, the one that signed is found, whatever stands first', async () => {
  const old = await makeCa({ subject: 'CN=Root' });
  const leaf = await makeLeaf({ issuer: root, uris: [id] });
  for (const authorities of [
    [old, root],
    [root, old],
  ]) {
    assert.equal(outcome(judge(leaf, [bundleOf('a.example', ...authorities)])), 'accepted');
  }
});

test('where one path has ended, another that holds is found', async () => {
  const keys = ecKeys();
  const ended = await makeCa({
    subject: 'CN=Middle',
    keys,
    issuer: root,
    notBeforeMs: Date.now() - 2 * hourMs,
    notAfterMs: Date.now() - 2000,
  });
  const current = await makeCa({ subject: 'CN=Middle', keys, issuer: root });
  const leaf = await makeLeaf({ issuer: current, uris: [id] });
  assert.equal(outcome(judge(leaf, [bundleOf('a.example', root)], { via: [ended, current] })), 'accepted');
});

test('a chain of eight certificates is followed, one of nine is not', async () => {
  const cas = [root];
  for (let at = 1; at <= 7; at++) cas.push(await makeCa({ subject: `CN=CA ${at}`, issuer: cas[at - 1]! }));
  const judged = async (issuer: Made) => {
    const leaf = await makeLeaf({ issuer, uris: [id] });
    return outcome(judge(leaf, [bundleOf('a.example', root)], { via: cas.slice(1) }));
  };
  assert.equal(await judged(cas[6]!), 'accepted');
  assert.equal(await judged(cas[7]!), 'chain_too_long');
});

test('more certificates than a chain may have are refused unread', async () => {
  const leaf = await makeLeaf({ issuer: root, uris: [id] });
  const via = Array.from({ length: 9 }, () => root);
  assert.equal(outcome(judge(leaf, [bundleOf('a.example', root)], { via })), 'chain_too_long');
});

test('a knot of CAs that all signed each other costs a bounded number of signature checks', async () => {
  const keys = Array.from({ length: 2 }, () => ecKeys());
  // Eight certificates of two names and two keys, each issued by the other: every path is possible, none ends.
  const knot: Made[] = [];
  const twin = await makeCa({ subject: 'CN=Knot 1', keys: keys[1]! });
  const base = await makeCa({ subject: 'CN=Knot 0', keys: keys[0]! });
  for (let at = 0; at < 8; at++) {
    knot.push(await makeCa({ subject: `CN=Knot ${at % 2}`, keys: keys[at % 2]!, issuer: at % 2 === 0 ? twin : base }));
  }
  const leaf = await makeLeaf({ issuer: base, uris: [id] });
  const started = performance.now();
  assert.equal(outcome(judge(leaf, [bundleOf('a.example', root)], { via: knot })), 'path_search_limit');
  assert.ok(performance.now() - started < 5_000);
});
