// The two containers of the Kubernetes manifest as two processes of this machine: the same commands, configuration, policy and
// probes, with only paths and ports changed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { freePort } from '../harness/free-port.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { journalRecords, temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { requireTool } from '../require-tool.ts';
import { runToEnd } from './shell-command.ts';

const root = dirname(dirname(import.meta.dirname));
const documents = parseAllDocuments(readFileSync(join(root, 'deploy/kubernetes/postern-sidecar.yaml'), 'utf8'));
const objectOf = (kind: string) => documents.find((document) => document.get('kind') === kind);
const appCommand = objectOf('Deployment')?.getIn(['spec', 'template', 'spec', 'containers', 0, 'command']);
const configMap: Readonly<Record<string, string>> = objectOf('ConfigMap')?.toJS().data;

/** Starts a program that ends with the test; what it says on stderr is in the failure. */
function start(
  t: TestContext,
  [command, ...args]: readonly [string, ...string[]],
  cwd: string,
): { said: () => string } {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  t.after(() => child.kill('SIGKILL'));
  return { said: () => said };
}

/** The status line of a request by the holder of `credentials`. */
async function statusOf(port: number, credentials: PeerCredentials, requestLine: string): Promise<string> {
  const peer = await RawPeer.connect(port, credentials).secured();
  peer.send(`${requestLine} HTTP/1.1\r\nHost: orders.shop\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  return (await peer.ended()).split('\r\n')[0] ?? '';
}

test('the app is reached through the sidecar, by whom the policy lets', { timeout: 60_000 }, async (t) => {
  const python = requireTool(t, 'python3');
  if (python === null) return;
  const folder = temporaryFolder(t, 'postern-pod-');
  const [appPort, port] = [await freePort(), await freePort()];
  const ca = await createDevCa({ dir: join(folder, 'ca'), trustDomain: 'prod.acme.com' });
  const credentialsOf = async (account: string): Promise<PeerCredentials> => {
    const svid = await ca.issue({ spiffeId: `spiffe://prod.acme.com/ns/${account}` });
    return { cert: svid.certChainPem, key: svid.keyPem, ca: ca.bundlePem };
  };
  const own = await credentialsOf('shop/sa/orders');
  const inside = (text: string): string =>
    text
      .replaceAll('/run/svid', folder)
      .replaceAll('/var/lib/postern', folder)
      .replaceAll('/run/postern', folder)
      .replace('0.0.0.0:8443', `127.0.0.1:${port}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${appPort}`);
  const files = { ...configMap, 'tls.crt': own.cert ?? '', 'tls.key': own.key ?? '', 'ca.crt': own.ca };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), inside(text), { mode: 0o600 });

  mkdirSync(join(folder, 'srv'));
  writeFileSync(join(folder, 'srv/order.txt'), 'order 1');
  const words: readonly string[] = JSON.parse(JSON.stringify(appCommand));
  const command = words
    .slice(1)
    .map((word) => word.replace('8080', String(appPort)).replace('/srv', join(folder, 'srv')));
  start(t, [python, ...command], folder);

  const sidecar = start(
    t,
    [process.execPath, join(root, 'bin/postern'), 'run', '-c', join(folder, 'postern.yaml')],
    folder,
  );
  const probe = [process.execPath, join(root, 'deploy/healthcheck.mjs'), `unix:${folder}/admin.sock`] as const;
  await waitFor(
    'the startup probe',
    async () => (await runToEnd([...probe, '/startupz'], { cwd: folder })).code === 0,
    20_000,
  ).catch((error: Error) => assert.fail(`${error.message}: ${sidecar.said()}`));
  assert.deepEqual(await runToEnd([...probe, '/readyz'], { cwd: folder }), { code: 0, output: '' });
  assert.deepEqual(await runToEnd([...probe, '/livez'], { cwd: folder }), { code: 0, output: '' });

  const cart = await credentialsOf('shop/sa/cart');
  const checkout = await credentialsOf('shop/sa/checkout');
  const stranger = await credentialsOf('billing/sa/reports');
  assert.equal(await statusOf(port, cart, 'GET /order.txt'), 'HTTP/1.1 200 OK');
  assert.equal(await statusOf(port, cart, 'POST /order.txt'), 'HTTP/1.1 403 Forbidden');
  // Python's file server knows no POST: the answer is the app's own, so the request went through.
  assert.match(await statusOf(port, checkout, 'POST /order.txt'), /^HTTP\/1\.1 501 /);
  assert.equal(await statusOf(port, stranger, 'GET /order.txt'), 'HTTP/1.1 403 Forbidden');
  const decisions = journalRecords(folder).filter((record) => record['type'] === 'decision');
  assert.deepEqual(
    decisions.map((record) => record['decision']),
    ['allow', 'deny', 'allow', 'deny'],
  );
});
