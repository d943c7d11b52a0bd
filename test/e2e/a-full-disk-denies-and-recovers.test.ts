// Promise 2 on a real full disk: without a record nothing is forwarded, the caller is told so, and service comes back by
// itself when there is room.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const get = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';

test('a full disk gives 503 and nothing reaches the workload; with room again requests are served', async (t) => {
  const disk = mkdtempSync(path.join(tmpdir(), 'postern-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    rmdirSync(disk);
    return t.skip('may not mount a file system here');
  }
  try {
    await fillAndFree(t, disk);
  } finally {
    execFileSync('umount', ['-l', disk]);
    rmdirSync(disk);
  }
});

async function fillAndFree(t: TestContext, disk: string): Promise<void> {
  const seen = new Set<string>();
  const workload = await RecordingWorkload.start((connection, piece) => {
    for (const match of piece.toString('latin1').matchAll(/x-postern-decision-id: (\S+)/g)) seen.add(match[1]!);
    answerOk(connection, piece);
  });
  t.after(() => workload.stop());
  const journalDir = path.join(disk, 'journal');
  const mesh = await Mesh.create(t, {
    workloadPort: workload.port,
    sections: { audit: `audit:\n  journal: { dir: ${journalDir} }\n  stdout: off\n` },
  });
  const sidecar = await mesh.start(t);
  const caller = await mesh.caller();
  const ask = async (): Promise<string> => {
    const peer = await RawPeer.connect(mesh.port, caller).secured();
    peer.send(get);
    await waitFor('an answer', () => peer.received.includes('\r\n\r\n') || peer.closed);
    peer.close();
    return peer.received;
  };
  assert.match(await ask(), /^HTTP\/1.1 200 /);
  const filler = path.join(disk, 'filler');
  fill(filler);
  const refused = await waitFor('the first refusal', async () => {
    const answer = await ask();
    return answer.startsWith('HTTP/1.1 503 ') ? answer : null;
  });
  assert.match(refused, /x-postern-decision-id: /);
  const served = seen.size;
  for (let at = 0; at < 5; at++) assert.match(await ask(), /^HTTP\/1.1 503 /);
  assert.equal(seen.size, served, 'nothing is forwarded without a record');
  assert.equal((await sidecar.admin('/readyz')).status, 503);
  assert.match((await sidecar.admin('/readyz')).body, /journal/);
  rmSync(filler);
  await waitFor('service again', async () => (await ask()).startsWith('HTTP/1.1 200 '));
  await waitFor('readiness again', async () => (await sidecar.admin('/readyz')).status === 200);
  sidecar.signal('SIGTERM');
  assert.equal((await sidecar.ended()).code, 0);
  const recorded = new Set(journalRecords(journalDir).map((one) => one['decision_id']));
  assert.deepEqual(
    [...seen].filter((id) => !recorded.has(id)),
    [],
  );
}

/** Takes all room there is. */
function fill(file: string): void {
  const block = Buffer.alloc(4096, 'x');
  for (;;) {
    try {
      writeFileSync(file, block, { flag: 'a' });
    } catch {
      return;
    }
  }
}
