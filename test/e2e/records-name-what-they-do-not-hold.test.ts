// A policy may read headers and the query; a record never holds them, but says that they counted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords } from '../harness/sidecar-process.ts';

const policy = `policy "tiers":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }
  rules:
    - name: by-tier
      effect: allow
      actions: [read]
      conditions:
        - request.http.headers["x-tier"] == "gold"
        - request.http.query["page"] != "secret"
`;

test('a record names the header and the parameter that policy read, and hashes a header that configuration lists', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, {
    workloadPort: workload.port,
    policy,
    sections: { audit: 'audit:\n  journal: { dir: journal }\n  stdout: off\n  redact: { headers: [x-user] }\n' },
  });
  const sidecar = await mesh.start(t);
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  peer.send('GET /x?page=17 HTTP/1.1\r\nHost: a\r\nX-Tier: gold\r\nX-User: alice\r\n\r\n');
  const answer = await peer.expect('ok');
  peer.send('GET /x?page=17 HTTP/1.1\r\nHost: a\r\nX-Tier: tin\r\n\r\n');
  await peer.expect('403 Forbidden');
  const id = /x-postern-decision-id: (\S+)/.exec(answer)![1]!;
  const record = journalRecords(mesh.journalDir).find((one) => one['decision_id'] === id)!;
  assert.deepEqual(record['masked'], ['/http/headers/x-tier', '/http/query/page']);
  const text = JSON.stringify(record);
  assert.doesNotMatch(text, /gold"|page=17|alice/);
  assert.match(text, /"x-user":"sha256:[0-9a-f]{64}"/);
  const told = await sidecar.admin(`/decisions/${id}`);
  assert.equal(told.status, 200, 'a decision that cannot be judged again is still shown');
  peer.close();
});
