// Installs the dependencies if they are not there, or not those of package-lock.json; else ends within some
// milliseconds. Every npm script starts with it, so a fresh clone needs no step before `npm start` or `npm test`.
// Runs before anything is installed: no dependencies, and a syntax that Node 20 reads.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { explainInstallFailure } from './install-failure.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.postern-install');
const lockFile = join(root, '.install.lock');
const pinnedNode = join(modules, 'node', 'bin', 'node');
const longestWaitMs = 10 * 60_000;

const packageLock = readFileSync(join(root, 'package-lock.json'), 'utf8');
// A checkout mounted into a container of another kind must not run the binaries of its host.
const wantedStamp = createHash('sha256').update(`${process.platform} ${process.arch}\n${packageLock}`).digest('hex');

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** True if node_modules is complete and as package-lock.json says, whoever installed it. */
function isCurrent() {
  if (!existsSync(pinnedNode)) return false;
  if (readIfThere(stampFile) === wantedStamp) return true;
  if (!matchesPackageLock()) return false;
  writeFileSync(stampFile, wantedStamp);
  return true;
}

/** Compares with the list that npm itself leaves behind at the end of an install, and only then. */
function matchesPackageLock() {
  const installed = readIfThere(join(modules, '.package-lock.json'));
  if (installed === undefined) return false;
  const present = JSON.parse(installed).packages;
  return Object.entries(JSON.parse(packageLock).packages).every(([path, wanted]) => {
    if (path === '') return true;
    return present[path] === undefined ? wanted.optional === true : present[path].version === wanted.version;
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Takes the lock, or gives false. A lock of a dead process is moved away first: of several, one can move it. */
function tryLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = Number(readIfThere(lockFile));
  if (holder > 0 && !isAlive(holder)) {
    const aside = `${lockFile}.${process.pid}`;
    try {
      renameSync(lockFile, aside);
      rmSync(aside);
    } catch {
      // Somebody else moved it.
    }
  }
  return false;
}

async function lock() {
  const startedAt = Date.now();
  let waited = false;
  while (!tryLock()) {
    if (!waited && Date.now() - startedAt > 500) {
      waited = true;
      process.stderr.write('Another process is installing the dependencies here; waiting for it.\n');
    }
    if (Date.now() - startedAt > longestWaitMs) {
      process.stderr.write(`Waited 10 minutes for ${lockFile}. If no install is running, delete that file.\n`);
      process.exit(1);
    }
    await sleep(100);
  }
  process.on('exit', () => rmSync(lockFile, { force: true }));
}

/** The npm that runs this script, else the one on PATH. `include=dev` because NODE_ENV=production would leave out the tests' tools. */
function npmCommand() {
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  return npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args];
}

function runNpm() {
  const [command, args] = npmCommand();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      child.kill(signal);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    });
  }
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: `${error.message}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** An install is good when the pinned Node runs; npm itself does not look. */
function faultOfPinnedNode() {
  const result = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? undefined : `pinned Node does not run: ${result.error?.message ?? result.stderr}\n`;
}

async function install() {
  const startedAt = Date.now();
  process.stderr.write('Installing dependencies with `npm ci` (once; under a minute on a fast line) ...\n');
  const { code, output } = await runNpm();
  const fault = code === 0 ? faultOfPinnedNode() : output;
  if (fault !== undefined) {
    process.stderr.write(explainInstallFailure(fault));
    process.exit(1);
  }
  mkdirSync(modules, { recursive: true });
  writeFileSync(stampFile, wantedStamp);
  process.stderr.write(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.\n`);
}

if (!isCurrent()) {
  await lock();
  if (!isCurrent()) await install();
}
