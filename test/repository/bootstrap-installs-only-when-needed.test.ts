// scripts/bootstrap.mjs in a made-up checkout, with an npm that notes its calls and leaves what a real one would.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { type Finished, runToEnd } from '../deploy/shell-command.ts';

const root = dirname(dirname(import.meta.dirname));
const lockPackages = {
  '': {},
  'node_modules/node': { version: '26.0.0' },
  'node_modules/other-platform': { version: '1.0.0', optional: true },
};

// Sleeps a little, so that a second bootstrap meets the first one at work. Fails where NPM_FAULT says how.
const fakeNpm = `
const { appendFileSync, mkdirSync, symlinkSync, rmSync, writeFileSync, readFileSync } = require('node:fs');
appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');
rmSync('node_modules', { recursive: true, force: true });
if (process.env.NPM_FAULT) { process.stderr.write('npm error code ' + process.env.NPM_FAULT + '\\n'); process.exit(1); }
setTimeout(() => {
  mkdirSync('node_modules/node/bin', { recursive: true });
  symlinkSync(process.execPath, 'node_modules/node/bin/node');
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  delete packages['node_modules/other-platform'];
  writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));
}, 700);
`;

interface Checkout {
  readonly folder: string;
  readonly bootstrap: (env?: Record<string, string>) => Promise<Finished>;
  readonly callCount: () => number;
}

function checkout(t: TestContext): Checkout {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bootstrap-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'scripts'));
  for (const name of ['bootstrap.mjs', 'install-failure.mjs'])
    cpSync(join(root, 'scripts', name), join(folder, 'scripts', name));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: lockPackages }));
  writeFileSync(join(folder, 'npm.js'), fakeNpm);
  const callsFile = join(folder, 'calls');
  return {
    folder,
    bootstrap: (env = {}) =>
      runToEnd([process.execPath, 'scripts/bootstrap.mjs'], {
        cwd: folder,
        env: { npm_execpath: join(folder, 'npm.js'), ...env },
        timeoutMs: 20_000,
      }),
    callCount: () => (existsSync(callsFile) ? readFileSync(callsFile, 'utf8').trim().split('\n').length : 0),
  };
}

test('installs once with one line before and one after, and then says nothing', async (t) => {
  const { bootstrap, callCount } = checkout(t);
  const first = await bootstrap();
  assert.equal(first.code, 0, first.output);
  assert.match(first.output, /^Installing dependencies [^\n]*\nInstalled in \d+ s\.\n$/);
  assert.deepEqual(await bootstrap(), { code: 0, output: '' });
  assert.equal(callCount(), 1);
});

test('two at once install once', async (t) => {
  const { bootstrap, callCount, folder } = checkout(t);
  const results = await Promise.all([bootstrap(), bootstrap(), bootstrap()]);
  assert.deepEqual(
    results.map((result) => result.code),
    [0, 0, 0],
  );
  assert.equal(callCount(), 1);
  assert.equal(existsSync(join(folder, '.install.lock')), false);
});

test('installs again when package-lock.json has changed', async (t) => {
  const { bootstrap, callCount, folder } = checkout(t);
  await bootstrap();
  const changed = { ...lockPackages, 'node_modules/node': { version: '26.0.1' } };
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: changed }));
  assert.equal((await bootstrap()).code, 0);
  assert.equal(callCount(), 2);
});

test('takes what the user installed by hand', async (t) => {
  const { bootstrap, callCount, folder } = checkout(t);
  await runToEnd([process.execPath, 'npm.js'], { cwd: folder });
  assert.deepEqual(await bootstrap(), { code: 0, output: '' });
  assert.equal(callCount(), 1);
});

test('installs again after an install that was cut off', async (t) => {
  const { bootstrap, callCount, folder } = checkout(t);
  await bootstrap();
  rmSync(join(folder, 'node_modules/.postern-install'));
  rmSync(join(folder, 'node_modules/.package-lock.json'));
  assert.equal((await bootstrap()).code, 0);
  assert.equal(callCount(), 2);
});

test('goes on where a process died with the lock', async (t) => {
  const { bootstrap, folder } = checkout(t);
  const dead = await runToEnd([process.execPath, '-p', 'process.pid'], { cwd: folder });
  writeFileSync(join(folder, '.install.lock'), dead.output.trim());
  assert.equal((await bootstrap()).code, 0);
});

for (const [fault, says] of [
  ['ENOTFOUND', /the package registry cannot be reached\.\n {2}mend: check the network, the proxy/],
  ['E404', /the package registry lacks a package/],
  ['ENOSPC', /the disk is full/],
  ['EINTEGRITY', /a package is not the one that package-lock\.json names/],
  ['ESOMETHING', /npm failed\.\n {2}mend: the lines below are its own\n {2}\| code ESOMETHING\n$/],
] as const) {
  test(`says what to do when npm fails with ${fault}, and leaves no lock`, async (t) => {
    const { bootstrap, folder } = checkout(t);
    const { code, output } = await bootstrap({ NPM_FAULT: fault });
    assert.equal(code, 1);
    assert.match(output, says);
    assert.equal(existsSync(join(folder, '.install.lock')), false);
  });
}
