// Whatever is wrong at start ends the start with one clear error that names the place and the mend, by exit code 2 or 3,
// and leaves nothing half-started: no listener, no journal of a sidecar that never ran.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { Mesh } from '../harness/mesh.ts';
import { SidecarProcess } from '../harness/sidecar-process.ts';
import { program } from '../program.ts';

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function startFails(mesh: Mesh): Ended {
  const run = spawnSync(process.execPath, [program, 'run', '-c', mesh.configFile], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: run.status, stderr: run.stderr };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
  });
}

interface Row {
  readonly name: string;
  readonly spoil: (mesh: Mesh) => Promise<void> | void;
  readonly code: 2 | 3;
  readonly says: readonly RegExp[];
}

function replaceInConfig(mesh: Mesh, from: string, to: string): void {
  const text = mesh.readConfig();
  assert.ok(text.includes(from), from);
  writeFileSync(mesh.configFile, text.replace(from, to));
}

const rows: readonly Row[] = [
  {
    name: 'a misspelt key of the configuration',
    spoil: (mesh) => replaceInConfig(mesh, 'forward:', 'foward:'),
    code: 2,
    says: [/postern\.yaml:\d+:\d+/, /foward/, /forward/],
  },
  {
    name: 'a configuration that is no YAML',
    spoil: (mesh) => writeFileSync(mesh.configFile, 'version: [1\n'),
    code: 2,
    says: [/postern\.yaml:\d+:\d+/],
  },
  {
    name: 'a key of a later version of the contract',
    spoil: (mesh) => replaceInConfig(mesh, 'shutdown: ', 'inventory: { dormant_after: 90d }\nshutdown: '),
    code: 2,
    says: [/postern\.yaml:\d+:\d+/, /not in this version/],
  },
  {
    name: 'a configuration that is not there',
    spoil: (mesh) => rmSync(mesh.configFile),
    code: 2,
    says: [/postern\.yaml/, /ENOENT/],
  },
  {
    name: 'a policy with a misspelt effect',
    spoil: (mesh) => writeFileSync(mesh.policyFile, readFileSync(mesh.policyFile, 'utf8').replace('allow', 'alow')),
    code: 2,
    says: [/policy\.yaml:\d+:\d+/, /alow/],
  },
  {
    name: 'a policy folder that is not there',
    spoil: (mesh) => replaceInConfig(mesh, 'paths: [policies/]', 'paths: [nowhere/]'),
    code: 3,
    says: [/nowhere/],
  },
  {
    name: 'a certificate that is none',
    spoil: (mesh) => void mesh.put('tls.crt', 'hello'),
    code: 2,
    says: [/tls\.crt/],
  },
  {
    name: 'a key that does not fit the certificate',
    spoil: async (mesh) => {
      const other = await mesh.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/other' });
      mesh.put('tls.key', other.keyPem);
    },
    code: 2,
    says: [/tls\.key/, /tls\.crt/],
  },
  {
    name: 'an empty bundle',
    spoil: (mesh) => void mesh.put('bundle.pem', ''),
    code: 2,
    says: [/bundle\.pem/],
  },
  {
    name: 'a journal folder that is a file',
    spoil: (mesh) => void mesh.put('journal', 'in the way'),
    code: 3,
    says: [/journal/, /ENOTDIR|EEXIST/],
  },
];
for (const row of rows) {
  test(`${row.name} ends the start with ${row.code}`, async (t) => {
    const mesh = await Mesh.create(t, { workloadPort: 9 });
    await row.spoil(mesh);
    const ended = startFails(mesh);
    assert.equal(ended.code, row.code, ended.stderr);
    for (const pattern of row.says) assert.match(ended.stderr, pattern);
    assert.doesNotMatch(ended.stderr, /\n\s+at /, 'no stack');
    assert.ok(await isFree(mesh.port));
    if (row.name !== 'a journal folder that is a file') assert.ok(!existsSync(mesh.journalDir));
  });
}

test('a port in use ends the start with 3 and names the listener and the address', async (t) => {
  const mesh = await Mesh.create(t, { workloadPort: 9 });
  const squatter = net.createServer().listen(mesh.port, '127.0.0.1');
  t.after(() => void squatter.close());
  const ended = await runWhile(mesh);
  assert.equal(ended.code, 3, ended.stderr);
  assert.match(ended.stderr, new RegExp(`listener \`api\` cannot listen on \`127.0.0.1:${mesh.port}\`: EADDRINUSE`));
  assert.match(ended.stderr, /stop it, or change `listen`/);
  assert.ok(await isFree(mesh.adminPort));
});

/** Asynchronously, since the port is held by this very process. */
async function runWhile(mesh: Mesh): Promise<Ended> {
  const sidecar = SidecarProcess.spawn({ configFile: mesh.configFile, adminPort: mesh.adminPort });
  const { code } = await sidecar.ended();
  return { code, stderr: sidecar.stderr };
}

test('an unwritable journal folder ends the start with 3', async (t) => {
  const mesh = await Mesh.create(t, { workloadPort: 9 });
  // Root may write wherever there are files; nobody may make a folder in /sys.
  const folder = process.getuid?.() === 0 ? '/sys/postern' : path.join(mesh.dir, 'closed');
  if (process.getuid?.() !== 0) mkdirSync(folder, { mode: 0o500 });
  replaceInConfig(mesh, `dir: ${mesh.journalDir}`, `dir: ${folder}/journal`);
  const ended = startFails(mesh);
  assert.equal(ended.code, 3, ended.stderr);
  assert.match(ended.stderr, /EACCES|EPERM|EROFS/);
  assert.match(ended.stderr, new RegExp(`${folder}/journal`));
});

test('the embedded CA refuses to work in production', async (t) => {
  const mesh = await Mesh.create(t, {
    workloadPort: 9,
    sections: {
      identity:
        'identity:\n  source: dev-ca\n  dev_ca: { dir: ca, spiffe_id: spiffe://prod.acme.com/ns/payments/server }\n',
    },
  });
  const run = spawnSync(process.execPath, [program, 'run', '-c', mesh.configFile], {
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production' },
    timeout: 20_000,
  });
  assert.equal(run.status, 2, run.stderr);
  assert.match(run.stderr, /production/);
});

test('an own certificate that the own bundle does not vouch for ends the start with 2', async (t) => {
  const mesh = await Mesh.create(t, { workloadPort: 9 });
  const foreign = await createDevCa({ dir: path.join(mesh.dir, 'foreign'), trustDomain: 'prod.acme.com' });
  mesh.put('bundle.pem', foreign.bundlePem);
  const ended = startFails(mesh);
  assert.equal(ended.code, 2, ended.stderr);
  assert.match(ended.stderr, /put the CA that issued the certificate into the bundle/);
});
