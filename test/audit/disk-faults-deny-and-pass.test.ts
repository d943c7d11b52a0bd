// A disk that fails denies the requests of that moment and nothing more: no torn line stays, no number is unaccounted
// for, and the journal goes on by itself when the disk is back.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { verifyJournal } from '../../src/audit/verify.ts';
import {
  journalFolder,
  readRecords,
  record,
  recordMany,
  segmentPaths,
  startRecorder,
  until,
} from './journal-in-folder.ts';
import { ScriptedDisk } from './scripted-disk.ts';

async function assertAccounted(dir: string, lost: number): Promise<void> {
  const verdict = await verifyJournal(dir);
  assert.deepEqual(
    verdict.streams.flatMap((stream) => stream.findings),
    [],
  );
  assert.ok(verdict.intact);
  const gaps = (await readRecords(dir)).filter((item) => item['type'] === 'gap');
  assert.equal(
    gaps.reduce((sum, item) => sum + (item['gap'] as { count: number }).count, 0),
    lost,
  );
}

test('short writes and EINTR lose nothing', async (t) => {
  const calls = new ScriptedDisk();
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, {}, { calls });
  calls.steps.push({ kind: 'short', bytes: 10 }, { kind: 'fail', code: 'EINTR' }, { kind: 'short', bytes: 1 });
  assert.deepEqual(await recordMany(recorder, 5), [null, null, null, null, null]);
  await recorder.close();
  await assertAccounted(dir, 0);
});

for (const code of ['ENOSPC', 'EIO', 'EROFS', 'EDQUOT', 'EFBIG']) {
  test(`${code} in the middle of a line refuses the batch, cuts the torn line, and the next batch tells of the gap`, async (t) => {
    const calls = new ScriptedDisk();
    const dir = await journalFolder(t);
    const { recorder, faults } = await startRecorder(t, dir, {}, { calls });
    assert.equal(await record(recorder), null);
    calls.steps.push({ kind: 'short', bytes: 3000 }, { kind: 'fail', code });
    const errors = await recordMany(recorder, 4);
    assert.deepEqual(
      errors.map((error) => error?.code),
      Array(4).fill('ERR_JOURNAL_UNAVAILABLE'),
    );
    assert.match(errors[0]?.message ?? '', new RegExp(code));
    assert.equal(faults.length, 1);
    assert.equal(await record(recorder), null);
    await recorder.close();
    await assertAccounted(dir, 4);
    assert.equal(recorder.stats().unwritten, 4);
  });
}

test('a gap is told of even when nothing else is ever recorded', async (t) => {
  const calls = new ScriptedDisk();
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, {}, { calls });
  calls.steps.push({ kind: 'fail', code: 'ENOSPC' });
  assert.notEqual(await record(recorder), null);
  await recorder.close();
  await assertAccounted(dir, 1);
});

test('a seal that cannot be written denies nothing and is made up for', async (t) => {
  const calls = new ScriptedDisk();
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, {}, { calls });
  await record(recorder);
  calls.steps.push({ kind: 'short', bytes: 40 }, { kind: 'fail', code: 'ENOSPC' });
  recorder.rotate();
  await until(() => calls.steps.length === 0);
  assert.equal(await record(recorder), null);
  await recorder.close();
  await assertAccounted(dir, 0);
  assert.equal((await verifyJournal(dir)).streams[0]?.unsealed, 0);
});

test('a folder that vanishes denies from the next segment on; when it is back the journal goes on', async (t) => {
  const dir = join(await journalFolder(t), 'journal');
  const { recorder } = await startRecorder(t, dir, { fsync: { kind: 'off' } });
  assert.equal(await record(recorder), null);
  await rename(dir, `${dir}.away`);
  recorder.rotate();
  await until(() => recorder.stats().unsealed === 0);
  assert.equal((await record(recorder))?.code, 'ERR_JOURNAL_UNAVAILABLE');
  await mkdir(dir);
  await until(async () => (await record(recorder)) === null);
  await recorder.close();
  const records = await readRecords(dir);
  assert.equal(records[0]?.['type'], 'gap');
});

test('a segment that is deleted under the writer is noticed within a second and left', async (t) => {
  const dir = await journalFolder(t);
  const { recorder, faults } = await startRecorder(t, dir);
  await record(recorder);
  const [first] = await segmentPaths(dir);
  await rm(first!);
  await until(() => faults.length > 0, 3_000);
  assert.match(faults[0]?.message ?? '', /deleted or changed/);
  assert.equal(await record(recorder), null);
  await recorder.close();
  const [second] = await segmentPaths(dir);
  assert.notEqual(second, first);
  assert.equal((await verifyJournal(dir)).intact, false);
});

test('a journal that cannot be opened is one clear error', async (t) => {
  const dir = await journalFolder(t);
  await writeFile(join(dir, 'file'), '');
  await assert.rejects(startRecorder(t, join(dir, 'file')), {
    code: 'ERR_JOURNAL_UNAVAILABLE',
    message: /cannot open the journal `.*file`: EEXIST|ENOTDIR/,
  });
  await assert.rejects(startRecorder(t, '/proc/postern'), { code: 'ERR_JOURNAL_UNAVAILABLE' });
});

test('a real file system that is full: refused while it is, recorded when it no longer is', async (t) => {
  const dir = join(await journalFolder(t), 'disk');
  await mkdir(dir);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
  if (mounted.status !== 0) return t.skip(`cannot mount a tmpfs here: ${String(mounted.stderr).trim()}`);
  try {
    await fillAndFree(t, dir);
  } finally {
    spawnSync('umount', ['-l', dir]);
  }
});

async function fillAndFree(t: TestContext, dir: string): Promise<void> {
  const filler = join(dir, 'filler');
  const { recorder } = await startRecorder(t, dir, { fsync: { kind: 'off' } });
  assert.equal(await record(recorder), null);
  await writeFile(filler, Buffer.alloc(64 * 1024)).catch(() => {});
  const answers = [];
  for (let n = 0; n < 20; n += 1) answers.push(await record(recorder));
  const refused = answers.filter((error) => error !== null);
  assert.ok(refused.length > 0);
  assert.match(refused[0]?.message ?? '', /ENOSPC/);
  await rm(filler);
  assert.equal(await record(recorder), null);
  await recorder.close();
  await assertAccounted(dir, refused.length);
}
