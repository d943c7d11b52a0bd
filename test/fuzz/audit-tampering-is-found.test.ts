// A closed journal in which anything was changed, removed, added, repeated or moved does not verify.

import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { verifyJournal } from '../../src/audit/verify.ts';
import { segmentPaths, writeStream } from '../audit/journal-in-folder.ts';

let root = '';
let clean = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'postern-tamper-'));
  clean = join(root, 'clean');
  // Two streams, so that the end of the first is known to the second; several segments and seals each.
  await writeStream(clean, 60, { segmentBytes: 40_000 }, 7);
  await writeStream(clean, 20, { segmentBytes: 40_000 }, 3);
});
after(() => rm(root, { recursive: true, force: true }));

type Tampering = (bytes: Buffer, at: number) => Buffer;

/** Splits into lines with their line feeds. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start) + 1 || bytes.length;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}

function editLines(bytes: Buffer, at: number, edit: (lines: Buffer[], index: number) => void): Buffer {
  const lines = linesOf(bytes);
  edit(lines, at % lines.length);
  return Buffer.concat(lines);
}

const tamperings: Readonly<Record<string, Tampering>> = {
  'one bit flipped': (bytes, at) => {
    const changed = Buffer.from(bytes);
    changed[at % changed.length]! ^= 1 << (at % 8);
    return changed;
  },
  'one byte removed': (bytes, at) =>
    Buffer.concat([bytes.subarray(0, at % bytes.length), bytes.subarray((at % bytes.length) + 1)]),
  'one byte added': (bytes, at) =>
    Buffer.concat([bytes.subarray(0, at % bytes.length), Buffer.from(' '), bytes.subarray(at % bytes.length)]),
  'a line deleted': (bytes, at) => editLines(bytes, at, (lines, index) => lines.splice(index, 1)),
  'a line repeated': (bytes, at) => editLines(bytes, at, (lines, index) => lines.splice(index, 0, lines[index]!)),
  'a line moved to the front': (bytes, at) =>
    editLines(bytes, at, (lines, index) => lines.unshift(...lines.splice(index === 0 ? 1 : index, 1))),
  'cut short at a line': (bytes, at) => editLines(bytes, at, (lines, index) => lines.splice(index)),
  'cut short anywhere': (bytes, at) => bytes.subarray(0, at % bytes.length),
};

for (const [name, tamper] of Object.entries(tamperings)) {
  test(`found: ${name}, in any segment but those behind the last stream's end`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (which, at) => {
        const dir = clean;
        const paths = await segmentPaths(dir);
        const path = paths[which % paths.length]!;
        const bytes = await readFile(path);
        const changed = tamper(bytes, at);
        fc.pre(!changed.equals(bytes));
        await writeFile(path, changed);
        const verdict = await verifyJournal(dir).finally(() => writeFile(path, bytes));
        // The newest stream has nobody who saw its end: without its last seal it looks like one that was killed.
        const newest = verdict.streams.at(-1)!;
        assert.ok(!verdict.intact || (path.includes(newest.streamId) && newest.state === 'abandoned'), path);
      }),
      { numRuns: 50 },
    );
  });
}

test('found: a segment deleted, two swapped, a whole stream deleted', async () => {
  for (const [index] of (await segmentPaths(clean)).entries()) {
    const dir = join(root, 'copy');
    await rm(dir, { recursive: true, force: true });
    await cp(clean, dir, { recursive: true });
    const paths = await segmentPaths(dir);
    await rm(paths[index]!);
    const verdict = await verifyJournal(dir);
    const newest = verdict.streams.at(-1)!;
    assert.ok(!verdict.intact || (index === paths.length - 1 && newest.state === 'abandoned'));
  }
  const dir = join(root, 'copy');
  await rm(dir, { recursive: true, force: true });
  await cp(clean, dir, { recursive: true });
  const [first, second] = await segmentPaths(dir);
  const bytes = await readFile(first!);
  await writeFile(first!, await readFile(second!));
  await writeFile(second!, bytes);
  assert.equal((await verifyJournal(dir)).intact, false);
  const streams = (await verifyJournal(clean)).streams.map((stream) => stream.streamId);
  await rm(join(dir, streams[0]!), { recursive: true });
  const verdict = await verifyJournal(dir);
  assert.ok(verdict.findings.some((finding) => finding.code === 'stream_missing'));
});

test('found: a well-formed record behind the end of a closed stream', async () => {
  const paths = await segmentPaths(clean);
  const path = paths.at(-1)!;
  const first = paths.find((other) => dirname(other) === dirname(path))!;
  const text = await readFile(path, 'latin1');
  const seq = Number(/"seq":(\d+)/.exec(text.trimEnd().split('\n').at(-1)!)?.[1]);
  const forged = (await readFile(first, 'latin1')).split('\n')[0]!.replace(/"seq":\d+/, `"seq":${seq + 1}`);
  await writeFile(path, `${text}${forged}\n`);
  const verdict = await verifyJournal(clean).finally(() => writeFile(path, text));
  assert.deepEqual(
    verdict.streams.at(-1)?.findings.map((finding) => finding.code),
    ['after_the_end'],
  );
});

test('the journal as it was written verifies', async () => {
  const verdict = await verifyJournal(clean);
  assert.ok(verdict.intact);
  assert.deepEqual(
    verdict.streams.map((stream) => stream.state),
    ['closed', 'closed'],
  );
});
