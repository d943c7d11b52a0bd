// Identity from an agent over a real socket: the contract of every source, what agents do in the field, and what an
// operator reads about it.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PosternError } from '../../src/errors.ts';
import { openServerStream } from '../../src/grpc/server-stream.ts';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import type { IdentitySource } from '../../src/identity/source.ts';
import {
  openWorkloadApiSource,
  type WorkloadApiOptions,
  workloadApiDefaults,
} from '../../src/identity/workload-api/workload-api-source.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type AgentEntry, type AgentFault, derOf, FakeAgent, type FakeAgentOptions } from '../harness/fake-agent.ts';
import { OpensslCa } from '../harness/openssl-ca.ts';
import { temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { proveIdentitySource } from './identity-source.contract.ts';

/** Times of a test: a failure is tried again soon. */
const quick = { firstRetryMs: 20, mostRetryMs: 40, finalRetryMs: 60, firstMessageMs: 300, overduePollMs: 20 };

function opened(agent: FakeAgent, changed: Partial<WorkloadApiOptions> = {}) {
  const refused: PosternError[] = [];
  const warned: PosternError[] = [];
  const thrown: unknown[] = [];
  const address = { kind: 'unix', path: agent.socketPath } as const;
  const metadata = { 'workload.spiffe.io': 'true' };
  const request = new Uint8Array(0);
  const opening = openWorkloadApiSource({
    ...workloadApiDefaults,
    ...quick,
    endpoint: agent.endpoint,
    spiffeId: null,
    hint: null,
    federation: [],
    caller: { pid: 4711, uid: 1000, gid: 1001 },
    clock: systemClock,
    random: Math.random,
    open: (method, listener) =>
      openServerStream({ address, method, request, metadata, mostMessageBytes: 1024 * 1024 }, listener),
    onRefused: (error) => refused.push(error),
    onWarning: (error) => warned.push(error),
    onListenerError: (error) => thrown.push(error),
    ...changed,
  });
  return { opening, refused, warned, thrown };
}

async function world(t: TestContext, options: FakeAgentOptions = {}, changed: Partial<WorkloadApiOptions> = {}) {
  const agent = await FakeAgent.start(t, options);
  const { opening, ...told } = opened(agent, changed);
  const source = await opening.ready;
  t.after(() => source.close());
  return { agent, source, ...told };
}

const codes = (errors: readonly PosternError[]) => errors.map((error) => error.code);
const serialOf = (source: IdentitySource) => source.current.svid.serial;

proveIdentitySource('workload-api', async () => {
  const cleanups: (() => Promise<void> | void)[] = [];
  const agent = await FakeAgent.start({ after: (fn) => void cleanups.push(fn) });
  const { opening, refused, thrown } = opened(agent);
  const source = await opening.ready;
  return {
    source,
    rotate: async () => {
      agent.fault = null;
      await agent.issue();
    },
    breakIt: async () => {
      agent.fault = { kind: 'garbage' };
    },
    refused: () => codes(refused),
    thrown: () => thrown,
    close: async () => {
      await source.close();
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
});

test('every request carries the metadata that the standard asks for', async (t) => {
  const { agent } = await world(t);
  await waitFor('both streams', () => agent.requests.length >= 2);
  assert.deepEqual([...new Set(agent.requests.map(({ method }) => method))], ['FetchX509SVID', 'FetchJWTBundles']);
  for (const { headers } of agent.requests) {
    assert.equal(headers['workload.spiffe.io'], 'true');
    assert.equal(headers['content-type'], 'application/grpc');
    assert.equal(headers['te'], 'trailers');
  }
});

test('a pushed rotation is published without being asked for', async (t) => {
  const { agent, source } = await world(t);
  const before = serialOf(source);
  const heard: number[] = [];
  source.subscribe((next) => heard.push(next.revision));
  await agent.rotate();
  await waitFor('the new SVID', () => serialOf(source) !== before);
  assert.deepEqual(heard, [2]);
  assert.equal(agent.openStreams(), 1, 'on the same stream');
});

test('waits for an agent that is not there yet, and says what for', async (t) => {
  const agent = await FakeAgent.prepare(t);
  const { opening, warned } = opened(agent);
  await waitFor('a few tries', () => (opening.status.streams[0]?.failures.get('unreachable') ?? 0) >= 3);
  assert.deepEqual(codes(warned), ['ERR_WORKLOAD_API_UNREACHABLE'], 'told once');
  assert.match(warned[0]!.message, /agent\.sock.* does not exist/);
  assert.equal(opening.status.fault?.code, 'ERR_WORKLOAD_API_UNREACHABLE');
  await agent.listen();
  const source = await opening.ready;
  assert.equal(source.status.fault, null);
  await source.close();
});

test('giving up the wait rejects with the last fault', async (t) => {
  const agent = await FakeAgent.prepare(t);
  const { opening, warned } = opened(agent);
  await waitFor('a try', () => warned.length > 0);
  opening.giveUp();
  await assert.rejects(opening.ready, { code: 'ERR_WORKLOAD_API_UNREACHABLE' });
});

test('keeps what it has when the agent goes away, and takes the next SVID when it is back', async (t) => {
  const { agent, source, warned } = await world(t);
  const before = serialOf(source);
  await agent.stop();
  await waitFor('the fault', () => source.status.fault !== null);
  assert.equal(serialOf(source), before);
  assert.equal(source.status.streams[0]?.isUp, false);
  assert.ok(codes(warned).includes('ERR_WORKLOAD_API_UNREACHABLE'));
  await agent.issue();
  await agent.listen();
  await waitFor('the new SVID', () => serialOf(source) !== before);
  await waitFor('no fault', () => source.status.fault === null);
});

test('a denial names the process that was denied, and is tried again', async (t) => {
  const agent = await FakeAgent.start(t);
  agent.fault = { kind: 'status', code: 7, message: 'no identity issued' };
  const { opening, warned } = opened(agent);
  await waitFor('the denial', () => warned.length > 0);
  assert.equal(warned[0]!.code, 'ERR_WORKLOAD_API_DENIED');
  assert.match(warned[0]!.message, /pid 4711, uid 1000, gid 1001/);
  assert.match(warned[0]!.message, /no identity issued/);
  assert.match(warned[0]!.mend, /selectors/);
  agent.fault = null;
  await (await opening.ready).close();
});

const faults: readonly { readonly fault: AgentFault; readonly code: string; readonly reason: string }[] = [
  { fault: { kind: 'status', code: 3, message: 'no' }, code: 'ERR_WORKLOAD_API_REFUSED', reason: 'invalid_argument' },
  { fault: { kind: 'status', code: 12, message: 'no' }, code: 'ERR_WORKLOAD_API_REFUSED', reason: 'unimplemented' },
  { fault: { kind: 'status', code: 14, message: 'no' }, code: 'ERR_WORKLOAD_API_UNREACHABLE', reason: 'unavailable' },
  { fault: { kind: 'status', code: 13, message: 'no' }, code: 'ERR_WORKLOAD_API_REFUSED', reason: 'other' },
  { fault: { kind: 'hang' }, code: 'ERR_WORKLOAD_API_STALLED', reason: 'stalled' },
  { fault: { kind: 'end' }, code: 'ERR_WORKLOAD_API_UNREACHABLE', reason: 'ended' },
  { fault: { kind: 'reset' }, code: 'ERR_WORKLOAD_API_UNREACHABLE', reason: 'ended' },
  { fault: { kind: 'not-grpc' }, code: 'ERR_WORKLOAD_API_ANSWER', reason: 'protocol' },
  { fault: { kind: 'compressed' }, code: 'ERR_WORKLOAD_API_ANSWER', reason: 'protocol' },
  { fault: { kind: 'huge' }, code: 'ERR_WORKLOAD_API_ANSWER', reason: 'too_large' },
];

for (const { fault, code, reason } of faults) {
  const name = fault.kind === 'status' ? `status ${fault.code}` : fault.kind;
  test(`${name} is counted as ${reason}, keeps the last good identity, and passes`, async (t) => {
    const { agent, source, warned } = await world(t);
    const before = source.current;
    agent.fault = fault;
    await assert.rejects(source.refresh(), { code });
    assert.equal(source.current, before);
    assert.equal(source.status.streams[0]?.failures.get(reason as never), 1);
    assert.ok(codes(warned).includes(code as never));
    agent.fault = null;
    await agent.rotate();
    await waitFor('the next SVID', () => serialOf(source) !== before.svid.serial);
  });
}

for (const kind of ['garbage', 'cut-short', 'empty'] as const) {
  test(`a message that is ${kind} is refused whole, and the stream goes on`, async (t) => {
    const { agent, source, refused } = await world(t);
    const before = source.current;
    agent.fault = { kind };
    agent.push();
    await waitFor('the refusal', () => refused.length > 0);
    assert.deepEqual([...new Set(codes(refused))], ['ERR_WORKLOAD_API_ANSWER']);
    assert.equal(source.current, before);
    agent.fault = null;
    await agent.rotate();
    await waitFor('the next SVID', () => serialOf(source) !== before.svid.serial);
    assert.equal(source.status.streams[0]?.failures.size, 0);
  });
}

const own = 'spiffe://prod.acme.com/ns/payments/server';
const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'der' });
const none = new Uint8Array(0);
const unusable: readonly { readonly what: string; readonly wrong: AgentEntry['wrong']; readonly code: string }[] = [
  { what: 'a key of another', wrong: { key: otherKey }, code: 'ERR_SVID_KEY_MISMATCH' },
  { what: 'no key', wrong: { key: none }, code: 'ERR_WORKLOAD_API_ANSWER' },
  { what: 'a key that is none', wrong: { key: Buffer.from('x') }, code: 'ERR_SVID_KEY' },
  { what: 'no certificate', wrong: { chain: none }, code: 'ERR_WORKLOAD_API_ANSWER' },
  { what: 'certificates that are not DER', wrong: { chain: Buffer.from('x') }, code: 'ERR_SVID_CERTIFICATE' },
  { what: 'DER that is no certificate', wrong: { chain: Buffer.from('3000', 'hex') }, code: 'ERR_SVID_CERTIFICATE' },
  { what: 'the name of another', wrong: { id: 'spiffe://prod.acme.com/other' }, code: 'ERR_WORKLOAD_API_ANSWER' },
];

for (const { what, wrong, code } of unusable) {
  test(`an SVID with ${what} is refused, and the last good one stays`, async (t) => {
    const { agent, source, refused } = await world(t);
    const before = source.current;
    agent.entries = [{ spiffeId: own, wrong: wrong! }];
    await agent.rotate();
    await waitFor('the refusal', () => refused.length > 0);
    assert.deepEqual(codes(refused), [code]);
    assert.equal(source.current, before);
    assert.equal(source.status.fault?.code, code);
  });
}

test('an own bundle that is empty refuses the message whole', async (t) => {
  const { agent, source, refused } = await world(t);
  const before = source.current;
  agent.bundle = none;
  await agent.rotate();
  await waitFor('the refusal', () => refused.length > 0);
  assert.deepEqual(codes(refused), ['ERR_WORKLOAD_API_ANSWER']);
  assert.equal(source.current, before);
});

test('something else that listens on the socket is told as such', async (t) => {
  const agent = await FakeAgent.prepare(t);
  const { createServer } = await import('node:net');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('220 mail.example ESMTP\r\n');
  });
  await new Promise<void>((resolve) => server.listen(agent.socketPath, resolve));
  t.after(() => server.close());
  const { opening, warned } = opened(agent);
  await waitFor('the fault', () => warned.length > 0);
  assert.equal(opening.status.streams[0]?.failures.get('protocol'), 1, warned[0]!.message);
  opening.giveUp();
  await assert.rejects(opening.ready);
});

