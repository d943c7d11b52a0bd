// Promise 2: kill -9 at any moment loses no record that anybody was told of, and the next start mends what was torn.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, readFile, truncate } from 'node:fs/promises';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyJournal } from '../../src/audit/verify.ts';
import { journalFolder, readRecords, record, segmentPaths, startRecorder, writeStream } from './journal-in-folder.ts';

const writer = fileURLToPath(new URL('./killed-writer.ts', import.meta.url));

/** Runs a writer, kills it after so many acknowledged records and some microseconds; returns what it said. */
async function runAndKill(dir: string, fsync: string, afterRecords: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [writer, dir, fsync], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const exited = new Promise((resolve) => child.once('exit', resolve));
  for await (const piece of child.stdout) {
    said += String(piece);
    if (said.split('\n').length > afterRecords) child.kill('SIGKILL');
  }
  await exited;
  assert.equal(child.signalCode, 'SIGKILL');
  return said
    .split('\n')
    .slice(0, -1)
    .filter((line) => !line.startsWith('stream '));
}

for (const [fsync, kills] of [
  ['interval', 20],
  ['always', 4],
] as const) {
  test(`every record acknowledged before one of ${kills} kills is in the journal, which verifies (fsync ${fsync})`, {
    timeout: 100_000,
  }, async (t) => {
    const dir = await journalFolder(t);
    const acknowledged: string[] = [];
    // Two at a time: a start recovers what is dead and leaves alone what lives.
    for (let kill = 0; kill < kills; kill += 2) {
      const both = [2 + ((kill * 137) % 600), 2 + ((kill * 211) % 400)];
      for (const said of await Promise.all(both.map((after) => runAndKill(dir, fsync, after))))
        acknowledged.push(...said);
    }
    assert.ok(acknowledged.length > kills);
    assert.ok(acknowledged.every((line) => !line.startsWith('refused')));
    const { recorder } = await startRecorder(t, dir);
    await recorder.close();
    const recorded = new Set((await readRecords(dir)).map((item) => item['decision_id']));
    assert.deepEqual(
      acknowledged.filter((id) => !recorded.has(id)),
      [],
    );
    const verdict = await verifyJournal(dir);
    assert.deepEqual(
      verdict.streams.flatMap((stream) => stream.findings),
      [],
    );
    assert.ok(verdict.intact);
    const states = verdict.streams.map((stream) => [stream.state, stream.unsealed, stream.tornBytes]);
    assert.deepEqual(new Set(states.map(String)), new Set(['closed,0,0']));
  });
}

test('wherever the last line is torn, the next start cuts it off, says how many bytes, and closes the stream', async (t) => {
  const source = await journalFolder(t);
  await writeStream(source, 3);
  const bytes = await readFile((await segmentPaths(source))[0]!);
  // Without its last seal this is what a killed process leaves.
  const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;
  const thirdLine = bytes.lastIndexOf(0x0a, lastLine - 2) + 1;
  for (const cut of [thirdLine + 1, thirdLine + 700, lastLine - 1, lastLine, thirdLine, 10, 0]) {
    const dir = await journalFolder(t);
    await cp(source, dir, { recursive: true });
    await truncate((await segmentPaths(dir))[0]!, cut);
    const { recorder } = await startRecorder(t, dir);
    assert.equal(await record(recorder), null);
    await recorder.close();
    const mended = (await readRecords(dir)).filter((item) => item['stream_id'] !== recorder.streamId);
    const note = mended.find((item) => item['type'] === 'recovered')?.['recovered'] as Record<string, unknown>;
    const whole = cut === lastLine ? lastLine : cut >= thirdLine ? thirdLine : 0;
    assert.equal(note['cut_bytes'], cut - whole);
    assert.equal(note['unsealed'], cut === lastLine ? 3 : cut >= thirdLine ? 2 : 0);
    assert.equal(mended.at(-1)?.['type'], 'seal');
    assert.ok((await verifyJournal(dir)).intact);
  }
});

test('a start leaves alone a stream that another process writes', async (t) => {
  const dir = await journalFolder(t);
  const { recorder: first } = await startRecorder(t, dir);
  await record(first);
  const { recorder: second } = await startRecorder(t, dir);
  await record(second);
  assert.equal((await readRecords(dir)).filter((item) => item['type'] === 'recovered').length, 0);
  await first.close();
  await second.close();
  assert.ok((await verifyJournal(dir)).intact);
});
