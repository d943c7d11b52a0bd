// A journal in a folder of its own, and what tests do with one.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { DecisionEvent } from '../../src/audit/decision-event.ts';
import type { JournalOptions } from '../../src/audit/journal-options.ts';
import { openRecorder, type RecorderHandle } from '../../src/audit/recorder.ts';
import type { RecorderParts } from '../../src/audit/recorder-parts.ts';
import type { PosternError } from '../../src/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { decisionEvent, journalOptions } from './sample-events.ts';

/** A folder that goes with the test. Removed before what still writes to it is closed: hooks run in the order in which they came. */
export async function journalFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-journal-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 20 }));
  return dir;
}

/** A recorder that is closed after the test, and the faults it reported. */
export async function startRecorder(
  t: TestContext,
  dir: string,
  options: Partial<JournalOptions> = {},
  parts: Partial<RecorderParts> = {},
): Promise<{ readonly recorder: RecorderHandle; readonly faults: PosternError[] }> {
  const faults: PosternError[] = [];
  const recorder = await openRecorder(journalOptions(dir, options), {
    clock: systemClock,
    onFault: (error) => faults.push(error),
    ...parts,
  });
  t.after(() => recorder.close());
  return { recorder, faults };
}

/** Records a decision; null when it is on record, the error otherwise. */
export function record(recorder: RecorderHandle, event: DecisionEvent = decisionEvent()): Promise<PosternError | null> {
  return new Promise((resolve) => {
    recorder.decision(event, { recorded: () => resolve(null), recordFailed: resolve });
  });
}

/** Records `count` decisions in one turn; resolves with what their waiters heard. */
export function recordMany(recorder: RecorderHandle, count: number, first = 0): Promise<(PosternError | null)[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => record(recorder, decisionEvent(first + n))));
}

/** Writes a closed stream of so many decisions, in turns of `perTurn`. */
export async function writeStream(
  dir: string,
  count: number,
  options: Partial<JournalOptions> = {},
  perTurn = 50,
): Promise<string> {
  const recorder = await openRecorder(journalOptions(dir, options), { clock: systemClock });
  for (let done = 0; done < count; done += perTurn) {
    await recordMany(recorder, Math.min(perTurn, count - done), done);
  }
  await recorder.close();
  return recorder.streamId;
}

/** The segment files of a journal, oldest first. */
export async function segmentPaths(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true });
  return names
    .filter((name) => name.endsWith('.ndjson'))
    .sort()
    .map((name) => join(dir, name));
}

/** All whole lines of a journal, parsed. */
export async function readRecords(dir: string): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  for (const path of await segmentPaths(dir)) {
    const lines = (await readFile(path, 'latin1')).split('\n').slice(0, -1);
    for (const line of lines) records.push(JSON.parse(line) as Record<string, unknown>);
  }
  return records;
}

/** Waits until `holds`, or fails after `mostMs`. */
export async function until(holds: () => boolean | Promise<boolean>, mostMs = 5_000): Promise<void> {
  const deadline = performance.now() + mostMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
