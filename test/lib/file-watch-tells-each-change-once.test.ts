// Files and folders are watched through everything that happens to them in the field: edits, renames, the symbolic link
// that Kubernetes swaps, files that come and go.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type FileWatch, watchFiles } from '../../src/lib/file-watch.ts';

let folder: string;
let watching: FileWatch | undefined;
let changes: number;
let errors: unknown[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-watch-'));
  changes = 0;
  errors = [];
});

afterEach(() => {
  watching?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(paths: readonly string[], pollMs: number, settleMs = 5): Promise<void> {
  watching = watchFiles({
    paths,
    pollMs,
    settleMs,
    onChange: () => {
      changes++;
    },
    onError: (error) => errors.push(error),
  });
  await watching.ready;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'the condition did not come true in 5 s');
    await pause(5);
  }
}

/** A poll that does not come within a test: what is told then was told by notification. */
const never = 3_600_000;

test('an edit in place is told by notification, without waiting for a poll', async () => {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, 'one');
  await start([file], never);
  writeFileSync(file, 'two');
  await until(() => changes === 1);
});

test('a file that is replaced by a rename is told, and again the next time', async () => {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, 'one');
  await start([file], never);
  for (const round of [1, 2, 3]) {
    writeFileSync(join(folder, 'a.new'), `round ${round}`);
    renameSync(join(folder, 'a.new'), file);
    await until(() => changes === round);
  }
});

test('the swap of a symbolic link beside the file is told, as Kubernetes does it', async () => {
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'tls.crt'), version);
  }
  symlinkSync('v1', join(folder, '..data'));
  symlinkSync(join('..data', 'tls.crt'), join(folder, 'tls.crt'));
  await start([join(folder, 'tls.crt')], never);
  symlinkSync('v2', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  await until(() => changes === 1);
});

test('a file that goes and comes back is told both times', async () => {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, 'one');
  await start([file], never);
  rmSync(file);
  await until(() => changes === 1);
  writeFileSync(file, 'back');
  await until(() => changes === 2);
});

test('a change deep in a watched folder is found by polling', async () => {
  mkdirSync(join(folder, 'policies', 'team', 'a'), { recursive: true });
  await start([join(folder, 'policies')], 20);
  writeFileSync(join(folder, 'policies', 'team', 'a', 'x.yaml'), 'one');
  await until(() => changes === 1);
});

test('a path whose folder does not exist yet is found by polling when it comes', async () => {
  const file = join(folder, 'later', 'a.yaml');
  await start([file], 20);
  mkdirSync(join(folder, 'later'));
  writeFileSync(file, 'one');
  await until(() => changes > 0);
  assert.deepEqual(errors, []);
});

test('a file that is still being written is told when it has come to rest, once', async () => {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, 'one');
  await start([file], never, 400);
  for (let at = 0; at < 10; at++) {
    writeFileSync(file, `write ${at}`);
    await pause(20);
  }
  assert.equal(changes, 0);
  await until(() => changes === 1);
  await pause(50);
  assert.equal(changes, 1);
});

test('a folder that is replaced is watched in its new place', async () => {
  const policies = join(folder, 'policies');
  mkdirSync(policies);
  mkdirSync(join(folder, 'next'));
  writeFileSync(join(folder, 'next', 'x.yaml'), 'one');
  await start([policies], never);
  renameSync(policies, join(folder, 'old'));
  renameSync(join(folder, 'next'), policies);
  await until(() => changes > 0);
  await pause(50);
  const before = changes;
  writeFileSync(join(policies, 'x.yaml'), 'two');
  await until(() => changes === before + 1);
});

test('a neighbour that changes is not told', async () => {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, 'one');
  await start([file], 10);
  writeFileSync(join(folder, 'b.yaml'), 'another');
  await pause(60);
  assert.equal(changes, 0);
});

test('a link that leads to a folder above does not hang the watch', async () => {
  mkdirSync(join(folder, 'policies'));
  symlinkSync('..', join(folder, 'policies', 'up'));
  await start([join(folder, 'policies')], 20);
  writeFileSync(join(folder, 'policies', 'x.yaml'), 'one');
  await until(() => changes > 0);
});

test('what onChange throws goes to onError and the watch goes on', async () => {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, 'one');
  watching = watchFiles({
    paths: [file],
    pollMs: never,
    settleMs: 5,
    onChange: () => {
      changes++;
      throw new Error('refused');
    },
    onError: (error) => errors.push(error),
  });
  await watching.ready;
  writeFileSync(file, 'two');
  await until(() => errors.length === 1);
  writeFileSync(file, 'three!');
  await until(() => changes === 2);
});

test('nothing is told after close', async () => {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, 'one');
  await start([file], 10);
  watching?.close();
  writeFileSync(file, 'two');
  await pause(50);
  assert.equal(changes, 0);
});
