import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { runToEnd } from './shell-command.ts';

const script = join(dirname(dirname(import.meta.dirname)), 'deploy/healthcheck.mjs');

/** An admin API that answers 200 on /readyz and 503 elsewhere. */
async function listen(t: TestContext, where: { path: string } | { port: number; host: string }): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/readyz' ? 200 : 503).end('no policy\n');
  }).listen(where);
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function check(address: string, path: string): Promise<{ code: number | null; output: string }> {
  return runToEnd([process.execPath, script, address, path], { cwd: tmpdir(), timeoutMs: 10_000 });
}

test('ends with 0 where the unix socket answers 200, else with 1 and what was answered', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-health-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'admin.sock');
  await listen(t, { path });
  assert.deepEqual(await check(`unix:${path}`, '/readyz'), { code: 0, output: '' });
  assert.deepEqual(await check(`unix:${path}`, '/livez'), { code: 1, output: `unix:${path}/livez: 503 no policy\n` });
});

test('asks an address and port as well', async (t) => {
  const port = await listen(t, { port: 0, host: '127.0.0.1' });
  assert.equal((await check(`127.0.0.1:${port}`, '/readyz')).code, 0);
});

test('ends with 1 where nobody listens', async () => {
  const { code, output } = await check('unix:/nonexistent/admin.sock', '/readyz');
  assert.equal(code, 1);
  assert.match(output, /ENOENT/);
});
