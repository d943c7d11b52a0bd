// `workers: 2`: several processes on one port that look and act as one. Under load: reload, drain, the end of a worker and
// of the supervisor.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { verifyJournal } from '../../src/audit/verify.ts';
import { freePort } from '../harness/free-port.ts';
import { Mesh, type MeshOptions, openPolicy } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, SidecarProcess } from '../harness/sidecar-process.ts';
import { SteadyLoad } from '../harness/steady-load.ts';
import { waitFor } from '../harness/wait-for.ts';

const shortDrain = { shutdown: 'shutdown: { drain: 500ms }\n' };

type Test = { after(fn: () => Promise<void> | void): void };

async function world(t: Test, options: Partial<MeshOptions> = {}) {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const sections = { workers: 'workers: 2\n', ...options.sections };
  const mesh = await Mesh.create(t, { workloadPort: workload.port, ...options, sections });
  return { workload, mesh };
}

function workersOf(sidecar: SidecarProcess): number[] {
  const { pid } = sidecar.child;
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function metric(sidecar: SidecarProcess, name: string): Promise<number> {
  const lines = (await sidecar.admin('/metrics')).body.split('\n');
  return Number(
    lines
      .find((line) => line.startsWith(name))
      ?.split(' ')
      .at(-1),
  );
}

function decisionsIn(dir: string): Record<string, unknown>[] {
  return journalRecords(dir).filter((one) => one['type'] === 'decision');
}

test('two workers are reloaded, measured and drained as one under load, and no request fails', async (t) => {
  // Half of the drain is spent accepting: long enough for a busy machine to stop the load meanwhile.
  const { mesh, workload } = await world(t, { sections: { shutdown: 'shutdown: { drain: 12s }\n' } });
  const sidecar = await mesh.start(t);
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency: 16 }).start();
  await waitFor('both to serve', () => new Set(decisionsIn(mesh.journalDir).map((one) => one['stream_id'])).size === 2);
  const health = JSON.parse((await sidecar.admin('/readyz')).body) as { checks: { name: string; detail: string }[] };
  assert.equal(health.checks.find(({ name }) => name === 'workers')?.detail, '2 serve');

  writeFileSync(mesh.policyFile, openPolicy.replace('effect: allow', 'effect: alow'));
  const refused = await sidecar.admin('/reload', 'POST');
  assert.deepEqual([refused.status, /alow/.test(refused.body)], [422, true]);
  writeFileSync(mesh.policyFile, openPolicy.replace('name: all', 'name: renamed'));
  assert.equal((await sidecar.admin('/reload', 'POST')).status, 200);
  const answered = load.answered;
  await waitFor('more load', () => load.answered > answered + 100);
  const renamed = decisionsIn(mesh.journalDir).filter((one) => JSON.stringify(one['rule'] ?? null).includes('renamed'));
  assert.equal(new Set(renamed.map((one) => one['stream_id'])).size, 2, 'both decide by the new rule');
  const policy = JSON.parse((await sidecar.admin('/policy')).body) as { rules: { rule: string; hits: number }[] };
  assert.ok(policy.rules[0]!.rule === 'renamed' && policy.rules[0]!.hits > 0);
  const recent = JSON.parse((await sidecar.admin('/decisions?limit=200')).body) as { decisions: { time: string }[] };
  const times = recent.decisions.map(({ time }) => time);
  assert.deepEqual(times, times.toSorted().reverse(), 'newest first over both');

  sidecar.signal('SIGTERM');
  await waitFor('not ready', async () => (await sidecar.admin('/readyz')).status === 503);
  const draining = load.answered;
  await waitFor('service goes on while endpoints drop', () => load.answered > draining + 20);
  await load.stop();
  assert.deepEqual(await sidecar.ended(), { code: 0, signal: null });
  assert.deepEqual([load.failures, [...load.statuses.keys()]], [[], [200]]);
  assert.equal(decisionsIn(mesh.journalDir).length, workload.heads.length);
  const verdict = await verifyJournal(mesh.journalDir);
  assert.deepEqual([verdict.intact, verdict.streams.map(({ state }) => state)], [true, ['closed', 'closed']]);
});

