// Two trust domains that fetch each other's bundles over real HTTPS: rotation of keys and of the endpoint's own
// certificate, the endpoint down, and servers that are not the right one (SPIFFE Federation §5.2).

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { JoinedSource } from '../../src/federation/joined-source.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { parseRevocations } from '../../src/identity/revocations-file.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { LatestValue } from '../../src/lib/latest.ts';
import { waitFor } from '../harness/wait-for.ts';
import { makeCa, makeLeaf } from '../identity/workshop.ts';
import { judge, outcome } from '../identity/worlds.ts';
import { answer, Domain, endpointOf, hostileServer, join } from './domains.ts';

const deadlineMs = 20_000;

function authorities(source: JoinedSource, name: string): number {
  return source.current.bundles.get(TrustDomain.parse(name))?.authorities.length ?? 0;
}

test('two domains learn each other’s bundles, follow their rotation, and keep the last good one while an endpoint is down', async (t) => {
  const [a, b] = [await Domain.make(t, 'a.example'), await Domain.make(t, 'b.example')];
  const [servedA, servedB] = [await a.serve(t), await b.serve(t)];
  a.hold(b);
  b.hold(a);
  const [atA, atB] = [
    await join(t, a, { endpoints: [endpointOf(b, servedB.url)] }),
    await join(t, b, { endpoints: [endpointOf(a, servedA.url)] }),
  ];
  for (const { source } of [atA, atB]) {
    await waitFor('the first fetch', () => source.status.federation?.[0]?.using === 'endpoint', deadlineMs);
  }
  // A new CA is published before it issues, then the endpoint itself is known by it alone.
  await b.addCa();
  b.giveJwtKeys('k1');
  b.publish();
  await waitFor('two authorities', () => authorities(atA.source, 'b.example') === 2, deadlineMs);
  await waitFor(
    'JWT keys',
    () => atA.source.jwtBundles.current.get('b.example')?.authorities[0]?.keyId === 'k1',
    deadlineMs,
  );
  await b.rotate();
  b.cas.shift();
  b.publish();
  await waitFor('the old CA to go', () => authorities(atA.source, 'b.example') === 1, deadlineMs);
  const digest = atA.source.current.bundles.digest;
  await servedB.close();
  const failures = () => atA.source.status.federation?.[0]?.failures.get('unreachable') ?? 0;
  await waitFor('failures', () => failures() >= 2, deadlineMs);
  assert.equal(atA.source.current.bundles.digest, digest);
  assert.equal(atA.source.status.federation?.[0]?.using, 'endpoint');
  assert.match(atA.warned.at(-1)?.message ?? '', /cannot be reached \(ECONNREFUSED\)/);
  await b.addCa();
  b.publish();
  await b.serve(t, servedB.port);
  await waitFor('it to be back', () => authorities(atA.source, 'b.example') === 2, deadlineMs);
  assert.equal(atA.source.status.federation?.[0]?.fault, null);
  // What b fetched of a was never disturbed.
  assert.equal(atB.source.status.federation?.[0]?.failures.size, 0);
});

