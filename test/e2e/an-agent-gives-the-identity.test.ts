// The identity of an agent, end to end: `postern run` starts before the agent, serves while SVIDs rotate each second
// under load, goes on when the agent goes away, and says what it does to operators.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeAgent, type FakeAgentOptions } from '../harness/fake-agent.ts';
import { Mesh } from '../harness/mesh.ts';
import type { PeerCredentials } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { SidecarProcess } from '../harness/sidecar-process.ts';
import { SteadyLoad } from '../harness/steady-load.ts';
import { waitFor } from '../harness/wait-for.ts';

const attributes = `  attributes:
    - match: spiffe://{environment}.acme.com/ns/{namespace}/{service}
      set: { attestation: k8s_sat }
`;

async function world(t: TestContext, options: FakeAgentOptions & { keys?: string } = {}) {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const agent = await FakeAgent.prepare(t, options);
  const section = options.keys ?? `  workload_api: { socket: "${agent.endpoint}" }\n`;
  const identity = `identity:\n  source: workload-api\n${section}${attributes}`;
  const mesh = await Mesh.create(t, { workloadPort: workload.port, sections: { identity } });
  const caller = async (): Promise<PeerCredentials> => {
    const svid = await agent.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/api' });
    return { cert: svid.certChainPem, key: svid.keyPem, ca: agent.ca.bundlePem };
  };
  return { workload, agent, mesh, caller };
}

function spawned(t: TestContext, mesh: Mesh, env: Record<string, string> = {}): SidecarProcess {
  const sidecar = SidecarProcess.spawn({ configFile: mesh.configFile, adminPort: mesh.adminPort, env });
  t.after(() => sidecar.kill());
  return sidecar;
}

test('starts before its agent, says what it waits for, and serves as soon as the agent gives an identity', async (t) => {
  const { agent, mesh, caller } = await world(t, { keys: '' });
  const sidecar = spawned(t, mesh, { SPIFFE_ENDPOINT_SOCKET: agent.endpoint });
  const probe = await waitFor('the admin API', () => sidecar.admin('/readyz').catch(() => null));
  assert.equal(probe.status, 503);
  assert.match(probe.body, /agent\.sock` does not exist/);
  assert.equal((await sidecar.admin('/livez')).status, 200);
  assert.equal((await sidecar.admin('/identity')).status, 503);
  assert.equal(await sidecar.metric('postern_identity_waiting'), 1);
  assert.equal(await sidecar.metric('postern_ready'), 0);
  assert.ok((await sidecar.metric('postern_identity_stream_failures_total', { reason: 'unreachable' })) >= 1);
  agent.fault = { kind: 'status', code: 7, message: 'no identity issued' };
  await agent.listen();
  await sidecar.admin('/reload', 'POST');
  await waitFor('the denial', async () =>
    /has no identity for this process/.test((await sidecar.admin('/readyz')).body),
  );
  assert.match(sidecar.stderr, new RegExp(`pid ${sidecar.child.pid}, uid ${process.getuid!()}`));
  agent.fault = null;
  await sidecar.admin('/reload', 'POST');
  await sidecar.ready();
  const load = new SteadyLoad({ port: mesh.port, credentials: await caller(), concurrency: 1 }).start();
  await waitFor('an answer', () => load.answered > 0);
  await load.stop();
  assert.deepEqual([...load.statuses.keys()], [200]);
  assert.equal(await sidecar.metric('postern_identity_waiting'), 0);
  assert.equal(await sidecar.metric('postern_identity_stream_up', { stream: 'x509_svid' }), 1);
});

test('SIGTERM ends a wait for an agent at once, with exit code 0', async (t) => {
  const { mesh } = await world(t);
  const sidecar = spawned(t, mesh);
  await waitFor('the wait', () => /no identity yet/.test(sidecar.stderr));
  sidecar.signal('SIGTERM');
  assert.deepEqual(await sidecar.ended(), { code: 0, signal: null });
});

test('with a rotation each second under load no request fails and no connection is dropped', async (t) => {
  const { agent, mesh, caller } = await world(t);
  await agent.listen();
  const sidecar = await mesh.start(t);
  const load = new SteadyLoad({ port: mesh.port, credentials: await caller(), concurrency: 4 }).start();
  await waitFor('load', () => load.answered > 20);
  const connections = load.connections;
  agent.rotateEvery(1_000);
  await waitFor('eight rotations', () => agent.rotations > 8, 15_000);
  const fresh = new SteadyLoad({ port: mesh.port, credentials: await caller(), concurrency: 2 }).start();
  await waitFor('answers to new connections', () => fresh.answered > 20);
  await Promise.all([load.stop(), fresh.stop()]);
  for (const { failures, statuses } of [load, fresh]) {
    assert.deepEqual(failures, []);
    assert.deepEqual([...statuses.keys()], [200]);
  }
  assert.equal(load.connections, connections, 'no connection was dropped');
  assert.ok((await sidecar.metric('postern_identity_rotations_total')) >= 7);
  assert.equal(await sidecar.metric('postern_identity_rotations_refused_total'), 0);
  const shown = JSON.parse((await sidecar.admin('/identity')).body);
  assert.equal(shown.source.endpoint, agent.endpoint);
  assert.deepEqual(shown.source.streams, { x509_svid: true, jwt_bundles: false });
  assert.ok(Date.parse(shown.source.next_rotation) > Date.now());
});

test('goes on without its agent, tells it, and takes up the rotation when the agent is back', async (t) => {
  const { agent, mesh, caller } = await world(t);
  await agent.listen();
  const sidecar = await mesh.start(t);
  const load = new SteadyLoad({ port: mesh.port, credentials: await caller(), concurrency: 2 }).start();
  await agent.stop();
  await waitFor('the fault', async () => /Workload API/.test((await sidecar.admin('/readyz')).body));
  const before = load.answered;
  await waitFor('more answers', () => load.answered > before + 20);
  assert.equal((await sidecar.admin('/readyz')).status, 200);
  assert.equal(await sidecar.metric('postern_identity_stream_up', { stream: 'x509_svid' }), 0);
  await agent.issue();
  await agent.listen();
  await waitFor('the new SVID', async () => (await sidecar.metric('postern_identity_rotations_total')) === 1);
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.deepEqual([...load.statuses.keys()], [200]);
});
