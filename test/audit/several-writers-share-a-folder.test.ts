// Several processes keep one folder within its room: nothing of that is a fault, and what is left verifies.

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type StreamVerdict, verifyJournal } from '../../src/audit/verify.ts';
import { journalFolder, writeStream } from './journal-in-folder.ts';

const writer = fileURLToPath(new URL('./busy-writer.ts', import.meta.url));

async function toldBy(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, 'message')) as [unknown];
  return message;
}

async function intactStreams(dir: string): Promise<readonly StreamVerdict[]> {
  const { intact, streams, findings } = await verifyJournal(dir);
  assert.ok(intact, JSON.stringify([findings, streams.flatMap((stream) => stream.findings)]));
  return streams;
}

test('writers that share a folder share its room, and what is left verifies', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 200);
  const children = Array.from({ length: 3 }, () => fork(writer, [dir]));
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  let areWritten = false;
  const written = Promise.all(children.map(toldBy)).finally(() => {
    areWritten = true;
  });
  // While segments come and go under the reader, and once more when they rest.
  while (!areWritten) await intactStreams(dir);
  assert.deepEqual(await written, ['written', 'written', 'written']);
  const streams = await intactStreams(dir);
  const kept = streams.filter(({ state }) => state === 'running');
  assert.equal(kept.length, 3);
  const ends = children.map(toldBy);
  for (const child of children) child.send('close');
  assert.deepEqual(await Promise.all(ends), [[], [], []], 'no faults');
  assert.ok((await verifyJournal(dir)).intact);
});
