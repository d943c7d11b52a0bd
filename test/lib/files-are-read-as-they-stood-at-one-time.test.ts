import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readSettled } from '../../src/lib/read-settled.ts';

const old = 'a'.repeat(1_000_000);
const fresh = 'b'.repeat(700_001);

function fileOf(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'postern-settled-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'list.yaml');
  writeFileSync(file, old);
  return file;
}

test('what is rewritten while it is read comes as it was before or as it is after, never as a part of both', async (t) => {
  const file = fileOf(t);
  for (let round = 0; round < 60; round++) {
    const reading = readSettled(file).then(String, (error: NodeJS.ErrnoException) => error.code);
    for (let turn = 0; turn < round % 8; turn++) await new Promise(setImmediate);
    writeFileSync(file, round % 2 === 0 ? fresh : old);
    const read = await reading;
    // Empty is a state in which it stood, too; who reads a list says what that means.
    assert.ok([old, fresh, '', 'EBUSY'].includes(read ?? ''), `round ${round}: ${read?.length} octets`);
  }
});

test('a file that grows all the time is refused with EBUSY', async (t) => {
  const file = fileOf(t);
  writeFileSync(file, old.repeat(20));
  const writer = setInterval(() => appendFileSync(file, 'c'), 0);
  t.after(() => clearInterval(writer));
  await assert.rejects(readSettled(file), { code: 'EBUSY' });
});

test('a pipe is read to its end', async (t) => {
  const pipe = `${fileOf(t)}.pipe`;
  execFileSync('mkfifo', [pipe]);
  spawn('sh', ['-c', `echo whole > ${pipe}`]);
  assert.equal(String(await readSettled(pipe)), 'whole\n');
});

test('what is not there is told by its code', async () => {
  await assert.rejects(readSettled('/nowhere/at/all'), { code: 'ENOENT' });
});
