// A running sidecar as its operator sees it: metrics, page, configuration, health and recent decisions after a few calls.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Mesh, seedPolicy } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { waitFor } from '../harness/wait-for.ts';
import { readExposition } from '../telemetry/exposition-reader.ts';

/** What the sink got. */
const shipped = (dir: string): string => join(dir, 'shipped.ndjson');

const inbound = `    resource: { type: database, name: payments_db }
    health_passthrough: ["/healthz"]
`;

test('after an allow, a deny and a peer without certificate, the operator sees just that', async (t) => {
  const workload = createServer((request, response) => response.end(`workload ${request.url}`));
  await new Promise<void>((resolve) => workload.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    workload.close();
    workload.closeAllConnections();
  });
  const mesh = await Mesh.create(t, {
    workloadPort: (workload.address() as AddressInfo).port,
    policy: seedPolicy,
    inbound,
    sections: {
      audit: 'audit:\n  journal: { dir: journal }\n  stdout: off\n  sinks: [{ type: file, path: shipped.ndjson }]\n',
    },
  });
  const sidecar = await mesh.start(t);
  for (const [caller, status] of [
    ['payments/api', 200],
    ['orders/api', 403],
  ] as const) {
    const peer = await RawPeer.connect(mesh.port, await mesh.caller(`spiffe://prod.acme.com/ns/${caller}`)).secured();
    peer.send('GET /payments/31337?token=31338 HTTP/1.1\r\nHost: payments\r\nConnection: close\r\n\r\n');
    assert.match(await peer.expect('\r\n\r\n'), new RegExp(`^HTTP/1.1 ${status} `));
    peer.close();
  }
  const { ca } = await mesh.caller();
  const stranger = RawPeer.connect(mesh.port, { ca });
  stranger.send('GET / HTTP/1.1\r\nHost: payments\r\n\r\n');
  await waitFor(
    'the stranger to be counted',
    async () => (await count('postern_handshakes_total', { result: 'refused', reason: 'no_certificate' })) === 1,
  );
  stranger.close();

  async function count(name: string, labels: Readonly<Record<string, string>>): Promise<number> {
    const family = readExposition((await sidecar.admin('/metrics')).body).get(name);
    const wanted = Object.entries(labels);
    return (family?.samples ?? [])
      .filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels.get(key) === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  await waitFor('both requests to end', async () => (await count('postern_requests_in_flight', {})) === 0);
  const listener = 'api';
  const expected: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
    ['postern_ready', {}, 1],
    ['postern_handshakes_total', { listener, result: 'accepted', reason: 'none' }, 2],
    ['postern_requests_total', { listener }, 2],
    ['postern_decisions_total', { listener, decision: 'allow', reason: 'rule' }, 1],
    ['postern_decisions_total', { listener, decision: 'deny', reason: 'no_policy' }, 1],
    ['postern_responses_total', { listener, class: '2xx' }, 1],
    ['postern_responses_total', { listener, class: '4xx' }, 1],
    ['postern_own_answers_total', { listener, status: '403', reason: 'denied' }, 1],
    ['postern_upstream_connects_total', { listener }, 1],
  ];
  for (const [name, labels, value] of expected) assert.equal(await count(name, labels), value, name);
  assert.ok((await count('postern_journal_records_total', {})) >= 3);
  await waitFor(
    'the sink to have it all',
    async () => (await count('postern_sink_records_total', { sink: 'file' })) >= 3,
  );
  assert.match(readFileSync(shipped(mesh.dir), 'utf8'), /"decision":"deny","reason":"no_policy"/);
  const text = (await sidecar.admin('/metrics')).body;
  assert.match(text, /^postern_journal_write_seconds_count [1-9]/m);
  assert.match(text, /^postern_upstream_seconds_count\{listener="api"\} 1$/m);
  assert.doesNotMatch(text, /31337|31338|spiffe:\/\//, 'no path, query or identity is a label');

  const denies = JSON.parse((await sidecar.admin('/decisions?decision=deny')).body) as {
    decisions: { reason: string }[];
  };
  assert.deepEqual(
    denies.decisions.map(({ reason }) => reason),
    ['authn_failed', 'no_policy'],
  );
  const page = await sidecar.admin('/');
  assert.equal(page.status, 200);
  assert.match(page.body, />ready</);
  assert.match(page.body, /spiffe:\/\/prod\.acme\.com\/ns\/orders\/api/);
  for (const path of ['/', '/decisions', '/config', '/identity', '/policy']) {
    const { status, body } = await sidecar.admin(path);
    assert.equal(status, 200, path);
    assert.doesNotMatch(body, /31338|PRIVATE KEY/, path);
  }
  assert.deepEqual(await sidecar.admin('/healthz'), { status: 200, body: 'workload /healthz' });
  assert.equal((await sidecar.admin('/startupz')).status, 200);
});