test('a worker that is killed under load fails only what it had in hand, loses no record, and comes back', async (t) => {
  const { mesh, workload } = await world(t);
  const sidecar = await mesh.start(t);
  const concurrency = 12;
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency }).start();
  await waitFor('both to serve', () => new Set(decisionsIn(mesh.journalDir).map((one) => one['stream_id'])).size === 2);
  const before = await metric(sidecar, 'postern_requests_total{');
  const [first, ...others] = workersOf(sidecar);
  process.kill(first!, 'SIGKILL');
  await waitFor('another in its place', () => {
    const now = workersOf(sidecar);
    return now.length === 2 && !now.includes(first!) && now.includes(others[0]!);
  });
  await waitFor('all to be ready', async () => (await sidecar.admin('/readyz')).status === 200);
  const answered = load.answered;
  await waitFor('more load', () => load.answered > answered + 100);
  assert.ok((await metric(sidecar, 'postern_requests_total{')) > before, 'what is counted never falls');
  assert.equal(await metric(sidecar, 'postern_worker_restarts_total'), 1);
  await load.stop();
  sidecar.signal('SIGTERM');
  assert.deepEqual(await sidecar.ended(), { code: 0, signal: null });

  assert.deepEqual([...load.statuses.keys()], [200]);
  assert.ok(load.failures.length <= concurrency, `${load.failures}`);
  const decisions = decisionsIn(mesh.journalDir);
  assert.ok(decisions.length >= workload.heads.length, 'whatever the workload saw is on record');
  assert.ok(decisions.length <= workload.heads.length + concurrency);
  assert.equal(journalRecords(mesh.journalDir).filter((one) => one['type'] === 'recovered').length, 1);
  const verdict = await verifyJournal(mesh.journalDir);
  assert.deepEqual([verdict.intact, verdict.streams.length], [true, 3]);
});

test('workers whose supervisor is killed answer what they have in hand, and end', async (t) => {
  const { mesh, workload } = await world(t, { sections: shortDrain });
  const sidecar = await mesh.start(t);
  const workers = workersOf(sidecar);
  assert.equal(workers.length, 2);
  let answer: (() => void) | null = null;
  workload.behave = ({ socket }) => {
    answer = () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
  };
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  peer.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor('the request at the workload', () => answer);
  sidecar.signal('SIGKILL');
  await sidecar.ended();
  answer!();
  await peer.expect('late');
  await waitFor('the workers to end', () => !workers.some(isRunning));
  assert.equal((await verifyJournal(mesh.journalDir)).streams.filter(({ state }) => state === 'closed').length, 2);
});

test('what keeps a worker from starting ends the start, told once, with the exit code of its fault', async (t) => {
  const { mesh } = await world(t, { policy: 'policy "broken": { rules: [ { name: x, effect: alow } ] }\n' });
  const broken = SidecarProcess.spawn({ configFile: mesh.configFile, adminPort: mesh.adminPort });
  assert.equal((await broken.ended()).code, 2);
  assert.equal(broken.stderr.match(/ERR_POLICY_INVALID/g)?.length, 1, broken.stderr);
  assert.match(broken.stderr, /alow/);

  const taken = await RecordingWorkload.start(undefined, mesh.port);
  t.after(() => taken.stop());
  const second = SidecarProcess.spawn({ configFile: mesh.configFile, adminPort: mesh.adminPort });
  assert.equal((await second.ended()).code, 3);
  assert.match(second.stderr, /listener `api` cannot listen on .* EADDRINUSE \[ERR_LISTEN\]/);
});

test('records of two workers on standard output are whole lines; a second Postern does not join them', async (t) => {
  const { mesh } = await world(t, { sections: shortDrain });
  mesh.put('postern.yaml', mesh.readConfig().replace('stdout: off', 'stdout: native'));
  const sidecar = await mesh.start(t);
  // Records beyond what a pipe keeps whole by itself.
  const path = `/${'x'.repeat(3_000)}`;
  const load = new SteadyLoad({ port: mesh.port, credentials: await mesh.caller(), concurrency: 12, path }).start();
  const adminPort = await freePort();
  const text = mesh.readConfig().replace(`listen: 127.0.0.1:${mesh.adminPort}`, `listen: 127.0.0.1:${adminPort}`);
  const second = SidecarProcess.spawn({ configFile: mesh.put('second.yaml', text), adminPort });
  assert.deepEqual([(await second.ended()).code, /EADDRINUSE \[ERR_LISTEN\]/.test(second.stderr)], [3, true]);
  await waitFor('load', () => load.answered > 150);
  await load.stop();
  sidecar.signal('SIGTERM');
  await sidecar.ended();
  const lines = sidecar.stdout.split('\n').filter(Boolean);
  const decisions = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(decisions.filter((one) => one['type'] === 'decision').length, load.answered);
  assert.equal(new Set(decisions.map((one) => one['stream_id'])).size, 2);
});
