// Reload, rotation and drain while requests flow: none fails, no connection is dropped that need not be; and a right ends
// when its certificate or its bundle does.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { bundleText } from '../../bench/large-bundle.ts';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { freePort } from '../harness/free-port.ts';
import { Mesh, type MeshOptions, openPolicy } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords } from '../harness/sidecar-process.ts';
import { SteadyLoad } from '../harness/steady-load.ts';
import { waitFor } from '../harness/wait-for.ts';

async function world(t: { after(fn: () => Promise<void> | void): void }, options: Partial<MeshOptions> = {}) {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port, ...options });
  const sidecar = await mesh.start(t);
  return { workload, mesh, sidecar };
}

function only200(load: SteadyLoad): void {
  assert.deepEqual(load.failures, []);
  assert.deepEqual([...load.statuses.keys()], [200]);
}

test('a policy takes effect when its file changes, without a dropped connection, and a broken one is refused', async (t) => {
  const { mesh, sidecar } = await world(t);
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency: 4 }).start();
  await waitFor('load', () => load.answered > 50);
  const connections = load.connections;
  writeFileSync(mesh.policyFile, openPolicy.replace('name: all', 'name: renamed'));
  await waitFor('the new policy', async () => (await sidecar.admin('/policy')).body.includes('renamed'));
  writeFileSync(mesh.policyFile, openPolicy.replace('name: all', 'name: renamed') + bundleText(2000, 'selective'));
  await waitFor('2,000 rules more', async () => (await sidecar.admin('/policy')).body.includes('"rule_count": 2001'));
  writeFileSync(mesh.policyFile, openPolicy.replace('name: all', 'name: renamed'));
  await waitFor('one rule again', async () => (await sidecar.admin('/policy')).body.includes('"rule_count": 1,'));
  writeFileSync(mesh.policyFile, 'policy "broken": { rules: [ { name: x, effect: alow } ] }\n');
  await waitFor('the refusal', async () =>
    /postern_config_reloads_total\{result="refused"\} [1-9]/.test((await sidecar.admin('/metrics')).body),
  );
  const before = load.answered;
  await waitFor('more load', () => load.answered > before + 50);
  assert.ok((await sidecar.admin('/policy')).body.includes('renamed'), 'the last good policy stays');
  assert.match(sidecar.stderr, /alow/, 'the log names what is wrong');
  assert.equal((await sidecar.admin('/readyz')).status, 200);
  only200(load);
  assert.equal(load.connections, connections, 'no connection was dropped');
  writeFileSync(mesh.policyFile, openPolicy.replace('effect: allow', 'effect: deny'));
  // A connection that was idle when its right ended is ended with it; whoever comes again is denied.
  await waitFor('the deny', () => (load.statuses.get(403) ?? 0) > 10);
  await load.stop();
});

test('a request on a listener that a reload removed is waited for at SIGTERM', async (t) => {
  const { mesh, sidecar, workload } = await world(t);
  workload.behave = () => {};
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  t.after(() => peer.close());
  peer.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor('its head at the workload', () => workload.heads.length === 1);
  const other = await freePort();
  mesh.put(
    'postern.yaml',
    mesh.readConfig().replace('name: api', 'name: other').replace(`:${mesh.port}\n`, `:${other}\n`),
  );
  sidecar.signal('SIGHUP');
  await waitFor('the new listener', async () => (await sidecar.admin('/config')).body.includes(String(other)));
  sidecar.signal('SIGTERM');
  await waitFor('the drain', () => /draining/.test(sidecar.stderr));
  // A process that waits for nobody is gone before it has answered so often.
  for (let turn = 0; turn < 40; turn += 1) assert.equal((await sidecar.admin('/readyz')).status, 503);
  workload.connections[0]?.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  await waitFor('the answer', () => peer.received.startsWith('HTTP/1.1 200'));
  assert.equal((await sidecar.ended()).code, 0, sidecar.stderr);
});

