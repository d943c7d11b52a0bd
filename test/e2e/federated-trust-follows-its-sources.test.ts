// Two Posterns of two trust domains: one serves its bundle, the other fetches it and reads the partner's revocation list.
// Whatever that changes is in force on new and open connections.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { runPostern } from '../cli/run-cli.ts';
import { freePort } from '../harness/free-port.ts';
import { Mesh } from '../harness/mesh.ts';
import { OpensslCa } from '../harness/openssl-ca.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, put, SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
const request = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const deadlineMs = 20_000;
let mesh: Mesh;
let ours: SidecarProcess;
let partner: SidecarProcess;
let partnerDir: string;
let oldCa: OpensslCa;
let newCa: OpensslCa;

const policy = `policy "partners":
  principals: { type: workload, spiffe_id: "spiffe://partner.example/**" }
  rules:
    - { name: all, effect: allow, actions: [read] }
`;

/** As a careful operator writes: beside, then renamed into place. */
function replace(dir: string, name: string, text: string): void {
  writeFileSync(path.join(dir, `${name}.new`), text);
  renameSync(path.join(dir, `${name}.new`), path.join(dir, name));
}

before(async () => {
  const workload = await RecordingWorkload.start();
  scope.after(() => workload.stop());
  const port = await freePort();
  mesh = await Mesh.create(scope, {
    workloadPort: workload.port,
    policy,
    sections: {
      identity: `identity:
  source: files
  files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }
  federation:
    - trust_domain: partner.example
      bundle:
        url: https://127.0.0.1:${port}/
        profile: https_spiffe
        endpoint_spiffe_id: spiffe://partner.example/bundle-server
        file: partner.pem
        refresh: 1s
  crl: { files: [partner.crl] }
`,
    },
  });
  oldCa = new OpensslCa(mesh.dir, { name: 'old', trustDomain: 'partner.example' });
  newCa = new OpensslCa(mesh.dir, { name: 'new', trustDomain: 'partner.example' });
  mesh.put('partner.pem', oldCa.pem);
  mesh.put('partner.crl', oldCa.crl());
  partnerDir = path.join(mesh.dir, 'partner');
  mkdirSync(path.join(partnerDir, 'policies'), { recursive: true });
  const own = oldCa.issue('/bundle-server');
  put(partnerDir, 'tls.crt', own.pem);
  put(partnerDir, 'tls.key', own.keyPem);
  put(partnerDir, 'bundle.pem', oldCa.pem);
  put(partnerDir, 'policies/p.yaml', policy);
  const adminPort = await freePort();
  const configFile = put(
    partnerDir,
    'postern.yaml',
    `version: 1
identity:
  source: files
  files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }
  bundle_endpoint: { listen: "127.0.0.1:${port}" }
inbound: [{ name: api, listen: "127.0.0.1:${await freePort()}", forward: "http://127.0.0.1:${workload.port}" }]
policy: { paths: [policies/] }
audit: { journal: { dir: journal }, stdout: off }
admin: { listen: "127.0.0.1:${adminPort}" }
`,
  );
  // Nobody waits for the partner: ours starts first.
  ours = await mesh.start(scope);
  partner = await SidecarProcess.start({ configFile, adminPort });
  scope.after(() => partner.kill());
  await waitFor('the first fetch', async () => (await federation()).using === 'endpoint', deadlineMs);
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function federation(): Promise<{ readonly using: string; readonly fault: string | null }> {
  return JSON.parse((await ours.admin('/identity')).body).source.federation[0];
}

async function authorities(): Promise<number> {
  const { bundles } = JSON.parse((await ours.admin('/identity')).body);
  return bundles[1].authorities.length;
}

function caller(
  ca: OpensslCa,
  name: string,
): { readonly id: string; readonly credentials: PeerCredentials; readonly file: string } {
  const { pem, keyPem, file } = ca.issue(`/${name}`);
  return {
    id: `spiffe://partner.example/${name}`,
    credentials: { cert: pem, key: keyPem, ca: mesh.ca.bundlePem },
    file,
  };
}

async function openAndServed(credentials: PeerCredentials): Promise<RawPeer> {
  const peer = await RawPeer.connect(mesh.port, credentials).secured();
  scope.after(() => peer.close());
  peer.send(request);
  await peer.expect('ok', deadlineMs);
  return peer;
}

function denials(cause: string, id: string): string[] {
  return journalRecords(mesh.journalDir)
    .filter((one) => one['decision'] === 'deny')
    .map((one) => JSON.stringify(one))
    .filter((text) => text.includes(`"${cause}"`) && text.includes(id));
}

async function servedStill(peer: RawPeer): Promise<void> {
  const before = peer.received.split('200 OK').length;
  peer.send(request);
  await waitFor('a further answer', () => peer.received.split('200 OK').length > before, deadlineMs);
}

test('a certificate that the CA revokes loses its open connection and gets no new one; others of that CA go on', async () => {
  const [lost, kept] = [caller(oldCa, 'lost'), caller(oldCa, 'kept')];
  const [lostPeer, keptPeer] = [await openAndServed(lost.credentials), await openAndServed(kept.credentials)];
  oldCa.revoke(lost.file);
  replace(mesh.dir, 'partner.crl', oldCa.crl());
  await waitFor('its end', () => lostPeer.closed, deadlineMs);
  await waitFor('the record', () => denials('reauth_revoked', lost.id).length > 0, deadlineMs);
  assert.match(
    denials('reauth_revoked', lost.id)[0]!,
    /is revoked by the CRL of CA `CN=old,O=Test` since .*: key_compromise/,
  );
  await RawPeer.connect(mesh.port, lost.credentials).ended();
  await waitFor('the record', () => denials('revoked', lost.id).length > 0, deadlineMs);
  await servedStill(keptPeer);
  const inspect = ['identity', 'inspect', lost.file, '--bundle', path.join(mesh.dir, 'partner.pem')];
  const run = await runPostern([...inspect, '--crl', path.join(mesh.dir, 'partner.crl')]);
  assert.equal(run.code, 1);
  assert.match(run.stdout, /is revoked by the CRL of CA .*\[revoked\]/);
});

test('a damaged revocation list is refused and told, and what was revoked stays revoked', async () => {
  const one = caller(oldCa, 'still');
  oldCa.revoke(one.file);
  const good = oldCa.crl();
  replace(mesh.dir, 'partner.crl', good);
  await waitFor(
    'the refusal',
    async () => {
      await RawPeer.connect(mesh.port, one.credentials).ended();
      return denials('revoked', one.id).length > 0;
    },
    deadlineMs,
  );
  replace(mesh.dir, 'partner.crl', newCa.crl().slice(0, 300));
  await waitFor(
    'the count',
    async () => /postern_crl_refused_total [1-9]/.test((await ours.admin('/metrics')).body),
    deadlineMs,
  );
  const before = denials('revoked', one.id).length;
  await RawPeer.connect(mesh.port, one.credentials).ended();
  await waitFor('another record', () => denials('revoked', one.id).length > before, deadlineMs);
  replace(mesh.dir, 'partner.crl', good);
});

test('a partner rotates its CA and the certificate of its endpoint: new callers come in, those of the old CA go', async () => {
  const [early, late] = [caller(oldCa, 'early'), caller(newCa, 'late')];
  const earlyPeer = await openAndServed(early.credentials);
  await RawPeer.connect(mesh.port, late.credentials).ended();
  replace(partnerDir, 'bundle.pem', oldCa.pem + newCa.pem);
  await waitFor('the new CA', async () => (await authorities()) === 2, deadlineMs);
  const latePeer = await openAndServed(late.credentials);
  const next = newCa.issue('/bundle-server');
  replace(partnerDir, 'tls.key', next.keyPem);
  replace(partnerDir, 'tls.crt', next.pem);
  const serial = async () => JSON.parse((await partner.admin('/identity')).body).issuer;
  await waitFor('the new certificate', async () => (await serial()).includes('new'), deadlineMs);
  replace(partnerDir, 'bundle.pem', newCa.pem);
  await waitFor('the end of the old CA', async () => (await authorities()) === 1, deadlineMs);
  await waitFor('its end', () => earlyPeer.closed, deadlineMs);
  await waitFor('the record', () => denials('reauth_revoked', early.id).length > 0, deadlineMs);
  await servedStill(latePeer);
  assert.equal((await federation()).fault, null);
});

test('an endpoint that is gone changes nothing but what is told of it', async () => {
  const peer = await openAndServed(caller(newCa, 'calm').credentials);
  await partner.kill();
  await waitFor('the fault', async () => (await federation()).fault?.includes('ECONNREFUSED'), deadlineMs);
  const failed = /postern_federation_fetch_failures_total\{trust_domain="partner.example",reason="unreachable"\} [1-9]/;
  assert.match((await ours.admin('/metrics')).body, failed);
  await servedStill(peer);
  await (await openAndServed(caller(newCa, 'calmer').credentials)).close();
  const show = await runPostern(['identity', 'show', '-c', mesh.configFile]);
  assert.equal(show.code, 0, show.stderr);
  assert.match(show.stdout, /federation with partner\.example[\s\S]*never[\s\S]*ECONNREFUSED/);
  assert.match(show.stdout, /CRL of CN=old,O=Test: 2 revoked, until 20/);
});
