// Segments end at their size, old ones go when the room is used up, and what goes is on record first.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { listStreams } from '../../src/audit/journal-layout.ts';
import { systemWriteCalls, type WriteCalls } from '../../src/audit/paced-writer.ts';
import { planRetention } from '../../src/audit/retention-plan.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import {
  journalFolder,
  readRecords,
  record,
  recordMany,
  segmentPaths,
  startRecorder,
  until,
  writeStream,
} from './journal-in-folder.ts';
import { errno } from './scripted-disk.ts';

async function sizeOf(dir: string): Promise<number> {
  const segments = (await listStreams(dir)).flatMap((stream) => stream.segments);
  return segments.reduce((sum, segment) => sum + segment.size, 0);
}

test('a segment ends at its size, with a seal; the next one carries on the numbers', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 200, { segmentBytes: 50_000 }, 10);
  const paths = await segmentPaths(dir);
  assert.ok(paths.length > 5);
  const verdict = await verifyJournal(dir);
  assert.ok(verdict.intact);
  assert.equal(verdict.streams[0]?.segments, paths.length);
});

test('keeps to its room, says in a seal what it deletes, and what is left verifies', async (t) => {
  const dir = await journalFolder(t);
  const old = await writeStream(dir, 60, { segmentBytes: 30_000 }, 10);
  const { recorder } = await startRecorder(t, dir, { segmentBytes: 30_000, keepBytes: 120_000 });
  for (let n = 0; n < 40; n += 1) await recordMany(recorder, 10);
  await until(async () => (await sizeOf(dir)) <= 120_000);
  assert.ok(!(await readdir(dir)).includes(old), 'the folder of a stream that is gone goes too');
  assert.ok(recorder.stats().expiredSegments > 5);
  assert.equal(recorder.stats().unwritten, 0);
  await recorder.close();
  const verdict = await verifyJournal(dir);
  assert.deepEqual(verdict.findings, []);
  assert.ok(verdict.intact);
  assert.ok((verdict.streams[0]?.firstSeq ?? 0) > 1);
});

test('when_full: deny refuses while a sink holds the room, and goes on when it has taken its part', async (t) => {
  const dir = await journalFolder(t);
  let isTaken = false;
  const options = { segmentBytes: 20_000, keepBytes: 60_000, whenFull: 'deny' } as const;
  const { recorder } = await startRecorder(t, dir, options, { cursors: async () => [() => isTaken] });
  await until(async () => (await record(recorder)) !== null);
  assert.match((await record(recorder))?.message ?? '', /full/);
  assert.equal(recorder.stats().dropped, 0);
  isTaken = true;
  await until(async () => (await record(recorder)) === null);
  await recorder.close();
  assert.ok((await verifyJournal(dir)).intact);
});

test('when_full: drop_oldest goes on, and a gap record counts what was dropped', async (t) => {
  const dir = await journalFolder(t);
  const options = { segmentBytes: 20_000, keepBytes: 60_000, whenFull: 'drop_oldest' } as const;
  const { recorder } = await startRecorder(t, dir, options, { cursors: async () => [() => false] });
  const gaps: string[] = [];
  for (let n = 0; n < 30; n += 1) {
    assert.deepEqual(new Set(await recordMany(recorder, 10)), new Set([null]));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => recorder.stats().dropped > 0);
  await recorder.close();
  for (const item of await readRecords(dir)) if (item['type'] === 'gap') gaps.push(JSON.stringify(item['gap']));
  assert.match(gaps[0] ?? '', /"cause":"dropped"/);
  assert.ok((await verifyJournal(dir)).intact);
});

test('seals come at once after 1,000 records and within a second otherwise', async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir);
  await recordMany(recorder, 1_000);
  await until(() => recorder.stats().seals === 1, 500);
  await record(recorder);
  await until(() => recorder.stats().seals === 2, 2_000);
  assert.equal(recorder.stats().unsealed, 0);
  const seals = recorder.stats().seals;
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  assert.equal(recorder.stats().seals, seals, 'an idle journal is not sealed again');
});

test('the plan never touches what is being written and stops at what is not taken', () => {
  const segment = (streamId: string, index: number, writtenMs = 0) => ({
    streamId,
    path: `${streamId}/${index}`,
    index,
    firstSeq: index * 10 + 1,
    size: 100,
    writtenMs,
  });
  const streams = [
    { streamId: 'a', dir: 'a', segments: [segment('a', 0), segment('a', 1)] },
    { streamId: 'b', dir: 'b', segments: [segment('b', 0), segment('b', 1)] },
  ];
  const input = {
    streams,
    keepBytes: 100,
    reserveBytes: 100,
    whenFull: 'deny',
    inUse: new Set(['b/1']),
    isTaken: (_: { readonly path: string }) => true,
  } as const;
  const paths = (plan: ReturnType<typeof planRetention>) => plan.expired.map((leaving) => leaving.segment.path);
  assert.deepEqual(paths(planRetention(input)), ['a/0', 'a/1', 'b/0']);
  const held = planRetention({ ...input, isTaken: ({ path }) => path === 'a/0' });
  assert.deepEqual(paths(held), ['a/0']);
  assert.equal(held.full, true);
  const dropping = planRetention({ ...input, whenFull: 'drop_oldest', isTaken: ({ path }) => path === 'a/0' });
  assert.deepEqual(
    dropping.dropped.map((leaving) => leaving.segment.path),
    ['a/1', 'b/0'],
  );
  assert.deepEqual(paths(planRetention({ ...input, keepBytes: 500 })), []);
  const sideBySide = [
    { streamId: 'a', dir: 'a', segments: [segment('a', 0, 1_000), segment('a', 1, 4_000)] },
    { streamId: 'b', dir: 'b', segments: [segment('b', 0, 2_000), segment('b', 1, 3_000), segment('b', 2, 5_000)] },
  ];
  const both = { ...input, streams: sideBySide, inUse: new Set(['a/1', 'b/2']), keepBytes: 300 };
  assert.deepEqual(paths(planRetention(both)), ['a/0', 'b/0', 'b/1'], 'what was written longest ago goes first');
});

test('nothing is deleted before a seal that says so is written', async (t) => {
  const dir = await journalFolder(t);
  let refused = 0;
  let refusing = true;
  const calls: WriteCalls = {
    ...systemWriteCalls,
    writeSync(fd, bytes, offset) {
      if (refusing && Buffer.from(bytes).includes('"expired":')) {
        refused += 1;
        throw errno('ENOSPC');
      }
      return systemWriteCalls.writeSync(fd, bytes, offset);
    },
  };
  const { recorder } = await startRecorder(t, dir, { segmentBytes: 20_000, keepBytes: 40_000 }, { calls });
  for (let n = 0; n < 6; n += 1) await recordMany(recorder, 10, n * 10);
  await until(() => refused > 0);
  assert.match((await segmentPaths(dir))[0] ?? '', /00000001-/);
  refusing = false;
  await until(async () => (await recordMany(recorder, 10)) && !/00000001-/.test((await segmentPaths(dir))[0] ?? ''));
  await recorder.close();
  assert.ok((await verifyJournal(dir)).intact);
});