test('SIGHUP adds and removes listeners and changes routes, and a port in use leaves everything as it was', async (t) => {
  const { mesh, sidecar, workload } = await world(t);
  const config = mesh.readConfig();
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency: 2 }).start();
  await waitFor('load', () => load.answered > 20);
  mesh.put(
    'postern.yaml',
    config.replace(
      'policy:\n',
      `  - { name: second, listen: "127.0.0.1:${mesh.adminPort}", forward: "http://127.0.0.1:${workload.port}" }\npolicy:\n`,
    ),
  );
  sidecar.signal('SIGHUP');
  await waitFor('the refusal', () => /reload refused/.test(sidecar.stderr));
  assert.equal((await sidecar.admin('/readyz')).status, 200);
  const second = await freePort();
  mesh.put(
    'postern.yaml',
    config.replace(
      'policy:\n',
      `  - { name: second, listen: "127.0.0.1:${second}", forward: "http://127.0.0.1:${workload.port}" }\npolicy:\n`,
    ),
  );
  sidecar.signal('SIGHUP');
  const caller = await mesh.caller();
  const ask = async (port: number): Promise<boolean> => {
    const peer = await RawPeer.connect(port, caller).secured();
    peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('an answer', () => peer.received.includes('ok') || peer.closed);
    peer.close();
    return peer.received.startsWith('HTTP/1.1 200');
  };
  await waitFor('the second listener', () => ask(second));
  mesh.put('postern.yaml', config);
  sidecar.signal('SIGHUP');
  await waitFor('the second listener to go', async () => !(await ask(second)));
  await load.stop();
  only200(load);
});

test('a new certificate serves new handshakes at once, and open connections do not notice', async (t) => {
  const { mesh } = await world(t);
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency: 4 }).start();
  await waitFor('load', () => load.answered > 50);
  const connections = load.connections;
  const next = await mesh.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/server', dnsNames: ['localhost'] });
  mesh.put('tls.crt', next.certChainPem);
  mesh.put('tls.key', next.keyPem);
  const caller = await mesh.caller();
  await waitFor('the new serial', async () => {
    const peer = await RawPeer.connect(mesh.port, caller).secured();
    const serial = peer.socket.getPeerX509Certificate()?.serialNumber;
    peer.close();
    return serial === next.serial;
  });
  await load.stop();
  only200(load);
  assert.equal(load.connections, connections);
});

test('an open connection ends within two seconds of its certificate, with the reason on record', async (t) => {
  const { mesh } = await world(t);
  const short = await mesh.caller('spiffe://prod.acme.com/ns/payments/api', 3_000);
  const lasting = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  const peer = await RawPeer.connect(mesh.port, short).secured();
  const expiresMs = Date.parse(peer.socket.getX509Certificate()!.validTo);
  peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('ok');
  await peer.ended(8_000);
  const late = Date.now() - expiresMs;
  assert.ok(late > -100 && late < 3_000, `ended ${late} ms after the certificate`);
  await waitFor('the record', () => journalRecords(mesh.journalDir).some((one) => one['reason'] === 'reauth_revoked'));
  lasting.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await lasting.expect('ok');
  lasting.close();
});

test('a connection ends when the authority that vouched for it leaves the bundle', async (t) => {
  const { mesh } = await world(t);
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('ok');
  const newDir = path.join(mesh.dir, 'new-ca');
  const newCa = await createDevCa({ dir: newDir, trustDomain: 'prod.acme.com' });
  const own = await newCa.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/server' });
  mesh.put('bundle.pem', newCa.bundlePem);
  mesh.put('tls.crt', own.certChainPem);
  mesh.put('tls.key', own.keyPem);
  await peer.ended(15_000);
  rmSync(newDir, { recursive: true });
  await waitFor('the record', () => journalRecords(mesh.journalDir).some((one) => one['reason'] === 'reauth_revoked'));
});

test('SIGTERM under load fails no request, ends with 0, and the journal is sealed', async (t) => {
  // Half of the drain is spent accepting: long enough for a busy machine to stop the load meanwhile.
  const { mesh, sidecar } = await world(t, { sections: { shutdown: 'shutdown: { drain: 12s }\n' } });
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency: 6 }).start();
  await waitFor('load', () => load.answered > 100);
  sidecar.signal('SIGTERM');
  await waitFor('not ready', async () => (await sidecar.admin('/readyz')).status === 503);
  const before = load.answered;
  await waitFor('service goes on while endpoints drop', () => load.answered > before + 20);
  await load.stop();
  assert.deepEqual(await sidecar.ended(), { code: 0, signal: null });
  only200(load);
  assert.equal(journalRecords(mesh.journalDir).at(-1)?.['type'], 'seal');
});

test('a request in flight at SIGTERM is answered', async (t) => {
  const { mesh, sidecar, workload } = await world(t);
  let answer: (() => void) | null = null;
  workload.behave = ({ socket }) => {
    answer = () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
  };
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  peer.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor('the request at the workload', () => answer);
  sidecar.signal('SIGTERM');
  await waitFor('not ready', async () => (await sidecar.admin('/readyz')).status === 503);
  answer!();
  const text = await peer.expect('late');
  assert.match(text, /\r\nConnection: close\r\n/);
  assert.deepEqual(await sidecar.ended(), { code: 0, signal: null });
});
