// `policy.revocations`: a row ends open connections and refuses new ones within a second; nobody else notices.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { runPostern } from '../cli/run-cli.ts';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, put, type SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
const request = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
let mesh: Mesh;
let sidecar: SidecarProcess;
let list: string;

before(async () => {
  const workload = await RecordingWorkload.start();
  scope.after(() => workload.stop());
  mesh = await Mesh.create(scope, {
    workloadPort: workload.port,
    sections: { policy: 'policy:\n  paths: [policies/]\n  revocations: revocations.yaml\n' },
  });
  list = path.join(mesh.dir, 'revocations.yaml');
  put(mesh.dir, 'revocations.yaml', '# ours\nrevocations: []\n');
  sidecar = await mesh.start(scope);
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function openAndServed(credentials: PeerCredentials): Promise<RawPeer> {
  const peer = await RawPeer.connect(mesh.port, credentials).secured();
  scope.after(() => peer.close());
  peer.send(request);
  await peer.expect('ok');
  return peer;
}

function denials(cause: string, id: string): Record<string, unknown>[] {
  return journalRecords(mesh.journalDir).filter((one) => {
    const text = JSON.stringify(one);
    return one['decision'] === 'deny' && text.includes(`"${cause}"`) && text.includes(id);
  });
}

test('a revoked identity loses its idle connection and gets no new one, while others go on', async () => {
  const lostId = 'spiffe://prod.acme.com/ns/payments/lost';
  const [lost, kept] = [await mesh.caller(lostId), await mesh.caller()];
  const [lostPeer, keptPeer] = [await openAndServed(lost), await openAndServed(kept)];
  const args = ['inventory', 'revoke', '-c', mesh.configFile, '--spiffe-id', `${lostId}`, '--reason', 'laptop lost'];
  assert.equal((await runPostern(args)).code, 0);
  await lostPeer.ended();
  await waitFor('the record', () => denials('reauth_revoked', lostId).length > 0);
  assert.match(JSON.stringify(denials('reauth_revoked', lostId)), /laptop lost/);
  const refused = RawPeer.connect(mesh.port, lost);
  await refused.ended();
  await waitFor('the record', () => denials('revoked', lostId).length > 0);
  keptPeer.send(request);
  await waitFor('the second answer', () => keptPeer.received.split('200 OK').length === 3);
  assert.equal(keptPeer.closed, false);
  const log = JSON.parse(readFileSync(`${list}.log`, 'utf8')) as Record<string, unknown>;
  assert.equal(log['reason'], 'laptop lost');
  assert.match(readFileSync(list, 'utf8'), /^# ours\n/);
  await (await openAndServed(kept)).close();
});

test('one certificate is revoked by its file, and a new one of the same identity is served', async () => {
  const id = 'spiffe://prod.acme.com/ns/payments/again';
  const [first, second] = [await mesh.caller(id), await mesh.caller(id)];
  const peer = await openAndServed(first);
  const file = put(mesh.dir, 'leaked.crt', first.cert!);
  const run = await runPostern([
    'inventory',
    'revoke',
    '--file',
    list,
    '--cert',
    file,
    '--reason',
    'key leaked',
    '--until',
    '720h',
  ]);
  assert.equal(run.code, 0, run.stderr);
  await peer.ended();
  await (await openAndServed(second)).close();
});

test('a damaged list is refused and told, and what was revoked stays revoked', async () => {
  const id = 'spiffe://prod.acme.com/ns/payments/still';
  const credentials = await mesh.caller(id);
  await runPostern(['inventory', 'revoke', '--file', list, '--spiffe-id', id, '--reason', 'x']);
  await waitFor('the row in force', async () => {
    const peer = RawPeer.connect(mesh.port, credentials);
    await peer.secured();
    peer.send(request);
    await waitFor('an answer or the end', () => peer.closed || peer.received !== '');
    peer.close();
    return peer.received === '';
  });
  const good = readFileSync(list, 'utf8');
  writeFileSync(list, '');
  await waitFor('the refusal to be counted', async () =>
    /postern_revocations_refused_total [1-9]/.test((await sidecar.admin('/metrics')).body),
  );
  assert.match(sidecar.stderr, /revocations refused, the last good list stays/);
  assert.equal(await RawPeer.connect(mesh.port, credentials).ended(), '');
  writeFileSync(list, good);
});

test('check and run name the fault of a list', async () => {
  const file = path.join(mesh.dir, 'broken.yaml');
  writeFileSync(file, 'revocations:\n  - { serial: 17, reason: x }\n');
  const config = put(mesh.dir, 'other.yaml', mesh.readConfig().replace('revocations.yaml', 'broken.yaml'));
  const check = await runPostern(['check', '-c', config], { cwd: mesh.dir });
  assert.equal(check.code, 1);
  assert.match(
    check.stdout,
    /broken\.yaml:2:\d+: error: `serial` is no text \[ERR_REVOCATIONS_INVALID\]; write it in quotes/,
  );
  const run = await runPostern(['run', '-c', config], { cwd: mesh.dir });
  assert.equal(run.code, 2);
  assert.match(run.stderr, /ERR_REVOCATIONS_INVALID/);
});

test('revoke says what is wrong with its arguments, and writes nothing', async () => {
  const file = path.join(mesh.dir, 'none.yaml');
  const rows: readonly (readonly string[])[] = [
    ['--file', file, '--reason', 'x'],
    ['--file', file, '--serial', '1', '--jti', 'a', '--reason', 'x'],
    ['--file', file, '--serial', 'zz', '--reason', 'x'],
    ['--file', file, '-c', mesh.configFile, '--serial', '1', '--reason', 'x'],
    ['--file', file, '--serial', '1'],
  ];
  for (const row of rows) {
    const run = await runPostern(['inventory', 'revoke', ...row]);
    assert.equal(run.code, 2, row.join(' '));
    assert.match(run.stderr, /postern: .+\[ERR_/);
  }
  assert.equal(existsSync(file), false);
});
