// `npm run h2spec`: the conformance suite of the HTTP/2 world against a listener over mutual TLS. It is built by `go` from the
// sums in h2spec/go.sum. It shows no certificate itself, so a relay of this test shows one and passes octets.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { Mesh } from '../harness/mesh.ts';
import type { PeerCredentials } from '../harness/raw-peer.ts';
import { findTool, requireTool } from '../require-tool.ts';

const run = promisify(execFile);
const suite = 'github.com/summerwind/h2spec/cmd/h2spec';
/** Go is often unpacked beside the folders of PATH. */
const unpackedGo = '/usr/local/go/bin';

/** The path of the suite's program. */
async function build(go: string): Promise<string> {
  const cache = path.resolve(import.meta.dirname, '../../node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const program = path.join(cache, 'h2spec');
  await run(go, ['build', '-p', '1', '-o', program, suite], { cwd: path.join(import.meta.dirname, 'h2spec') });
  return program;
}

/** A port on which every connection becomes one over mutual TLS to `port`. */
async function relay(port: number, caller: PeerCredentials): Promise<net.Server> {
  const server = net.createServer((plain) => {
    const identity = { checkServerIdentity: () => undefined, ALPNProtocols: ['h2'] };
    const secure = tls.connect({ ...caller, ...identity, host: '127.0.0.1', port });
    const cut = (): void => void [plain.destroy(), secure.destroy()];
    for (const socket of [plain, secure]) socket.on('error', cut).on('close', cut);
    plain.pipe(secure).pipe(plain);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

test('every case of h2spec passes, strict ones too', async (t) => {
  const go = findTool('go', unpackedGo) ?? requireTool(t, 'go');
  if (go === null) return;
  const program = await build(go);
  const workload = http.createServer((request, response) => {
    request.resume().on('end', () => response.end('what a workload answers, of some length'));
  });
  await new Promise<void>((resolve) => workload.listen(0, '127.0.0.1', resolve));
  t.after(() => workload.close());
  const mesh = await Mesh.create(t, {
    workloadPort: (workload.address() as net.AddressInfo).port,
    inbound: '    http2: on\n',
  });
  await mesh.start(t);
  const server = await relay(mesh.port, await mesh.caller());
  t.after(() => server.close());
  const port = String((server.address() as net.AddressInfo).port);
  const words = ['--strict', '--port', port, '--path', '/cases', ...process.argv.slice(2)];
  const { stdout } = await run(program, words).catch((error: { stdout: string }) => error);
  process.stdout.write(stdout);
  assert.match(stdout, /^(\d+) tests, \1 passed, 0 skipped, 0 failed$/m);
});