test('an endpoint of the wrong SPIFFE ID, of a foreign CA, or revoked is asked for nothing', async (t) => {
  const [a, b, c] = [
    await Domain.make(t, 'a.example'),
    await Domain.make(t, 'b.example'),
    await Domain.make(t, 'c.example'),
  ];
  const served = await b.serve(t);
  const impostor = await Domain.make(t, 'b.example');
  const servedByImpostor = await impostor.serve(t);
  a.hold(b);
  a.hold(c);
  const other = { kind: 'https_spiffe', spiffeId: 'spiffe://b.example/another' } as const;
  const unknown = { kind: 'https_spiffe', spiffeId: 'spiffe://d.example/x' } as const;
  const foreign = { kind: 'https_spiffe', spiffeId: 'spiffe://c.example/bundle-server' } as const;
  const rows = [
    [
      'another ID',
      endpointOf(b, served.url, { profile: other }),
      'identity',
      /is spiffe:\/\/b\.example\/bundle-server, not spiffe:\/\/b\.example\/another/,
    ],
    ['a foreign CA', endpointOf(b, servedByImpostor.url), 'tls', /refuses TLS/],
    [
      'no bundle for its ID',
      endpointOf(b, served.url, { profile: unknown }),
      'identity',
      /there is no bundle of trust domain d\.example yet/,
    ],
    ['the ID of another domain', endpointOf(b, served.url, { profile: foreign }), 'tls', /refuses TLS/],
    [
      'no web certificate',
      endpointOf(b, served.url, { profile: { kind: 'https_web', caFile: null } }),
      'tls',
      /refuses TLS/,
    ],
  ] as const;
  for (const [what, endpoint, fault, message] of rows) {
    const { source, warned } = await join(t, a, { endpoints: [{ ...endpoint, refreshMs: 60_000 }] });
    await source.attempted;
    assert.deepEqual([...source.status.federation![0]!.failures], [[fault, 1]], what);
    assert.match(warned[0]?.message ?? '', message, what);
    assert.equal(source.status.federation![0]!.using, 'file', what);
  }
  const list = parseRevocations(`revocations: [{ spiffe_id: "${b.id}", reason: gone }]`, 'r');
  const revocations = new LatestValue(new RevocationList(list), () => {});
  const { source, warned } = await join(t, a, { endpoints: [endpointOf(b, served.url)], revocations });
  await source.attempted;
  assert.match(warned[0]?.message ?? '', /revoked by spiffe_id .*: gone \(revoked\)/);
  assert.deepEqual([...served.answers, ...servedByImpostor.answers], []);
});

test('`https_web` knows the server by host name and CA, which need no SPIFFE ID', async (t) => {
  const [a, b] = [await Domain.make(t, 'a.example'), await Domain.make(t, 'b.example')];
  const served = await b.serve(t);
  const caFile = path.join(a.dir, 'web-ca.pem');
  writeFileSync(caFile, b.bundlePem);
  const web = { profile: { kind: 'https_web', caFile }, hasFile: false } as const;
  const right = await join(t, a, { endpoints: [endpointOf(b, served.url, web)] });
  await right.source.attempted;
  assert.equal(authorities(right.source, 'b.example'), 1);
  const byAddress = served.url.replace('localhost', '127.0.0.1');
  const wrong = await join(t, a, { endpoints: [endpointOf(b, byAddress, web)] });
  await wrong.source.attempted;
  assert.match(wrong.warned[0]?.message ?? '', /ERR_TLS_CERT_ALTNAME_INVALID/);
  assert.equal(authorities(wrong.source, 'b.example'), 0);
});

