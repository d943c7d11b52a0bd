// The conditions of being ready, one by one, and the identity as it is shown.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type HealthFacts, healthChecks } from '../../src/admin/health-checks.ts';
import { defaultAttributes } from '../../src/identity/attributes.ts';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { type DescribedIdentity, describeIdentity } from '../../src/identity/identity-view.ts';
import { noJwtBundles } from '../../src/identity/jwt-bundle.ts';
import type { IdentitySnapshot } from '../../src/identity/source.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import { hourMs, type Made, makeCa, makeLeaf } from '../identity/workshop.ts';
import { bundleOf } from '../identity/worlds.ts';

const nowMs = Date.now();
const spiffeId = 'spiffe://a.example/ns/payments/api';
let ca: Made;
let leaf: Made;
let snapshot: IdentitySnapshot;

before(async () => {
  ca = await makeCa({ subject: 'CN=Test CA' });
  leaf = await makeLeaf({ issuer: ca, uris: [spiffeId] });
  const files = { certFile: 'tls.crt', keyFile: 'tls.key' };
  const svid = parseX509Svid({ certPem: leaf.pem, keyPem: leaf.keyPem, nowMs, ...files });
  snapshot = { revision: 3, svid, bundles: new BundleSet([bundleOf('a.example', ca), bundleOf('b.example', ca)]) };
});

function shown(): DescribedIdentity {
  const own = { source: 'files', endpoint: null, nextRotationMs: null, streams: [], fault: null } as const;
  const attributes = defaultAttributes(snapshot.svid.id);
  return { snapshot, status: { ...own, lastUpdateMs: nowMs }, jwtBundles: noJwtBundles.current, attributes };
}

function facts(changed: Partial<HealthFacts> = {}): HealthFacts {
  return {
    nowMs,
    identityFault: null,
    identity: snapshot,
    policyDigest: 'sha256:abc',
    listeners: [{ name: 'api', address: { kind: 'tcp', host: '::', port: 8443 }, bound: true }],
    journalFault: null,
    draining: false,
    ...changed,
  };
}

test('ready when every condition holds', () => {
  const checks = healthChecks(facts());
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  assert.deepEqual(
    checks.map(({ name }) => name),
    ['svid', 'bundle', 'policy', 'listeners', 'journal', 'not_draining'],
  );
  assert.match(checks[3]!.detail, /api on \[::\]:8443/);
});

const missing: readonly {
  readonly what: string;
  readonly fails: string[];
  readonly changed: () => Partial<HealthFacts>;
}[] = [
  { what: 'no identity', fails: ['svid', 'bundle'], changed: () => ({ identity: null }) },
  { what: 'an expired SVID', fails: ['svid'], changed: () => ({ nowMs: snapshot.svid.notAfterMs }) },
  { what: 'an SVID of the future', fails: ['svid'], changed: () => ({ nowMs: snapshot.svid.notBeforeMs - 1 }) },
  {
    what: 'bundles of other trust domains only',
    fails: ['bundle'],
    changed: () => ({ identity: { ...snapshot, bundles: new BundleSet([bundleOf('b.example', ca)]) } }),
  },
  { what: 'no policy', fails: ['policy'], changed: () => ({ policyDigest: null }) },
  { what: 'no listener', fails: ['listeners'], changed: () => ({ listeners: [] }) },
  {
    what: 'one of two listeners not bound',
    fails: ['listeners'],
    changed: () => {
      const [bound] = facts().listeners;
      return { listeners: [bound!, { ...bound!, name: 'second', bound: false }] };
    },
  },
  { what: 'a journal that cannot be written', fails: ['journal'], changed: () => ({ journalFault: 'ENOSPC' }) },
  { what: 'draining', fails: ['not_draining'], changed: () => ({ draining: true }) },
];

for (const { what, fails, changed } of missing) {
  test(`not ready with ${what}`, () => {
    const failing = healthChecks(facts(changed())).filter(({ ok }) => !ok);
    assert.deepEqual(
      failing.map(({ name }) => name),
      fails,
    );
    for (const { detail } of failing) assert.notEqual(detail, '');
  });
}

test('the identity shows names, times and bundles, and never the key', () => {
  const view = describeIdentity(shown(), snapshot.svid.notAfterMs - 90_500);
  assert.equal(view.spiffe_id, spiffeId);
  assert.equal(view.trust_domain, 'a.example');
  assert.equal(view.expires_in_s, 90);
  assert.equal(Date.parse(view.not_after), snapshot.svid.notAfterMs);
  assert.equal(view.revision, 3);
  assert.equal(view.attributes.namespace, 'payments');
  assert.deepEqual(
    view.bundles.map(({ trust_domain }) => trust_domain),
    ['a.example', 'b.example'],
  );
  assert.equal(view.bundles[0]!.authorities[0]!.subject, 'CN=Test CA');
  assert.ok(describeIdentity(shown(), snapshot.svid.notAfterMs + hourMs).expires_in_s < 0);
  const text = JSON.stringify(view);
  for (const line of leaf.keyPem.split('\n').filter((part) => part.length > 20)) assert.ok(!text.includes(line));
});
