// bin/postern, started by the machine's own Node, in a made-up installation whose main file says what it sees.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { findTool } from '../require-tool.ts';

const root = dirname(dirname(import.meta.dirname));
const spyProgram = `
import process from 'node:process';
export function runProcess() {
  process.stdout.write(JSON.stringify({ ...facts, isLoadedByBin: true }) + '\\n');
}
const facts = { version: process.version, flags: process.execArgv, args: process.argv.slice(2), pid: process.pid };
if (process.argv[2] === 'wait') {
  process.on('SIGHUP', () => process.stdout.write('SIGHUP\\n'));
  if (process.argv[3] === 'drain') process.on('SIGTERM', () => process.exit(7));
  setTimeout(() => process.exit(9), 10_000); // whatever happens to the test, nothing stays behind
}
// Said last: whoever reads it may send signals.
if (import.meta.main) process.stdout.write(JSON.stringify(facts) + '\\n');
if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]));
`;

/** The Node of the machine where it has one (PATH without what npm put before it), else the pinned one. */
function machineNode(): string {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return path.map((folder) => findTool('node', folder)).find((found) => found !== null) ?? process.execPath;
}

/** A folder like that of a checkout (`src`) or of the installed package (`dist`), removed after the test. */
function installation(t: TestContext, kind: 'src' | 'dist', withPinnedNode = true): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bin-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const main = kind === 'src' ? 'src/cli/main.ts' : 'dist/main.js';
  mkdirSync(join(folder, dirname(main)), { recursive: true });
  writeFileSync(join(folder, main), spyProgram);
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies: { node: '26.10.0' } }));
  if (withPinnedNode) {
    mkdirSync(join(folder, 'node_modules/node/bin'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/node/package.json'), '{}');
    symlinkSync(process.execPath, join(folder, 'node_modules/node/bin/node'));
  }
  return folder;
}

interface Started {
  readonly child: ChildProcess;
  /** The next line on standard output. */
  readonly nextLine: () => Promise<string>;
}

function start(t: TestContext, folder: string, args: readonly string[], viaLink = false): Started {
  const program = join(folder, viaLink ? 'link' : 'bin/postern');
  const child = spawn(machineNode(), [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
  t.after(() => child.kill('SIGKILL'));
  const lines = (async function* () {
    let rest = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
  })();
  return { child, nextLine: async () => (await lines.next()).value ?? '' };
}

for (const kind of ['src', 'dist'] as const) {
  test(`runs ${kind} under the pinned Node with its flags, arguments untouched`, async (t) => {
    const { nextLine } = start(t, installation(t, kind), ['exit', '0', '--', 'a b', '$HOME']);
    const facts = JSON.parse(await nextLine());
    assert.equal(facts.version, process.version);
    assert.deepEqual(facts.args, ['exit', '0', '--', 'a b', '$HOME']);
    assert.ok(facts.flags.includes('--disallow-code-generation-from-strings'));
    assert.ok(facts.flags.includes('--disable-proto=delete'));
  });
}

const runtimeFlags = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=4',
  '--heap-growing-percent=60',
  '--expose-gc',
];

test('a pinned Node that was given the flags goes on by itself', async (t) => {
  const folder = installation(t, 'src');
  const run = (flags: readonly string[]) =>
    spawnSync(process.execPath, [...flags, join(folder, 'bin/postern'), 'a b'], { encoding: 'utf8', timeout: 30_000 });
  const facts = JSON.parse(run(runtimeFlags).stdout);
  assert.equal(facts.isLoadedByBin, true);
  assert.deepEqual(facts.args, ['a b']);
  const others = runtimeFlags.map((flag) => runtimeFlags.filter((other) => other !== flag));
  for (const flags of [...others, [...runtimeFlags, '--no-disallow-code-generation-from-strings']]) {
    const second = JSON.parse(run(flags).stdout);
    assert.equal(second.isLoadedByBin, undefined, flags.join(' '));
    assert.deepEqual(second.flags, runtimeFlags);
  }
});

test('works through a symbolic link, as npm places it in node_modules/.bin', async (t) => {
  const folder = installation(t, 'src');
  symlinkSync('bin/postern', join(folder, 'link'));
  const { nextLine } = start(t, folder, ['exit', '0'], true);
  assert.equal(JSON.parse(await nextLine()).version, process.version);
});

test('passes the exit code on', async (t) => {
  const { child } = start(t, installation(t, 'src'), ['exit', '3']);
  assert.deepEqual(await once(child, 'exit'), [3, null]);
});

test('passes SIGHUP on and stays up, then SIGTERM, and ends with the code of the drain', async (t) => {
  const { child, nextLine } = start(t, installation(t, 'src'), ['wait', 'drain']);
  await nextLine();
  child.kill('SIGHUP');
  assert.equal(await nextLine(), 'SIGHUP');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [7, null]);
});

test('ends by the signal that ended Postern', async (t) => {
  const { child, nextLine } = start(t, installation(t, 'src'), ['wait']);
  const { pid } = JSON.parse(await nextLine());
  process.kill(pid, 'SIGKILL');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
});

test('says what to do where the pinned Node is not in place and the own one is too old', async (t) => {
  const folder = installation(t, 'src', false);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies: { node: '999.0.0' } }));
  const { child } = start(t, folder, []);
  const ended = once(child, 'exit');
  const text = await child.stderr?.setEncoding('utf8').toArray();
  assert.match(text?.join('') ?? '', /needs Node 999 or later.*\n {2}mend: run `npm rebuild node/);
  assert.deepEqual(await ended, [2, null]);
});
