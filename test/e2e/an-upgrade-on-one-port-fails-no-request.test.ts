// Two Posterns on one port, by the procedure of docs/operations.md "Upgrade": the new one becomes ready, the old one
// drains and ends. Requests go on meanwhile, and each is on record in one stream.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyJournal } from '../../src/audit/verify.ts';
import { signatureJudge } from '../../src/cli/audit-signatures.ts';
import type { CliIo } from '../../src/cli/cli-io.ts';
import { freePort } from '../harness/free-port.ts';
import { Mesh } from '../harness/mesh.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, SidecarProcess } from '../harness/sidecar-process.ts';
import { SteadyLoad } from '../harness/steady-load.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Without it the kernel resets connections that come in the moment of the close (docs/operations.md "Upgrade"). */
function kernelMigrates(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

async function world(t: { after(fn: () => Promise<void> | void): void }, inbound: string) {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const admin = `admin:\n  listen: 127.0.0.1:\${ADMIN_PORT}\n`;
  const files = 'files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }';
  const identity = `identity:\n  source: files\n  ${files}\n  sign_journal: 1s\n`;
  const mesh = await Mesh.create(t, { workloadPort: workload.port, inbound, sections: { admin, identity } });
  const instance = async (adminPort: number): Promise<SidecarProcess> => {
    const env = { ADMIN_PORT: String(adminPort) };
    const sidecar = SidecarProcess.spawn({ configFile: mesh.configFile, adminPort, env });
    t.after(() => sidecar.kill());
    return sidecar;
  };
  return { workload, mesh, instance };
}

test('an upgrade under load fails no request, and each is on record in one stream', async (t) => {
  const { workload, mesh, instance } = await world(t, '    reuse_port: true\n');
  const old = await instance(mesh.adminPort);
  await old.ready();
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency: 4 }).start();
  await waitFor('load', () => load.answered > 50);
  const next = await instance(await freePort());
  await next.ready();
  old.signal('SIGTERM');
  assert.deepEqual(await old.ended(), { code: 0, signal: null });
  const before = load.answered;
  await waitFor('service by the new one alone', () => load.answered > before + 50);
  await load.stop();
  next.signal('SIGTERM');
  assert.deepEqual(await next.ended(), { code: 0, signal: null });

  const resets = load.failures.filter((failure) => failure === 'ECONNRESET');
  assert.deepEqual([...load.statuses.keys()], [200]);
  assert.ok(load.failures.length === resets.length && resets.length <= (kernelMigrates() ? 0 : 1), `${load.failures}`);
  const decisions = journalRecords(mesh.journalDir).filter((one) => one['type'] === 'decision');
  assert.equal(decisions.length, workload.heads.length);
  assert.equal(new Set(decisions.map((one) => one['decision_id'])).size, decisions.length);
  assert.equal(new Set(decisions.map((one) => one['stream_id'])).size, 2, 'each process writes a stream of its own');
  const bundle = [`prod.acme.com=${join(mesh.dir, 'bundle.pem')}`];
  const judge = await signatureJudge({ bundle, signer: [] }, { cwd: '/' } as CliIo);
  const verdict = await verifyJournal(mesh.journalDir, judge);
  assert.deepEqual([verdict.intact, verdict.streams.map(({ state }) => state)], [true, ['closed', 'closed']]);
  for (const { signed, lastSeal } of verdict.streams) {
    assert.deepEqual(
      [signed?.signedUpTo, signed?.signers.length],
      [lastSeal?.seq, 1],
      'signed to the end by the own SVID',
    );
  }
});

test('without `reuse_port` a second Postern does not start on the port', async (t) => {
  const { mesh, instance } = await world(t, '');
  await (await instance(mesh.adminPort)).ready();
  const second = await instance(await freePort());
  assert.equal((await second.ended()).code, 3);
  assert.match(second.stderr, /ERR_LISTEN/);
});
