// More peers than descriptors (`ulimit -n 256`): those who are in go on, the journal gets its segments, the loop does not
// spin, and room comes back when peers leave.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { SidecarProcess } from '../harness/sidecar-process.ts';
import { SteadyLoad } from '../harness/steady-load.ts';
import { waitFor } from '../harness/wait-for.ts';

const openFiles = 256;
const get = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';

async function limitedSidecar(t: { after(fn: () => Promise<void> | void): void }) {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port });
  // The smallest segments there are: the journal begins a new one while descriptors are short.
  mesh.put('postern.yaml', mesh.readConfig().replace('journal: {', 'journal: { segment: 64KiB,'));
  const sidecar = await SidecarProcess.start({ configFile: mesh.configFile, adminPort: mesh.adminPort, openFiles });
  t.after(() => sidecar.kill());
  return { mesh, sidecar, workload };
}

function segmentCount(mesh: Mesh): number {
  return readdirSync(mesh.journalDir, { recursive: true }).filter((name) => String(name).endsWith('.ndjson')).length;
}

test('peers beyond what descriptors hold are refused, and those who are in go on', { timeout: 120_000 }, async (t) => {
  const { mesh, sidecar, workload } = await limitedSidecar(t);
  assert.match(sidecar.stderr, /descriptors suffice for fewer connections/);
  assert.match(sidecar.stderr, /LimitNOFILE/);
  const idleDescriptors = sidecar.descriptorCount;
  const credentials = await mesh.caller();
  const load = new SteadyLoad({ port: mesh.port, credentials, concurrency: 4 }).start();
  t.after(() => load.stop());
  await waitFor('the load to be in', () => load.answered > 20);

  // All of them ask at once, so that each wants a connection to the workload too.
  const crowd = Array.from({ length: 300 }, () => RawPeer.connect(mesh.port, credentials));
  t.after(() => {
    for (const peer of crowd) peer.close();
  });
  for (const peer of crowd) peer.send(get);
  await waitFor('each to be answered or refused', () => crowd.every((peer) => peer.closed || peer.received !== ''));
  const served = crowd.filter((peer) => peer.received.startsWith('HTTP/1.1 200'));
  assert.ok(served.length > 20, `${served.length} served`);
  assert.ok(served.length < 200, `${served.length} served`);
  const otherwise = crowd
    .map((peer) => peer.received)
    .filter((text) => text !== '' && !text.startsWith('HTTP/1.1 200'));
  assert.deepEqual(otherwise, []);
  assert.ok(sidecar.descriptorCount < openFiles, `${sidecar.descriptorCount} descriptors`);
  const refused = await sidecar.metric('postern_connections_refused_total', { reason: 'descriptor_limit' });
  const dropped = await sidecar.metric('postern_handshakes_total', { result: 'dropped' });
  assert.equal(refused + dropped, crowd.length - served.length);
  assert.ok((await sidecar.metric('postern_limits_met_total', { limit: 'descriptors' })) > 0);

  // Those who are in ask again, together: each has its connection to the workload.
  for (const peer of served) peer.send(get);
  await waitFor('their second answers', () => served.every((peer) => peer.received.split('HTTP/1.1 200').length === 3));
  assert.equal((await sidecar.admin('/readyz')).status, 200);
  const before = segmentCount(mesh);
  await waitFor('a new segment of the journal', () => segmentCount(mesh) > before, 30_000);
  await load.stop();
  assert.deepEqual([...load.failures, ...[...load.statuses.keys()].filter((status) => status !== 200)], []);

  for (const peer of crowd) peer.close();
  await waitFor('room again', async () => (await sidecar.metric('postern_connections_open')) === 0);
  const next = await RawPeer.connect(mesh.port, credentials).secured();
  next.send(get);
  await next.expect('HTTP/1.1 200');
  next.close();
  for (const { socket } of workload.connections) socket.destroy();
  await waitFor('its descriptors to be given back', () => sidecar.descriptorCount <= idleDescriptors + 4);
  assert.equal(await sidecar.metric('postern_journal_write_failures_total'), 0);
});

test('strangers who say nothing hold all descriptors, and a peer still gets in', { timeout: 120_000 }, async (t) => {
  const { mesh, sidecar } = await limitedSidecar(t);
  const credentials = await mesh.caller();
  const strangers = Array.from({ length: 400 }, () => net.connect(mesh.port, '127.0.0.1').on('error', () => {}));
  t.after(() => {
    for (const socket of strangers) socket.destroy();
  });
  await waitFor(
    'the limit',
    async () => (await sidecar.metric('postern_limits_met_total', { limit: 'descriptors' })) > 0,
  );
  const peer = await RawPeer.connect(mesh.port, credentials).secured();
  peer.send(get);
  await peer.expect('HTTP/1.1 200');
  peer.close();
  assert.ok((await sidecar.metric('postern_handshakes_total', { result: 'dropped' })) > 0);

  // Nobody new comes: it rests, and does not ask the kernel again and again.
  await waitFor('rest', async () => {
    const ticks = sidecar.cpuTicks;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return sidecar.cpuTicks - ticks <= 10;
  });
});
