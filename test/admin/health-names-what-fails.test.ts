// /livez, /readyz, /startupz over a real socket, and the paths of the workload that are passed on.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { HealthCheck } from '../../src/admin/views.ts';
import { askWorkloadHealth } from '../../src/admin/workload-health.ts';
import { ask, openAdmin } from './admin-fixture.ts';

const good: HealthCheck = { name: 'policy', ok: true, detail: 'in force' };
const bad: HealthCheck = { name: 'svid', ok: false, detail: 'expired at noon' };

test('/livez answers 200 even while nothing else is well', async (context) => {
  const { port } = await openAdmin(context, { views: { health: () => [bad] } });
  assert.equal((await ask(port, '/livez')).status, 200);
});

test('/readyz answers 200 only while every check holds, and names the failing one', async (context) => {
  let checks: readonly HealthCheck[] = [good, bad];
  const { port } = await openAdmin(context, { views: { health: () => checks } });
  const before = await ask(port, '/readyz');
  assert.equal(before.status, 503);
  assert.deepEqual(before.json(), { status: 'not ready', failing: ['svid'], checks: [good, bad] });
  checks = [good];
  const then = await ask(port, '/readyz');
  assert.equal(then.status, 200);
  assert.equal(then.json()['status'], 'ready');
});

test('/startupz stays 200 once the sidecar was ready, /readyz does not', async (context) => {
  let checks: readonly HealthCheck[] = [bad];
  const { port } = await openAdmin(context, { views: { health: () => checks } });
  assert.equal((await ask(port, '/startupz')).status, 503);
  checks = [good];
  assert.equal((await ask(port, '/startupz')).status, 200);
  checks = [bad];
  assert.equal((await ask(port, '/startupz')).status, 200);
  assert.equal((await ask(port, '/readyz')).status, 503);
});

test('HEAD gets the status of GET without a body', async (context) => {
  const { port } = await openAdmin(context, { views: { health: () => [bad] } });
  const answer = await ask(port, '/readyz', { method: 'HEAD' });
  assert.equal(answer.status, 503);
  assert.equal(answer.text, '');
});

test('the surface for probes says no details, takes any Host, and has nothing else', async (context) => {
  const { port } = await openAdmin(context, {
    options: { surface: 'probes' },
    views: { health: () => [bad] },
  });
  const probe = await ask(port, '/readyz', { headers: { host: '10.0.0.7:9902' } });
  assert.equal(probe.status, 503);
  assert.deepEqual(probe.json(), { status: 'not ready', failing: ['svid'], checks: [{ name: 'svid', ok: false }] });
  for (const path of ['/', '/config', '/metrics', '/policy', '/decisions', '/identity']) {
    assert.equal((await ask(port, path)).status, 404, path);
  }
  for (const path of ['/quit', '/reload', '/drain', '/log-level']) {
    const answer = await ask(port, path, { method: 'POST', headers: { 'content-type': 'application/json' } });
    assert.equal(answer.status, 404, path);
  }
});

test('passes a health path of the workload on, with status, type and body', async (context) => {
  const workload = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? 207 : 500, { 'content-type': 'text/x-health' }).end('fine');
  });
  await new Promise<void>((resolve) => workload.listen(0, '127.0.0.1', resolve));
  context.after(() => workload.close());
  const { port: workloadPort } = workload.address() as AddressInfo;
  const address = { kind: 'tcp', host: '127.0.0.1', port: workloadPort } as const;
  const { port } = await openAdmin(context, {
    workloadHealth: { paths: () => ['/healthz', '/config'], ask: (path) => askWorkloadHealth(address, path) },
  });
  const answer = await ask(port, '/healthz');
  assert.equal(answer.status, 207);
  assert.equal(answer.headers['content-type'], 'text/x-health');
  assert.equal(answer.text, 'fine');
  assert.equal((await ask(port, '/healthz/more')).status, 404);
  assert.deepEqual((await ask(port, '/config')).json(), { version: 1 }, 'own endpoints come first');
});

test('a workload that cannot be asked is 503, not a hang', async (context) => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    silent.close();
    silent.closeAllConnections();
  });
  const { port: silentPort } = silent.address() as AddressInfo;
  const address = { kind: 'tcp', host: '127.0.0.1', port: silentPort } as const;
  const { port } = await openAdmin(context, {
    workloadHealth: { paths: () => ['/healthz'], ask: (path) => askWorkloadHealth(address, path) },
  });
  assert.equal((await ask(port, '/healthz')).status, 503);
});
