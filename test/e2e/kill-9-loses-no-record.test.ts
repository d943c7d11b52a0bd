// Promise 2: whatever the workload saw is on record, wherever SIGKILL strikes. The workload counts by the decision ids
// that reached it; the journal is read after each kill as a recovering sidecar and an auditor would.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import https from 'node:https';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Mesh } from '../harness/mesh.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { program } from '../program.ts';

const kills = 50;

test(`${kills} kills under load leave a record for every request that the workload saw`, {
  timeout: 280_000,
}, async (t) => {
  const seen = new Set<string>();
  const workload = await RecordingWorkload.start((connection, piece) => {
    for (const match of piece.toString('latin1').matchAll(/x-postern-decision-id: (\S+)/g)) seen.add(match[1]!);
    answerOk(connection, piece);
  });
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port });
  const caller = await mesh.caller();
  const agent = new https.Agent({ ...caller, keepAlive: true, maxSockets: 4, checkServerIdentity: () => undefined });
  t.after(() => agent.destroy());
  let sending = true;
  const sender = async (): Promise<void> => {
    while (sending) {
      // Long beside the 2 ms of a request, short beside a start: four that try as fast as they can slow the start down.
      await get(agent, mesh.port).catch(() => pause(25));
    }
  };
  const senders = Array.from({ length: 4 }, sender);
  let killed = 0;
  try {
    for (; killed < kills; killed++) {
      const before = seen.size;
      const sidecar = SidecarProcess.spawn({ configFile: mesh.configFile, adminPort: mesh.adminPort });
      try {
        await waitFor('requests to flow', () => seen.size > before + 5 || sidecar.exit !== null, 20_000);
        assert.equal(sidecar.exit, null, sidecar.stderr);
        await pause(Math.random() * 40);
      } finally {
        await sidecar.kill();
      }
    }
  } finally {
    sending = false;
    await Promise.all(senders);
  }
  // One more start repairs what the last kill tore.
  const last = await mesh.start(t);
  last.signal('SIGTERM');
  assert.equal((await last.ended()).code, 0);
  const allowed = new Set(
    journalRecords(mesh.journalDir)
      .filter((record) => record['type'] === 'decision' && record['decision'] === 'allow')
      .map((record) => record['decision_id'] as string),
  );
  const lost = [...seen].filter((id) => !allowed.has(id));
  t.diagnostic(`${killed} kills, ${seen.size} requests seen by the workload, ${allowed.size} allows on record`);
  assert.deepEqual(lost, []);
  assert.ok(seen.size > kills * 5, `the load was real: ${seen.size}`);
  execFileSync(process.execPath, [program, 'audit', 'verify', '--journal', mesh.journalDir], { stdio: 'pipe' });
});

function get(agent: https.Agent, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host: '127.0.0.1', port, path: '/x', agent, timeout: 5_000 }, (answer) => {
      answer.resume();
      answer.on('end', resolve);
      answer.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}
