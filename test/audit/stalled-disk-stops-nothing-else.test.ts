// A disk that stalls must not stop the loop: after one slow write the next ones go through the thread pool, requests wait
// there, and those that wait too long are refused while everything else goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupCommitDefaults } from '../../src/audit/group-commit.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { journalFolder, readRecords, record, recordMany, startRecorder, until } from './journal-in-folder.ts';
import { decisionEvent } from './sample-events.ts';
import { ScriptedDisk } from './scripted-disk.ts';

const pace = { stallMs: 20, longStallMs: 20, calmMs: 50, fullPipeMs: 1 };

/** A gate that opens when told. */
function makeGate(): { readonly closed: Promise<void>; open(): void } {
  let open = (): void => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}

test('a write that blocks longer than 20 ms is counted and sends the next ones through the pool, until it is calm', async (t) => {
  const calls = new ScriptedDisk();
  const { recorder } = await startRecorder(t, await journalFolder(t), {}, { calls, pace });
  calls.steps.push({ kind: 'block', ms: 40 });
  assert.equal(await record(recorder), null);
  assert.equal(recorder.stats().stalls, 1);
  assert.equal(recorder.stats().pooled, true);
  assert.equal(await record(recorder), null);
  await until(async () => (await record(recorder)) === null && !recorder.stats().pooled);
});

test('one short stall changes nothing; a second soon after it sends the writes through the pool', async (t) => {
  const calls = new ScriptedDisk();
  const patient = { stallMs: 20, longStallMs: 10_000, calmMs: 60_000, fullPipeMs: 1 };
  const { recorder } = await startRecorder(t, await journalFolder(t), {}, { calls, pace: patient });
  for (const pooled of [false, true]) {
    calls.steps.push({ kind: 'block', ms: 40 });
    assert.equal(await record(recorder), null);
    assert.equal(recorder.stats().pooled, pooled);
  }
  assert.equal(recorder.stats().stalls, 2);
});

test('while a write is under way the loop turns, and all that comes meanwhile is one batch', async (t) => {
  const calls = new ScriptedDisk();
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, {}, { calls, pace: { ...pace, calmMs: 60_000 } });
  calls.steps.push({ kind: 'block', ms: 30 });
  await record(recorder);
  const gate = makeGate();
  calls.gate = gate.closed;
  const first = record(recorder);
  await new Promise((resolve) => setImmediate(resolve));
  const others = recordMany(recorder, 50);
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(recorder.stats().pending, 50);
  gate.open();
  assert.equal(await first, null);
  assert.deepEqual(new Set(await others), new Set([null]));
  assert.equal(recorder.stats().batches, 3);
});

test('who waits longer than patience is refused once; the write that comes back late leaves no hole', async (t) => {
  const calls = new ScriptedDisk();
  const dir = await journalFolder(t);
  const commit = { ...groupCommitDefaults, patienceMs: 60 };
  const { recorder, faults } = await startRecorder(t, dir, {}, { calls, commit, pace: { ...pace, calmMs: 60_000 } });
  calls.steps.push({ kind: 'block', ms: 30 });
  await record(recorder);
  const gate = makeGate();
  calls.gate = gate.closed;
  const [first, second] = [
    record(recorder, decisionEvent(1)),
    new Promise((resolve) => setImmediate(() => resolve(record(recorder, decisionEvent(2))))),
  ];
  assert.match((await first)?.message ?? '', /does not answer/);
  assert.notEqual(await second, null);
  assert.notEqual(await record(recorder, decisionEvent(3)), null, 'refused at once while it hangs');
  gate.open();
  calls.gate = null;
  await until(async () => (await record(recorder, decisionEvent(4))) === null);
  await recorder.close();
  assert.ok(faults.length > 0);
  assert.ok((await verifyJournal(dir)).intact);
  const ids = (await readRecords(dir)).map((item) => String(item['decision_id'] ?? item['type']).slice(-2));
  // The late one is there though its request was refused; the two behind it are a gap.
  assert.deepEqual(ids.slice(0, 4), ['00', '01', 'ap', '04']);
});

test('what may wait is bounded; the rest is refused and counted', async (t) => {
  const dir = await journalFolder(t);
  const commit = { ...groupCommitDefaults, mostPending: 10 };
  const { recorder } = await startRecorder(t, dir, {}, { commit });
  const answers = await recordMany(recorder, 25);
  assert.equal(answers.filter((answer) => answer === null).length, 10);
  assert.equal(recorder.stats().unwritten, 15);
  await recorder.close();
  assert.ok((await verifyJournal(dir)).intact);
});

test('close() does not wait for a disk that hangs longer than patience', async (t) => {
  const calls = new ScriptedDisk();
  const commit = { ...groupCommitDefaults, patienceMs: 60 };
  const { recorder } = await startRecorder(
    t,
    await journalFolder(t),
    {},
    { calls, commit, pace: { ...pace, calmMs: 60_000 } },
  );
  calls.steps.push({ kind: 'block', ms: 30 });
  await record(recorder);
  const gate = makeGate();
  calls.gate = gate.closed;
  const refused = record(recorder);
  await recorder.close();
  assert.notEqual(await refused, null);
  gate.open();
});

test('close() does not wait for a seal that retention asked for and that hangs', { timeout: 5_000 }, async (t) => {
  const calls = new ScriptedDisk();
  const commit = { ...groupCommitDefaults, patienceMs: 60 };
  const dir = await journalFolder(t);
  const options = { segmentBytes: 10_000, keepBytes: 20_000 };
  const { recorder } = await startRecorder(t, dir, options, { calls, commit, pace: { ...pace, calmMs: 60_000 } });
  calls.steps.push({ kind: 'block', ms: 30 });
  await recordMany(recorder, 3);
  for (let n = 0; n < 10; n += 1) await recordMany(recorder, 3);
  const gate = makeGate();
  calls.gate = gate.closed;
  recorder.rotate();
  await recorder.close();
  gate.open();
});

test('a clock that tells nonsense refuses records and breaks nothing', async (t) => {
  const clock = new ManualClock(1_795_341_600_000);
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, {}, { clock });
  assert.equal(await record(recorder), null);
  clock.advance(-1e16);
  assert.notEqual(await record(recorder, decisionEvent(1, { timeUs: Number.NaN })), null);
  assert.notEqual(await record(recorder, decisionEvent(2)), null, 'the gap record has no time yet');
  clock.advance(1e16);
  assert.equal(await record(recorder, decisionEvent(3)), null);
  await recorder.close();
  assert.ok((await verifyJournal(dir)).intact);
});