const several = [
  { spiffeId: 'spiffe://prod.acme.com/a' },
  { spiffeId: 'spiffe://prod.acme.com/b', hint: 'external' },
  { spiffeId: 'spiffe://prod.acme.com/c', hint: 'external' },
];

for (const { what, choice, path: expected } of [
  { what: 'the first', choice: {}, path: '/a' },
  { what: 'the one of the SPIFFE ID', choice: { spiffeId: 'spiffe://prod.acme.com/c' }, path: '/c' },
  { what: 'the first of the hint', choice: { hint: 'external' }, path: '/b' },
]) {
  test(`of several SVIDs ${what} is taken`, async (t) => {
    const { source } = await world(t, { entries: several }, choice);
    assert.equal(source.current.svid.id.path, expected);
  });
}

test('a choice that the agent does not serve names what it does serve', async (t) => {
  const agent = await FakeAgent.start(t, { entries: several });
  const { opening, refused } = opened(agent, { hint: 'internal' });
  await waitFor('the refusal', () => refused.length > 0);
  assert.equal(refused[0]!.code, 'ERR_WORKLOAD_API_SVID');
  assert.match(refused[0]!.message, /`internal`.*prod\.acme\.com\/b` \(hint `external`\)/);
  opening.giveUp();
  await assert.rejects(opening.ready, { code: 'ERR_WORKLOAD_API_SVID' });
});

test('federated bundles come and go with the message; a broken one keeps its last good value and holds up nothing', async (t) => {
  const partner = await createDevCa({ dir: path.join(temporaryFolder(t), 'ca'), trustDomain: 'partner.example' });
  const agent = await FakeAgent.start(t);
  agent.federated.set('spiffe://partner.example', derOf(partner.bundlePem));
  agent.federated.set('spiffe://empty.example', new Uint8Array(0));
  agent.federated.set('spiffe://Not A Domain/x', derOf(partner.bundlePem));
  await agent.issue();
  const { opening, refused } = opened(agent);
  const source = await opening.ready;
  t.after(() => source.close());
  const domains = () => source.current.bundles.trustDomains.map(String);
  assert.deepEqual(domains(), ['prod.acme.com', 'partner.example']);
  assert.deepEqual(codes(refused), ['ERR_TRUST_DOMAIN_INVALID'], 'a start survives a partner that is broken');
  agent.federated.delete('spiffe://Not A Domain/x');
  agent.federated.set('spiffe://partner.example', Buffer.from('broken'));
  const before = serialOf(source);
  await agent.rotate();
  await waitFor('the next SVID', () => serialOf(source) !== before);
  assert.deepEqual(domains(), ['prod.acme.com', 'partner.example']);
  assert.equal(codes(refused).at(-1), 'ERR_TRUST_BUNDLE_INVALID');
  agent.federated.clear();
  await agent.rotate();
  await waitFor('its end', () => domains().length === 1);
});

test('a bundle in a file wins over that of the agent, and is taken over when the file changes', async (t) => {
  const dir = temporaryFolder(t);
  const trustDomain = 'partner.example';
  const ofAgent = await createDevCa({ dir: path.join(dir, 'one'), trustDomain });
  const ofFile = await createDevCa({ dir: path.join(dir, 'two'), trustDomain });
  const bundleFile = path.join(dir, 'partner.pem');
  writeFileSync(bundleFile, ofFile.bundlePem);
  const agent = await FakeAgent.start(t);
  agent.federated.set('spiffe://partner.example', derOf(ofAgent.bundlePem));
  await agent.issue();
  const { opening } = opened(agent, { federation: [{ trustDomain: 'partner.example', bundleFile }] });
  const source = await opening.ready;
  t.after(() => source.close());
  const raw = () => Buffer.concat(source.current.bundles.bundles[1]!.authorities.map((one) => one.certificate.raw));
  assert.deepEqual(raw(), derOf(ofFile.bundlePem));
  writeFileSync(bundleFile, ofAgent.bundlePem);
  await waitFor('the changed file', () => raw().equals(derOf(ofAgent.bundlePem)));
});

test('a new own CA is trusted at once, and an own bundle that does not vouch for the new SVID refuses it', async (t) => {
  const { agent, source, refused } = await world(t);
  const other = await createDevCa({ dir: path.join(temporaryFolder(t), 'ca'), trustDomain: 'prod.acme.com' });
  agent.bundle = Buffer.concat([derOf(agent.ca.bundlePem), derOf(other.bundlePem)]);
  await agent.rotate();
  await waitFor('two authorities', () => source.current.bundles.bundles[0]!.authorities.length === 2);
  const before = serialOf(source);
  agent.bundle = derOf(other.bundlePem);
  await agent.rotate();
  await waitFor('the refusal', () => codes(refused).includes('ERR_SVID_UNVOUCHED'));
  assert.equal(serialOf(source), before);
});

test('JWT authorities are held by trust domain, without private members, and keep their last good value', async (t) => {
  const agent = await FakeAgent.start(t);
  const key = { kty: 'EC', crv: 'P-256', x: 'eA', y: 'eQ', d: 'secret' };
  const keys = [{ ...key, kid: 'one', use: 'jwt-svid' }, { ...key, kid: 'two' }, key, { ...key, kid: 'x', use: 'sig' }];
  agent.jwtBundles.set('spiffe://prod.acme.com', JSON.stringify({ keys }));
  const { opening, refused } = opened(agent);
  const source = await opening.ready;
  t.after(() => source.close());
  const authorities = () => source.jwtBundles.current.get('prod.acme.com')?.authorities ?? [];
  await waitFor('the JWT bundle', () => authorities().length > 0);
  assert.deepEqual(
    authorities().map((one) => one.keyId),
    ['one', 'two'],
  );
  assert.ok(!JSON.stringify(authorities()).includes('secret'));
  agent.jwtBundles.set('spiffe://prod.acme.com', 'broken');
  agent.push();
  await waitFor('the refusal', () => refused.length > 0);
  assert.equal(authorities().length, 2);
});

test('an agent that says nothing though the rotation is overdue is asked anew', async (t) => {
  const { agent, source, warned } = await world(t, { ttlMs: 62_000 }, { clock: hastyClock() });
  await agent.issue();
  const before = serialOf(source);
  await waitFor('the next SVID', () => serialOf(source) !== before);
  assert.ok(codes(warned).includes('ERR_IDENTITY_ROTATION_LATE'));
});

/** A minute is over soon after the start: SVIDs of a minute are overdue then. */
function hastyClock() {
  const start = performance.now();
  return {
    ...systemClock,
    nowMs: () => Date.now() + (performance.now() - start > 500 ? 45_000 : 0),
    nowUs: () => systemClock.nowUs(),
    monotonicMs: () => systemClock.monotonicMs(),
  };
}

test('revocation lists of an agent come and go with the message; one that cannot be read keeps the last good ones', async (t) => {
  const root = temporaryFolder(t);
  const ca = new OpensslCa(root, { name: 'root', trustDomain: 'prod.acme.com' });
  ca.revoke(ca.issue('/x').file);
  const { agent, source, refused } = await world(t);
  const serials = () => source.current.bundles.crls.all.map((crl) => crl.size);
  assert.deepEqual(serials(), []);
  agent.crls = [Buffer.from(ca.crl().replaceAll(/-----.*-----|\s/g, ''), 'base64')];
  await agent.rotate();
  await waitFor('the list', () => serials().length === 1);
  assert.deepEqual(serials(), [1]);
  agent.crls = [Buffer.from('no list')];
  const before = serialOf(source);
  await agent.rotate();
  await waitFor('the refusal', () => codes(refused).includes('ERR_CRL_INVALID') && serialOf(source) !== before);
  assert.deepEqual(serials(), [1]);
  agent.crls = [];
  await agent.rotate();
  await waitFor('its end', () => serials().length === 0);
});
