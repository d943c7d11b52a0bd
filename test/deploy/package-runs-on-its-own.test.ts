// What `npm pack` makes, installed where there is nothing else, started by the Node of the machine; and the steps of the
// Dockerfile that this machine can do without a container.

import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, SidecarProcess } from '../harness/sidecar-process.ts';
import { runToEnd } from './shell-command.ts';

const root = dirname(dirname(import.meta.dirname));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');
// Without what `npm test` put in front: the Node and npm that a user of the package has.
const machinePath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
const env = { PATH: machinePath.join(delimiter), NO_UPDATE_NOTIFIER: '1', NODE_COMPILE_CACHE: undefined };

let work = '';
let tarball = '';

before(async () => {
  work = mkdtempSync(join(tmpdir(), 'postern-package-'));
  const source = join(work, 'source');
  // Built in a copy, so that a test leaves no dist/ in the checkout.
  for (const name of [
    'bin',
    'src',
    'docs',
    'deploy',
    'scripts/build.ts',
    'package.json',
    'LICENSE',
    'SECURITY.md',
    'CHANGELOG.md',
  ]) {
    cpSync(join(root, name), join(source, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  const built = await runToEnd([process.execPath, 'scripts/build.ts'], { cwd: source });
  assert.deepEqual(built, { code: 0, output: '' });
  const packed = await runToEnd(['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', work], {
    cwd: source,
    env,
  });
  assert.equal(packed.code, 0, packed.output);
  tarball = join(work, readdirSync(work).find((name) => name.endsWith('.tgz')) ?? 'no tarball');
});

after(() => rmSync(work, { recursive: true, force: true }));

test('installed from its tarball, the package runs compiled code under the pinned Node', async () => {
  const folder = join(work, 'installed');
  mkdirSync(folder);
  // A registry that does not answer is asked again, not waited for.
  const patience = ['--fetch-timeout=15000', '--fetch-retries=4'] as const;
  const args = [...patience, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball] as const;
  const installed = await runToEnd(['npm', 'install', ...args], { cwd: folder, env });
  assert.equal(installed.code, 0, installed.output);
  assert.equal(existsSync(join(folder, 'node_modules/postern/src')), false, 'the package holds no sources');
  const program = join(folder, 'node_modules/.bin/postern');
  const version = await runToEnd([program, '--version'], { cwd: folder, env });
  assert.deepEqual(version, { code: 0, output: `${manifest.version}\n` });
  const schema = await runToEnd([program, 'schema'], { cwd: folder, env });
  assert.equal(schema.code, 0, schema.output);
  assert.ok(JSON.parse(schema.output).properties.inbound !== undefined);
  const pinned = await runToEnd([join(folder, 'node_modules/node/bin/node'), '--version'], { cwd: folder, env });
  assert.equal(pinned.output.trim(), `v${manifest.dependencies.node}`);
});

test('compiled code without the pinned package runs under a Node of its version, as in the image', async () => {
  const app = join(work, 'app');
  mkdirSync(join(app, 'node_modules'), { recursive: true });
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(work, 'source', name), join(app, name), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'node' && !name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(app, 'node_modules', name));
  }
  const { code, output } = await runToEnd([process.execPath, 'bin/postern', '--version'], { cwd: app, env });
  assert.deepEqual({ code, output }, { code: 0, output: `${manifest.version}\n` });
  assert.ok(
    globSync('dist/.cache/compiled/*/*', { cwd: app }).length > 2,
    'the first start leaves its compiled code for the next',
  );
});

test('one start as the Dockerfile makes it leaves the compiled code of a start, for the user who made it', async () => {
  const app = join(work, 'app');
  rmSync(join(app, 'dist/.cache'), { recursive: true, force: true });
  const warmed = await runToEnd([process.execPath, join(root, 'deploy/warm-start.mjs'), 'bin/postern'], {
    cwd: app,
    env,
  });
  assert.deepEqual(warmed, { code: 0, output: '' });
  const kept = globSync(`dist/.cache/compiled/*-${process.getuid?.()}/*`, { cwd: app });
  assert.ok(kept.length > 20, `${kept.length} files`);
});

test('the bundle serves, with two workers, and names whose code it holds', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port, sections: { workers: 'workers: 2\n' } });
  const program = join(work, 'app/bin/postern');
  const sidecar = await SidecarProcess.start({ configFile: mesh.configFile, adminPort: mesh.adminPort, program });
  t.after(() => sidecar.kill());
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  peer.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  assert.match(await peer.ended(30_000), /^HTTP\/1\.1 200 /);
  assert.equal(journalRecords(mesh.journalDir).filter((one) => one['type'] === 'decision').length, 1);
  sidecar.signal('SIGTERM');
  assert.equal((await sidecar.ended(30_000)).code, 0, sidecar.stderr);
  const licences = readFileSync(join(work, 'app/dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const name of ['yaml', 'zod', 'pino', 'prom-client']) assert.match(licences, new RegExp(`^${name} \\d`, 'm'));
});

test('a start that fails fails the build of the image', async () => {
  const failing = join(work, 'failing.mjs');
  writeFileSync(failing, "if (process.argv[2] === 'run') process.exitCode = 2;\n");
  const { code, output } = await runToEnd([process.execPath, join(root, 'deploy/warm-start.mjs'), failing], {
    cwd: work,
    env,
  });
  assert.equal(code, 1);
  assert.match(output, /Postern ended with 2/);
});

test('the image is warmed by the user who runs it, and that user cannot change the compiled code', () => {
  const runsAs = /^USER (\S+)$/m.exec(dockerfile.slice(dockerfile.lastIndexOf('\nFROM ')))?.[1];
  const warmsAs = /^USER (\S+)\nRUN node warm-start\.mjs bin\/postern\nUSER root$/m.exec(dockerfile)?.[1];
  assert.equal(warmsAs, runsAs);
  assert.match(dockerfile, /^RUN chown -R root:root dist\/\.cache && chmod -R a\+rX dist\/\.cache/m);
});

test('the image is built on the Node version of package.json', () => {
  assert.match(dockerfile, new RegExp(`^ARG NODE_VERSION=${manifest.dependencies.node.replaceAll('.', '\\.')}$`, 'm'));
});

test('every file that the Dockerfile copies is there and reaches the build', () => {
  const sent = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'));
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
    (names ?? '').split(' '),
  );
  assert.ok(copied.length >= 8);
  for (const name of copied) {
    assert.ok(existsSync(join(root, name)), `${name} is not there`);
    assert.ok(sent.includes(`!${name}`), `${name} is kept out by .dockerignore`);
  }
});

test('the image runs as an unprivileged user, with a health check that it holds', () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  assert.match(last, /^USER 65532:65532$/m);
  assert.match(last, /HEALTHCHECK [^[]*\["\/usr\/local\/bin\/node", "\/app\/healthcheck\.mjs"/);
  assert.doesNotMatch(last, /^RUN/m, 'the last stage has no shell to run anything');
});
