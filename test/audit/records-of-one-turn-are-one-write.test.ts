// Group commit: what is decided in one turn of the loop is written together, and waiters hear afterwards, once.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { WrittenBatch } from '../../src/audit/group-commit.ts';
import { journalFolder, readRecords, record, recordMany, segmentPaths, startRecorder } from './journal-in-folder.ts';
import { authnFailedEvent, decisionEvent, outcomeEvent } from './sample-events.ts';
import { ScriptedDisk } from './scripted-disk.ts';

test('one hundred decisions of one turn go out with one write', async (t) => {
  const calls = new ScriptedDisk();
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, {}, { calls });
  assert.deepEqual(new Set(await recordMany(recorder, 100)), new Set([null]));
  assert.equal(calls.written.length, 1);
  assert.equal(recorder.stats().batches, 1);
  assert.equal(recorder.stats().records, 100);
});

test('a waiter hears after its whole line is in the file, never before decision() returned, exactly once', async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir);
  let heard = 0;
  let returned = false;
  await new Promise<void>((resolve) => {
    recorder.decision(decisionEvent(1), {
      recorded: () => {
        heard += 1;
        assert.ok(returned);
        void segmentPaths(dir).then((paths) => {
          assert.match(
            readFileSync(paths[0]!, 'latin1'),
            /"decision_id":"019abcde-0000-7000-8000-000000000001".*\}\n$/,
          );
          resolve();
        }, assert.fail);
      },
      recordFailed: assert.fail,
    });
    returned = true;
  });
  await recorder.close();
  assert.equal(heard, 1);
});

test('a decision that is made while waiters hear goes into the next batch', async (t) => {
  const { recorder } = await startRecorder(t, await journalFolder(t));
  const second = await new Promise<unknown>((resolve) => {
    recorder.decision(decisionEvent(1), {
      recorded: () => resolve(record(recorder, decisionEvent(2))),
      recordFailed: resolve,
    });
  });
  assert.equal(second, null);
  assert.equal(recorder.stats().batches, 2);
});

test('a waiter that throws keeps none of the others from hearing, and is reported', async (t) => {
  const { recorder, faults } = await startRecorder(t, await journalFolder(t));
  recorder.decision(decisionEvent(1), {
    recorded: () => {
      throw new Error('mine');
    },
    recordFailed: assert.fail,
  });
  assert.equal(await record(recorder), null);
  assert.equal(faults[0]?.code, 'ERR_INTERNAL');
});

test('numbers have no holes over all types of records, and the order is that of the calls', async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, { outcomes: 'all' });
  await record(recorder);
  recorder.authnFailed(authnFailedEvent());
  recorder.outcome(outcomeEvent(1));
  recorder.outcome(outcomeEvent(2, { result: 'answered', status: 200, detail: null }));
  await recorder.close();
  const records = await readRecords(dir);
  assert.deepEqual(
    records.map((item) => item['seq']),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(
    records.map((item) => item['type']),
    ['decision', 'decision', 'outcome', 'outcome', 'seal'],
  );
  assert.ok(records.every((item) => item['stream_id'] === recorder.streamId));
});

test('outcomes: errors leaves out what was answered, off leaves out all', async (t) => {
  for (const [outcomes, expected] of [
    ['errors', 1],
    ['off', 0],
    ['all', 2],
  ] as const) {
    const dir = await journalFolder(t);
    const { recorder } = await startRecorder(t, dir, { outcomes });
    recorder.outcome(outcomeEvent(1));
    recorder.outcome(outcomeEvent(2, { result: 'answered' }));
    await recorder.close();
    const records = await readRecords(dir);
    assert.equal(records.filter((item) => item['type'] === 'outcome').length, expected, outcomes);
  }
});

test('an event that cannot be encoded is refused by itself, counted, and leaves a gap record', async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir);
  const bad = record(recorder, decisionEvent(1, { timeUs: Number.NaN }));
  const good = record(recorder, decisionEvent(2));
  assert.equal((await bad)?.code, 'ERR_JOURNAL_UNAVAILABLE');
  assert.equal(await good, null);
  await recorder.close();
  const records = await readRecords(dir);
  assert.deepEqual(
    records.map((item) => [item['type'], item['seq']]),
    [
      ['decision', 1],
      ['gap', 3],
      ['seal', 4],
    ],
  );
  assert.deepEqual(records[1]?.['gap'], { from_seq: 2, to_seq: 2, count: 1, cause: 'unwritten' });
});

test('a record after close() is refused, later', async (t) => {
  const { recorder } = await startRecorder(t, await journalFolder(t));
  await recorder.close();
  assert.equal((await record(recorder))?.code, 'ERR_JOURNAL_UNAVAILABLE');
});

test('onBatch sees each record that was written, and none that could not be encoded', async (t) => {
  const lines: string[] = [];
  const onBatch = ({ entries, bytes, ends }: WrittenBatch): void => {
    for (const [at, end] of ends.entries())
      lines.push(`${entries[at]?.kind}${bytes.toString('latin1', ends[at - 1] ?? 0, end)}`);
  };
  const { recorder } = await startRecorder(t, await journalFolder(t), {}, { onBatch });
  const waits = [record(recorder), record(recorder, decisionEvent(2, { timeUs: Number.NaN })), record(recorder)];
  assert.deepEqual(
    (await Promise.all(waits)).map((error) => error?.code),
    [undefined, 'ERR_JOURNAL_UNAVAILABLE', undefined],
  );
  assert.deepEqual(
    lines.map((line) => line.replace(/\{.*\}/, '{}')),
    ['allow{}\n', 'allow', 'allow{}\n'],
  );
});
