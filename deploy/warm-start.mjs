// Starts Postern once with an identity of no worth and ends it when it is ready, so that Node keeps the compiled code of
// all that a start loads. For the build of the image, by the user who will run it: Node keeps that code for each user.
//   node warm-start.mjs bin/postern

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const [program = 'bin/postern'] = process.argv.slice(2);
const patienceMs = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'postern-warm-'));
const socketPath = join(folder, 'admin.sock');

const configuration = `
version: 1
identity:
  source: files
  files: { cert: svid/tls.crt, key: svid/tls.key, bundle: svid/bundle.pem }
inbound:
  - { name: warm, listen: 127.0.0.1:0, protocol: http, forward: http://127.0.0.1:9, resource: { type: service, name: warm } }
policy: { paths: [policy.yaml], environment_boundary: off }
audit:
  journal: { dir: journal }
admin: { listen: "unix:${socketPath}" }
shutdown: { drain: 0s }
`;
const policy = `
policy "warm":
  principals:
    type: workload
    attributes:
      spiffe_id: "spiffe://warm.example/*"
  default_decision: deny
  rules:
    - name: reads
      effect: allow
      resources: { type: service, name: warm }
      actions: [read]
`;

function runToEnd(...args) {
  execFileSync(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function isReady() {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/readyz', headers: { host: 'localhost' }, timeout: 1000 }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

async function startOnce() {
  runToEnd('ca', 'init', '--dir', join(folder, 'ca'), '--trust-domain', 'warm.example');
  runToEnd(
    'ca',
    'issue',
    '--dir',
    join(folder, 'ca'),
    '--spiffe-id',
    'spiffe://warm.example/w',
    '--out',
    join(folder, 'svid'),
  );
  writeFileSync(join(folder, 'postern.yaml'), configuration);
  writeFileSync(join(folder, 'policy.yaml'), policy);
  const args = [program, 'run', '-c', join(folder, 'postern.yaml'), '--log-level', 'error'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  const deadline = performance.now() + patienceMs;
  while (child.exitCode === null && child.signalCode === null && !(await isReady())) {
    if (performance.now() > deadline) child.kill('SIGKILL');
    await pause(20);
  }
  child.kill('SIGTERM');
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`Postern ended with ${code ?? signal} at its start to warm up`);
}

try {
  await startOnce();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
