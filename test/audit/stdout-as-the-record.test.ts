// `journal: off`, `stdout: native`: what is on the pipe is the record. And copies beside a journal, which may be lost but
// are counted and never slow a decision.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openRecorder } from '../../src/audit/recorder.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { journalFolder, record, recordMany, startRecorder, until } from './journal-in-folder.ts';
import { decisionEvent, journalOptions } from './sample-events.ts';

/** A pipe with a name: its ends by descriptor. */
async function makePipe(t: TestContext): Promise<{ readonly reader: number; readonly writer: number }> {
  const path = join(await journalFolder(t), 'pipe');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  return { reader, writer };
}

function readAll(fd: number): string {
  const buffer = Buffer.alloc(1 << 20);
  let text = '';
  for (;;) {
    try {
      const count = readSync(fd, buffer);
      if (count === 0) return text;
      text += buffer.toString('latin1', 0, count);
    } catch {
      return text;
    }
  }
}

test('each record is on stdout, numbered and sealed, before its waiter hears', async (t) => {
  const { reader, writer } = await makePipe(t);
  const recorder = await openRecorder(journalOptions('', { dir: null, stdout: 'native' }), {
    clock: systemClock,
    stdoutFd: writer,
  });
  assert.equal(await record(recorder, decisionEvent(1)), null);
  assert.match(readAll(reader), /"seq":1,.*"decision_id":"019abcde-0000-7000-8000-000000000001".*\n$/);
  await recorder.close();
  assert.match(readAll(reader), /"type":"seal".*\n$/);
  closeSync(writer);
  closeSync(reader);
});

test('a full pipe holds the waiters back without stopping the loop, and no byte is lost or doubled', async (t) => {
  const { reader, writer } = await makePipe(t);
  const recorder = await openRecorder(journalOptions('', { dir: null, stdout: 'native' }), {
    clock: systemClock,
    stdoutFd: writer,
  });
  let heard = 0;
  const all = recordMany(recorder, 300).then((answers) => {
    heard = answers.length;
    return answers;
  });
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(heard, 0);
  let text = '';
  await until(() => {
    text += readAll(reader);
    return heard === 300;
  });
  text += readAll(reader);
  assert.deepEqual(new Set(await all), new Set([null]));
  const seqs = text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq);
  assert.deepEqual(
    seqs,
    Array.from(seqs, (_, index) => index + 1),
  );
  const closed = recorder.close();
  await until(() => readAll(reader).includes('"final":true'));
  await closed;
  closeSync(writer);
  closeSync(reader);
});

test('a reader that is gone refuses: ERR_JOURNAL_UNAVAILABLE with EPIPE', async (t) => {
  const { reader, writer } = await makePipe(t);
  const recorder = await openRecorder(journalOptions('', { dir: null, stdout: 'native' }), {
    clock: systemClock,
    stdoutFd: writer,
  });
  closeSync(reader);
  const error = await record(recorder);
  assert.equal(error?.code, 'ERR_JOURNAL_UNAVAILABLE');
  assert.match(error?.message ?? '', /EPIPE/);
  await recorder.close();
  closeSync(writer);
});

test('without a journal and without stdout nothing opens', async () => {
  await assert.rejects(
    openRecorder(journalOptions('', { dir: null, stdout: 'off' }), { clock: systemClock }),
    TypeError,
  );
});

test('beside a journal, a reader that stops loses copies, counted, and no decision waits', async (t) => {
  const { reader, writer } = await makePipe(t);
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, { stdout: 'native' }, { stdoutFd: writer });
  for (let n = 0; n < 30; n += 1) assert.deepEqual(new Set(await recordMany(recorder, 100)), new Set([null]));
  assert.equal(recorder.stats().records, 3_000 + recorder.stats().seals);
  assert.ok(recorder.stats().droppedCopies > 0);
  await recorder.close();
  const { copies, droppedCopies } = recorder.stats();
  assert.equal(copies + droppedCopies, 3_000);
  closeSync(writer);
  closeSync(reader);
});

test('copies into a file are the lines of the journal', async (t) => {
  const dir = await journalFolder(t);
  const path = join(dir, 'stdout.txt');
  const fd = openSync(path, 'w');
  const { recorder } = await startRecorder(t, join(dir, 'journal'), { stdout: 'native' }, { stdoutFd: fd });
  await recordMany(recorder, 5);
  await until(() => recorder.stats().copies === 5);
  assert.equal(readFileSync(path, 'latin1').split('\n').length, 6);
  closeSync(fd);
});

test('a process whose stdout nobody reads can still end', { timeout: 60_000 }, async (t) => {
  const dir = await journalFolder(t);
  const script = `
    import { openRecorder } from ${JSON.stringify(new URL('../../src/audit/recorder.ts', import.meta.url).href)};
    import { systemClock } from ${JSON.stringify(new URL('../../src/lib/clock.ts', import.meta.url).href)};
    import { decisionEvent, journalOptions } from ${JSON.stringify(new URL('./sample-events.ts', import.meta.url).href)};
    const recorder = await openRecorder(journalOptions(${JSON.stringify(dir)}, { stdout: 'native' }), { clock: systemClock });
    for (let n = 0; n < 500; n += 1) await new Promise((resolve, reject) => recorder.decision(decisionEvent(n), { recorded: resolve, recordFailed: reject }));
    await recorder.close();
    process.exit(7);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.pause();
  const code = await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(code, 7);
});
