// Promise 3 for requests that are under way, and for connections that wait for the next one: a body may stream for hours, and
// ends within a second of its right, whatever took it; those who keep theirs never notice.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createDevCa, type DevCa } from '../../src/identity/dev-ca.ts';
import { Mesh, openPolicy } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, put, type SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const lostId = 'spiffe://prod.acme.com/ns/payments/lost';
const peersOfEach = 100;
const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
let workload: RecordingWorkload;
let mesh: Mesh;
let second: DevCa;
let sidecar: SidecarProcess;
let lost: PeerCredentials;
let kept: PeerCredentials;

before(async () => {
  // Begins every answer and never ends it.
  workload = await RecordingWorkload.start((connection, piece) => {
    if (!piece.includes('GET /')) return;
    if (piece.includes('GET /whole')) {
      connection.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole');
      return;
    }
    connection.socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n');
  });
  scope.after(() => workload.stop());
  mesh = await Mesh.create(scope, {
    workloadPort: workload.port,
    inbound: '    http2: on\n',
    policy: `${openPolicy}    - name: barred\n      effect: deny\n      conditions:\n        - exists principal.labels["barred"]\n`,
    sections: {
      policy: 'policy:\n  paths: [policies/]\n  revocations: revocations.yaml\n',
      inventory: 'inventory:\n  registry: identities.yaml\n',
    },
  });
  second = await createDevCa({ dir: path.join(mesh.dir, 'second-ca'), trustDomain: 'prod.acme.com' });
  put(mesh.dir, 'bundle.pem', mesh.ca.bundlePem + second.bundlePem);
  put(mesh.dir, 'revocations.yaml', 'revocations: []\n');
  put(mesh.dir, 'identities.yaml', 'identities: []\n');
  sidecar = await mesh.start(scope);
  lost = await mesh.caller(lostId);
  kept = await mesh.caller();
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function streaming(credentials: PeerCredentials): Promise<RawPeer> {
  const peer = await RawPeer.connect(mesh.port, credentials).secured();
  scope.after(() => peer.close());
  peer.send('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('begin');
  return peer;
}

/** Connections that wait, after a request that was answered. */
function idle(credentials: PeerCredentials, target = '/whole'): Promise<RawPeer[]> {
  const open = async (): Promise<RawPeer> => {
    const peer = await RawPeer.connect(mesh.port, credentials).secured();
    scope.after(() => peer.close());
    peer.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await peer.expect('whole');
    return peer;
  };
  return Promise.all(Array.from({ length: 10 }, open));
}

/** The same over HTTP/2. */
async function idleHttp2(credentials: PeerCredentials): Promise<http2.ClientHttp2Session> {
  const options = { ...credentials, checkServerIdentity: () => undefined };
  const session = http2.connect(`https://127.0.0.1:${mesh.port}`, options);
  session.on('error', () => {});
  scope.after(() => session.destroy());
  const stream = session.request({ ':path': '/whole' });
  let text = '';
  stream.on('data', (piece: Buffer) => {
    text += String(piece);
  });
  await waitFor('an answer over HTTP/2', () => text === 'whole');
  return session;
}

async function many(credentials: PeerCredentials): Promise<RawPeer[]> {
  const peers: RawPeer[] = [];
  for (let at = 0; at < peersOfEach; at += 20) {
    peers.push(...(await Promise.all(Array.from({ length: 20 }, () => streaming(credentials)))));
  }
  return peers;
}

async function goOn(peers: readonly RawPeer[]): Promise<void> {
  for (const connection of workload.connections) {
    if (!connection.socket.destroyed) connection.socket.write('4\r\nmore\r\n');
  }
  await waitFor('the streams to go on', () => peers.every((peer) => peer.received.includes('more')));
  assert.ok(peers.every((peer) => !peer.closed));
}

function revokedRecords(): Record<string, unknown>[] {
  return journalRecords(mesh.journalDir).filter((one) => one['reason'] === 'reauth_revoked');
}

test('a policy that no longer allows what they did last ends idle connections, and no others', async () => {
  const already = revokedRecords().length;
  const [gone, elsewhere, others] = [await idle(lost), await idle(lost, '/whole/other'), await idle(kept)];
  const [goneHttp2, keptHttp2] = [await idleHttp2(lost), await idleHttp2(kept)];
  const before = readFileSync(mesh.policyFile, 'utf8');
  const conditions = `      conditions:\n        - principal.spiffe_id == "${lostId}"\n        - resource.path == "/whole"\n`;
  writeFileSync(mesh.policyFile, `${before}    - name: not-that\n      effect: deny\n${conditions}`);
  await waitFor('them to end', () => gone.every((peer) => peer.closed) && goneHttp2.destroyed);
  await waitFor('the records', () => revokedRecords().length === already + gone.length + 1);
  assert.match(JSON.stringify(revokedRecords().at(-1)), /not-that/);
  for (const peer of [...elsewhere, ...others]) peer.send('GET /whole/other HTTP/1.1\r\nHost: a\r\n\r\n');
  const isServed = (peer: RawPeer): boolean => peer.received.split('200 OK').length === 3;
  await waitFor('the others to be served', () => [...elsewhere, ...others].every(isServed));
  assert.ok(!keptHttp2.destroyed && !keptHttp2.closed);
  keptHttp2.destroy();
  for (const peer of [...elsewhere, ...others]) peer.close();
  const left = () => sidecar.metric('postern_connections_open');
  await waitFor('them to be gone', async () => (await left()) === 0);
  writeFileSync(mesh.policyFile, before);
  await waitFor('the old policy', async () => {
    const peer = await RawPeer.connect(mesh.port, lost).secured();
    peer.send('GET /whole HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('an answer', () => peer.received !== '' || peer.closed);
    peer.close();
    return peer.received.startsWith('HTTP/1.1 200');
  });
});

test('a policy that no longer allows them ends streams under way, and an upload with a 403', async () => {
  const already = revokedRecords().length;
  const [lostPeers, keptPeers] = [await many(lost), await many(kept)];
  const upload = await RawPeer.connect(mesh.port, lost).secured();
  upload.send('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nfirst');
  await waitFor('the upload to begin', () => workload.received.includes('POST /up'));
  const before = readFileSync(mesh.policyFile, 'utf8');
  const rule = `    - name: no-more\n      effect: deny\n      actions: [read, write]\n      conditions:\n        - principal.spiffe_id == "${lostId}"\n`;
  writeFileSync(mesh.policyFile, before + rule);
  await waitFor('the streams to end', () => lostPeers.every((peer) => peer.closed));
  assert.ok(
    lostPeers.every((peer) => !peer.received.endsWith('0\r\n\r\n')),
    'nobody takes half for the whole',
  );
  assert.match(await upload.ended(), /^HTTP\/1\.1 403 .*"decision_id"/s);
  await waitFor('the records', () => revokedRecords().length === already + peersOfEach + 1);
  assert.ok(revokedRecords().every((one) => one['decision'] === 'deny' && JSON.stringify(one).includes(lostId)));
  assert.match(JSON.stringify(revokedRecords().at(-1)), /no-more/);
  await goOn(keptPeers);
  for (const peer of keptPeers) peer.close();
  writeFileSync(mesh.policyFile, before);
  await waitFor('the old policy', async () => {
    const peer = await RawPeer.connect(mesh.port, lost).secured();
    peer.send('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('an answer', () => peer.received !== '' || peer.closed);
    peer.close();
    return peer.received.startsWith('HTTP/1.1 200');
  });
});

test('a revocation ends streams under way, and no others', async () => {
  const already = revokedRecords().length;
  const [lostPeers, keptPeers] = [await many(lost), await many(kept)];
  put(mesh.dir, 'revocations.yaml', `revocations:\n  - { spiffe_id: "${lostId}", reason: leaked }\n`);
  await waitFor('the streams to end', () => lostPeers.every((peer) => peer.closed));
  // At least: a caller who left while its stream was silent is one more until the kernel finds out.
  await waitFor('the records', () => revokedRecords().length >= already + peersOfEach);
  await goOn(keptPeers);
});

test('a registry that bars them ends streams under way, and a damaged one changes nothing', async () => {
  const id = 'spiffe://prod.acme.com/ns/payments/barred';
  const barred = await mesh.caller(id);
  const already = revokedRecords().length;
  const [lostPeers, keptPeers] = [[...(await many(barred)), ...(await idle(barred))], await many(kept)];
  const own = '  - { spiffe_id: "spiffe://prod.acme.com/ns/payments/server", owner: team-server }\n';
  put(mesh.dir, 'identities.yaml', `identities:\n${own}  - { spiffe_id: "${id}", labels: { barred: "yes" } }\n`);
  await waitFor('the streams to end', () => lostPeers.every((peer) => peer.closed));
  await waitFor('the records', () => revokedRecords().length >= already + lostPeers.length);
  await goOn(keptPeers);
  const identity = JSON.parse((await sidecar.admin('/identity')).body) as { attributes: { labels: unknown } };
  assert.deepEqual(identity.attributes.labels, { service: 'server', owner: 'team-server' });
  put(mesh.dir, 'identities.yaml', 'identities:\n  - { spiffe_id: 17 }\n');
  await waitFor('the refusal', async () => (await sidecar.metric('postern_registry_refused_total')) > 0);
  assert.match(sidecar.stderr, /identities\.yaml:2:.*registry refused, the last good one stays/);
  assert.equal(await sidecar.metric('postern_registry_rows'), 2);
  const peer = await RawPeer.connect(mesh.port, barred).secured();
  scope.after(() => peer.close());
  peer.send('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('403');
  put(mesh.dir, 'identities.yaml', 'identities: []\n');
  await waitFor('the connection to be served again', async () => {
    peer.send('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('an answer', () => peer.received.endsWith('}') || peer.received.includes('begin'));
    return peer.received.includes('begin');
  });
});

test('a CA that leaves the bundle ends streams and idle connections of its peers, and no others', async () => {
  const svid = await second.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/of-second' });
  const credentials = { cert: svid.certChainPem, key: svid.keyPem, ca: mesh.ca.bundlePem };
  const already = revokedRecords().length;
  const [lostPeers, keptPeers] = [await many(credentials), await many(kept)];
  const idle = await Promise.all(Array.from({ length: 20 }, () => RawPeer.connect(mesh.port, credentials).secured()));
  put(mesh.dir, 'bundle.pem', mesh.ca.bundlePem);
  await waitFor('all of them to end', () => [...lostPeers, ...idle].every((peer) => peer.closed));
  await waitFor('the records', () => revokedRecords().length >= already + peersOfEach);
  await goOn(keptPeers);
});
