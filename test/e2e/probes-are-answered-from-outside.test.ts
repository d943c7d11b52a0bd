// `admin.probes`: a kubelet asks from outside the pod, gets health, and sees nothing else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../harness/free-port.ts';
import { Mesh } from '../harness/mesh.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';

test('the address for probes answers health and named paths of the workload, and nothing else', async (t) => {
  const workload = await RecordingWorkload.start(answerOk);
  t.after(() => workload.stop());
  const [adminPort, probePort] = [await freePort(), await freePort()];
  const mesh = await Mesh.create(t, {
    workloadPort: workload.port,
    inbound: '    health_passthrough: [/healthz]\n',
    sections: { admin: `admin:\n  listen: 127.0.0.1:${adminPort}\n  probes: 0.0.0.0:${probePort}\n` },
    adminPort,
  });
  await mesh.start(t);
  const ask = (path: string) => fetch(`http://127.0.0.1:${probePort}${path}`, { headers: { connection: 'close' } });
  for (const path of ['/livez', '/readyz', '/startupz']) {
    const answer = await ask(path);
    assert.equal(answer.status, 200, path);
    assert.doesNotMatch(await answer.text(), /spiffe:/, path);
  }
  assert.equal(await (await ask('/healthz')).text(), 'ok', 'the workload answered');
  for (const path of ['/', '/metrics', '/config', '/identity', '/policy', '/decisions', '/other']) {
    assert.equal((await ask(path)).status, 404, path);
  }
  const quit = await fetch(`http://127.0.0.1:${probePort}/quit`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
  });
  assert.equal(quit.status, 404, 'nobody outside stops the sidecar');
});
