// As a user does it: certificates by openssl, `python3 -m http.server` and nginx as they come, curl as the caller, and
// 1 GiB in both directions through flat memory.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { freePort } from '../harness/free-port.ts';
import { createOpensslPki, type OpensslPki } from '../harness/openssl-pki.ts';
import { journalRecords, put, SidecarProcess, temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { requireTool } from '../require-tool.ts';

const gib = 1024 ** 3;

interface Front {
  readonly port: number;
  readonly pki: OpensslPki;
  readonly sidecar: SidecarProcess;
  readonly journalDir: string;
}

type Scope = { after(fn: () => Promise<void> | void): void };

async function sidecarBefore(t: Scope, workloadPort: number): Promise<Front> {
  const dir = temporaryFolder(t);
  const pki = createOpensslPki(dir, 'prod.acme.com');
  const own = pki.issue('server', 'spiffe://prod.acme.com/ns/web/server');
  put(
    dir,
    'policy.yaml',
    `policy "web":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/ns/web/*" }
  rules:
    - { name: use, effect: allow, actions: [read, write] }
`,
  );
  const port = await freePort();
  const adminPort = await freePort();
  const configFile = put(
    dir,
    'postern.yaml',
    `version: 1
identity:
  source: files
  files: { cert: ${own.cert}, key: ${own.key}, bundle: ${pki.caFile} }
inbound:
  - { name: web, listen: "127.0.0.1:${port}", forward: "http://127.0.0.1:${workloadPort}" }
policy: { paths: [policy.yaml], environment_boundary: off }
audit: { journal: { dir: journal }, stdout: off }
admin: { listen: "127.0.0.1:${adminPort}" }
shutdown: { drain: 1s }
`,
  );
  const sidecar = await SidecarProcess.start({ configFile, adminPort });
  t.after(() => sidecar.kill());
  return { port, pki, sidecar, journalDir: path.join(dir, 'journal') };
}

function curl(front: Front, args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const base = ['-sS', '--cacert', front.pki.caFile, '--max-time', '120', ...args];
  return new Promise((resolve) => {
    execFile('curl', base, { maxBuffer: 1 << 24 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

/** curl 7.88 ends about every hundredth call with `Empty reply` (52) before it has read anything, the alert included. */
async function untilItReads(call: () => ReturnType<typeof curl>): ReturnType<typeof curl> {
  const run = await call();
  return run.code === 52 ? untilItReads(call) : run;
}

async function listening(port: number): Promise<void> {
  await waitFor(
    'the workload to listen',
    () =>
      new Promise<boolean>((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      }),
  );
}

function endsWith(t: Scope, child: ChildProcess): void {
  t.after(async () => {
    child.kill('SIGKILL');
    await waitFor('the workload to end', () => child.exitCode !== null || child.signalCode !== null);
  });
}

async function pageIsServed(front: Front): Promise<void> {
  const url = `https://localhost:${front.port}/index.html`;
  const client = front.pki.issue('client', 'spiffe://prod.acme.com/ns/web/client');
  const stranger = front.pki.issue('stranger', 'spiffe://prod.acme.com/ns/other/client');
  const good = await curl(front, ['--cert', client.cert, '--key', client.key, url]);
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /a page from long ago/);
  const bare = await untilItReads(() => curl(front, [url]));
  assert.notEqual(bare.code, 0, 'without a certificate there is no page');
  assert.match(bare.err, /certificate required|alert/);
  const denied = await curl(front, [
    '-o',
    '-',
    '-w',
    '%{http_code}',
    '--cert',
    stranger.cert,
    '--key',
    stranger.key,
    url,
  ]);
  assert.match(denied.out, /403$/);
  const tries = await waitFor('three tries on record', () => {
    const found = journalRecords(front.journalDir).filter((one) => one['type'] === 'decision');
    return found.some((one) => one['reason'] === 'no_policy') ? found : null;
  });
  assert.deepEqual(
    [...new Set(tries.map((one) => `${one['decision']} ${one['reason']}`))],
    ['allow rule', 'deny authn_failed', 'deny no_policy'],
  );
}

test('python3 -m http.server, which speaks HTTP/1.0, is served to curl with a certificate only', async (t) => {
  if (!requireTool(t, 'python3') || !requireTool(t, 'openssl') || !requireTool(t, 'curl')) return;
  const site = temporaryFolder(t);
  writeFileSync(path.join(site, 'index.html'), '<p>a page from long ago</p>\n');
  const port = await freePort();
  endsWith(
    t,
    spawn('python3', ['-m', 'http.server', String(port), '--bind', '127.0.0.1'], { cwd: site, stdio: 'ignore' }),
  );
  await listening(port);
  await pageIsServed(await sidecarBefore(t, port));
});

test('nginx is served to curl with a certificate only, ranges and conditions included', async (t) => {
  if (!requireTool(t, 'nginx') || !requireTool(t, 'openssl') || !requireTool(t, 'curl')) return;
  const dir = temporaryFolder(t);
  mkdirSync(path.join(dir, 'site'));
  writeFileSync(path.join(dir, 'site/index.html'), '<p>a page from long ago</p>\n');
  const port = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${dir}/${one};`);
  put(
    dir,
    'nginx.conf',
    `user root; daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log; events {}
http { access_log off; ${paths.join(' ')} server { listen 127.0.0.1:${port}; root ${dir}/site; } }
`,
  );
  endsWith(t, spawn('nginx', ['-e', `${dir}/error.log`, '-c', `${dir}/nginx.conf`], { stdio: 'ignore' }));
  await listening(port);
  const front = await sidecarBefore(t, port);
  await pageIsServed(front);
  const client = front.pki.issue('again', 'spiffe://prod.acme.com/ns/web/client');
  const asClient = ['--cert', client.cert, '--key', client.key];
  const url = `https://localhost:${front.port}/index.html`;
  const range = await curl(front, [...asClient, '-r', '3-6', url]);
  assert.equal(range.out, 'a pa');
  const headOnly = await curl(front, [...asClient, '-I', url]);
  assert.match(headOnly.out, /Content-Length: 28/i);
  const etag = /etag: (\S+)/i.exec(headOnly.out)![1]!;
  const unchanged = await curl(front, [...asClient, '-w', '%{http_code}', '-H', `If-None-Match: ${etag}`, url]);
  assert.equal(unchanged.out, '304');
});

test('1 GiB goes through in both directions in flat memory', { timeout: 240_000 }, async (t) => {
  if (!requireTool(t, 'openssl') || !requireTool(t, 'curl')) return;
  const block = Buffer.alloc(256 * 1024, 'x');
  let uploaded = 0;
  const server = http.createServer((request, response) => {
    if (request.method === 'PUT') {
      request.on('data', (piece: Buffer) => {
        uploaded += piece.length;
      });
      request.on('end', () => response.end('stored'));
      return;
    }
    response.setHeader('content-length', gib);
    let left = gib / block.length;
    const more = (): void => {
      while (left > 0) {
        left--;
        if (!response.write(block)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const front = await sidecarBefore(t, (server.address() as AddressInfo).port);
  const client = front.pki.issue('client', 'spiffe://prod.acme.com/ns/web/client');
  const asClient = ['--cert', client.cert, '--key', client.key];
  const url = `https://localhost:${front.port}/big`;
  // Of 2 GiB that went through, a fraction of one is held at most: buffers on their way to the collector.
  // A first transfer, so that buffers of the first use are not taken for growth.
  await curl(front, [...asClient, '-r', '0-0', '-o', '/dev/null', '--max-filesize', '2000000000', url]);
  const before = front.sidecar.residentBytes;
  let peak = before;
  const watch = setInterval(() => {
    if (front.sidecar.exit === null) peak = Math.max(peak, front.sidecar.residentBytes);
  }, 50);
  t.after(() => clearInterval(watch));
  const down = await curl(front, [...asClient, '-o', '/dev/null', '-w', '%{size_download}', url]);
  assert.equal(down.out, String(gib), down.err);
  const sparse = path.join(temporaryFolder(t), 'big');
  writeFileSync(sparse, '');
  truncateSync(sparse, gib);
  const up = await curl(front, [...asClient, '-T', sparse, '-H', 'Expect: 100-continue', url]);
  assert.equal(up.out, 'stored', up.err);
  assert.equal(uploaded, gib);
  t.diagnostic(`resident before ${Math.round(before / 2 ** 20)} MiB, peak ${Math.round(peak / 2 ** 20)} MiB`);
  assert.ok(peak - before < gib / 8, `memory grew by ${Math.round((peak - before) / 2 ** 20)} MiB`);
});