test('a CA file of `https_web` that is gone, empty or no PEM is a fault that names it; no other CA is trusted in its place', async (t) => {
  const [a, b] = [await Domain.make(t, 'a.example'), await Domain.make(t, 'b.example')];
  const served = await b.serve(t);
  const caFile = path.join(a.dir, 'web-ca.pem');
  const web = { profile: { kind: 'https_web', caFile }, hasFile: false } as const;
  const { source, warned } = await join(t, a, { endpoints: [endpointOf(b, served.url, web)] });
  const told = (what: RegExp) => waitFor(String(what), () => what.test(warned.at(-1)?.message ?? ''), deadlineMs);
  await told(/`https:\/\/localhost:\d+\/` cannot be verified: its CA file `.*web-ca\.pem` cannot be read/);
  for (const text of ['', 'no certificate\n']) {
    warned.length = 0;
    writeFileSync(caFile, text);
    await told(/web-ca\.pem` holds no certificate in PEM/);
  }
  assert.deepEqual([authorities(source, 'b.example'), served.answers.size], [0, 0]);
  writeFileSync(caFile, b.bundlePem);
  await waitFor('the bundle', () => authorities(source, 'b.example') === 1, deadlineMs);
});

test('a bundle that an operator gives by hand holds until the next fetch, and is what the endpoint is known by', async (t) => {
  const [a, old] = [await Domain.make(t, 'a.example'), await Domain.make(t, 'b.example')];
  a.hold(old);
  const first = await old.serve(t);
  const { source } = await join(t, a, { endpoints: [endpointOf(old, first.url)] });
  await source.attempted;
  await first.close();
  // The partner lost its keys and begins anew: nothing that was fetched vouches for its endpoint.
  const anew = await Domain.make(t, 'b.example');
  await anew.serve(t, first.port);
  await waitFor('a refusal', () => (source.status.federation![0]!.failures.get('tls') ?? 0) > 0, deadlineMs);
  a.hold(anew);
  await waitFor('a fetch under the new one', () => source.status.federation![0]!.using === 'endpoint', deadlineMs);
  const print = (domain: Domain) =>
    domain.snapshot.current.bundles.get(TrustDomain.parse('b.example'))!.authorities[0]!;
  const held = source.current.bundles.get(TrustDomain.parse('b.example'))!.authorities[0]!;
  assert.equal(held.facts.fingerprintSha256, print(anew).facts.fingerprintSha256);
});

test('no endpoint says anything of the own trust domain, nor of another than its own', async (t) => {
  const [a, b] = [await Domain.make(t, 'a.example'), await Domain.make(t, 'b.example')];
  const served = await b.serve(t);
  a.hold(b);
  const endpoint = endpointOf(b, served.url, { trustDomain: 'a.example' });
  const { source } = await join(t, a, { endpoints: [endpoint] });
  await source.attempted;
  const own = source.current.bundles.get(TrustDomain.parse('a.example'))!.authorities;
  assert.deepEqual(
    own.map(({ facts }) => facts.fingerprintSha256),
    a.snapshot.current.bundles.bundles[0]!.authorities.map(({ facts }) => facts.fingerprintSha256),
  );
});

test('whatever a partner publishes, its CAs mint nothing of others: not with our CA, a shared key, or a cross certificate', async (t) => {
  const [a, b] = [await Domain.make(t, 'a.example'), await Domain.make(t, 'b.example')];
  const ownCa = await makeCa({ subject: 'CN=A root' });
  const partnerCa = await makeCa({ subject: 'CN=B root' });
  const sharedKey = await makeCa({ subject: 'CN=B shared', keys: ownCa.keys });
  const crossed = await makeCa({ subject: 'CN=A root', keys: ownCa.keys, issuer: partnerCa });
  const middle = await makeCa({ subject: 'CN=B middle', issuer: partnerCa });
  const lower = await makeCa({ subject: 'CN=B lower', issuer: middle });
  const published = [ownCa, partnerCa, sharedKey, crossed];
  const keys = published.map(({ certificate }) => ({
    kty: 'EC',
    use: 'x509-svid',
    x5c: [certificate.raw.toString('base64')],
  }));
  const url = await hostileServer(t, b, (socket) => void socket.end(answer(JSON.stringify({ keys }))));
  a.hold(b);
  a.cas[0] = { ...a.cas[0]!, bundlePem: ownCa.pem };
  a.publish();
  const { source } = await join(t, a, { endpoints: [endpointOf(b, url)] });
  await waitFor('the fetch', () => source.status.federation![0]!.using === 'endpoint', deadlineMs);
  const [ours, theirs] = ['spiffe://a.example/ns/x', 'spiffe://b.example/ns/x'];
  const rows = [
    ['ours by our CA', ours, ownCa, [], 'accepted'],
    ['ours by the partner', ours, partnerCa, [], 'authority_of_other_trust_domain'],
    ['ours by a CA with our key and another name', ours, sharedKey, [], 'authority_of_other_trust_domain'],
    ['ours below an intermediate of the partner', ours, middle, [middle], 'authority_of_other_trust_domain'],
    ['ours below two of them', ours, lower, [lower, middle], 'authority_of_other_trust_domain'],
    ['ours with a cross certificate shown', ours, partnerCa, [crossed, partnerCa], 'authority_of_other_trust_domain'],
    ['theirs by the partner', theirs, partnerCa, [], 'accepted'],
    ['theirs below two intermediates', theirs, lower, [lower, middle], 'accepted'],
    // It published our CA as its own: that is the partner's to say, and touches nobody but the partner.
    ['theirs by our CA', theirs, ownCa, [], 'accepted'],
    ['of a third domain', 'spiffe://c.example/x', partnerCa, [], 'trust_domain_unknown'],
  ] as const;
  for (const [what, id, issuer, via, wanted] of rows) {
    const leaf = await makeLeaf({ issuer, uris: [id] });
    assert.equal(outcome(judge(leaf, source.current.bundles.bundles, { via })), wanted, what);
  }
});
