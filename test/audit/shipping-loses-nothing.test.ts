// `postern audit ship`: every record is at the receiver at least once and in the order of its stream, or a gap record says
// exactly which are not.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { bulkForm } from '../../src/audit/sinks/bulk-format.ts';
import { BulkPost, type BulkTarget } from '../../src/audit/sinks/bulk-post.ts';
import { HttpReceiver } from '../../src/audit/sinks/http-receiver.ts';
import { ShipCursor } from '../../src/audit/sinks/ship-cursor.ts';
import { Shipper } from '../../src/audit/sinks/shipper.ts';
import { Backoff } from '../../src/lib/backoff.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createOpensslPki } from '../harness/openssl-pki.ts';
import { program } from '../program.ts';
import { answerItems, BulkReceiver } from './bulk-receiver.ts';
import { journalFolder, recordMany, segmentPaths, startRecorder, until, writeStream } from './journal-in-folder.ts';

const patienceMs = 30_000;

interface Run {
  readonly shipper: Shipper;
  readonly troubles: string[];
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

async function startShipping(
  t: TestContext,
  dir: string,
  url: string,
  { timeoutMs = 20_000, follow = false } = {},
): Promise<Run> {
  const ending = new AbortController();
  const troubles: string[] = [];
  const cursor = await ShipCursor.open(dir, 'es');
  const post = await BulkPost.open(async () => ({ url: new URL(url), headers: {}, tls: {}, timeoutMs }), systemClock);
  const backoff = new Backoff({ firstMs: 2, mostMs: 20, random: Math.random });
  const receiver = new HttpReceiver(post, bulkForm('elastic'));
  const shipper = new Shipper(
    { dir, encode: null, follow, everyMs: 5 },
    { cursor, receiver, backoff, clock: systemClock, signal: ending.signal, onTrouble: (text) => troubles.push(text) },
  );
  const done = shipper.run().finally(() => {
    cursor.close();
    post.close();
  });
  const stop = async (): Promise<void> => {
    ending.abort();
    await done;
  };
  t.after(stop);
  return { shipper, troubles, done, stop };
}

async function shipOnce(t: TestContext, dir: string, url: string, timeoutMs?: number): Promise<Run> {
  const run = await startShipping(t, dir, url, { ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  await run.done;
  return run;
}

/** 1 to `last`, as a list. */
function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

/** Each number once, in the order of its first coming. */
function firstComing(seqs: readonly number[]): number[] {
  return [...new Set(seqs)];
}

test('everything is delivered in order, and the next start goes on behind it', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const first = await writeStream(dir, 450, { segmentBytes: 64 * 1024 });
  await shipOnce(t, dir, receiver.url);
  const all = receiver.seqs(first);
  assert.deepEqual(all, upTo(all.length));
  assert.ok(all.length > 450);
  const second = await writeStream(dir, 3);
  await shipOnce(t, dir, receiver.url);
  assert.equal(receiver.seqs(first).length, all.length);
  assert.deepEqual(receiver.seqs(second), upTo(4));
  assert.equal(new Set(receiver.taken.map(({ id }) => id)).size, receiver.taken.length);
});

test('a receiver that is overloaded, breaks off, says nonsense or nothing gets every record in the end', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const streamId = await writeStream(dir, 700);
  receiver.mood = (documents, response) => {
    switch (receiver.requests) {
      case 1:
        response.writeHead(503, { 'retry-after': '0' }).end();
        return true;
      case 2:
        response.destroy();
        return true;
      case 3: // takes it and dies before it can say so
        receiver.taken.push(...documents);
        response.destroy();
        return true;
      case 4: // half-open: never answers
        return true;
      case 5:
        response.end('{"took":1}');
        return true;
      case 6:
        response.writeHead(200, { 'content-length': '100' }).write('{');
        response.destroy();
        return true;
      case 7: {
        const states = documents.map((_, index) => (index % 2 === 0 ? 201 : 429));
        receiver.taken.push(...documents.filter((_, index) => index % 2 === 0));
        answerItems(response, states);
        return true;
      }
      default:
        return false;
    }
  };
  const { shipper, troubles } = await shipOnce(t, dir, receiver.url, 500);
  assert.deepEqual(
    firstComing(receiver.seqs(streamId)).sort((a, b) => a - b),
    upTo(Math.max(...receiver.seqs(streamId))),
  );
  assert.ok(firstComing(receiver.seqs(streamId)).length > 700);
  assert.deepEqual(receiver.gaps(), []);
  assert.ok(shipper.counts.retries >= 7);
  assert.ok(troubles.length >= 4, troubles.join());
});

test('a record that is refused is told by a gap record, the rest is delivered', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const streamId = await writeStream(dir, 20);
  receiver.mood = (documents, response) => {
    const states = documents.map(({ record }) => (record['seq'] === 7 && record['type'] === 'decision' ? 400 : 201));
    if (states.every((state) => state === 201)) return false;
    receiver.taken.push(...documents.filter((_, index) => states[index] === 201));
    answerItems(response, states);
    return true;
  };
  const { shipper } = await shipOnce(t, dir, receiver.url);
  assert.deepEqual(
    receiver.seqs(streamId),
    upTo(21).filter((seq) => seq !== 7),
  );
  assert.deepEqual(receiver.gaps(), [{ from_seq: 7, to_seq: 7, count: 1, cause: 'refused' }]);
  assert.deepEqual(shipper.counts.refused, 1);
});

test('a request that is refused as a whole is halved until it shows which record it is', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const streamId = await writeStream(dir, 20);
  receiver.mood = (documents, response) => {
    if (!documents.some(({ record }) => record['seq'] === 13 && record['type'] === 'decision')) return false;
    response.writeHead(400).end();
    return true;
  };
  await shipOnce(t, dir, receiver.url);
  assert.deepEqual(
    receiver.seqs(streamId),
    upTo(21).filter((seq) => seq !== 13),
  );
  assert.deepEqual(receiver.gaps(), [{ from_seq: 13, to_seq: 13, count: 1, cause: 'refused' }]);
});

test('a receiver that refuses everything is set up wrong: nothing is given up, and all comes when it is mended', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const streamId = await writeStream(dir, 20);
  receiver.mood = (_, response) => {
    response.writeHead(400).end();
    return true;
  };
  const { shipper, done, troubles } = await startShipping(t, dir, receiver.url);
  await until(() => shipper.counts.retries >= 3, patienceMs);
  assert.ok(troubles.includes('the receiver refuses every record'));
  receiver.mood = () => false;
  await done;
  const gaps = receiver.gaps() as { from_seq: number }[];
  const came = new Set([...receiver.seqs(streamId), ...gaps.map((gap) => gap.from_seq)]);
  assert.deepEqual(
    [...came].sort((a, b) => a - b),
    upTo(21),
  );
});

test('segments that vanished before they were delivered are told by a gap that names exactly them', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const { recorder } = await startRecorder(t, dir, { segmentBytes: 64 * 1024 });
  await recordMany(recorder, 5);
  await shipOnce(t, dir, receiver.url);
  const before = Math.max(...receiver.seqs(recorder.streamId));
  for (let done = 0; done < 300; done += 50) await recordMany(recorder, 50, done);
  await recorder.close();
  const paths = await segmentPaths(dir);
  const firstLeft = paths.at(-1)!;
  for (const path of paths.slice(0, -1)) await rm(path);
  await shipOnce(t, dir, receiver.url);
  const from = Number(/-(\d{16})\.ndjson$/.exec(firstLeft)![1]);
  const range = { from_seq: before + 1, to_seq: from - 1, count: from - before - 1, cause: 'dropped' };
  assert.deepEqual(receiver.gaps(), [range]);
  assert.equal(receiver.seqs(recorder.streamId)[before], from);
});

test('of a folder that was taken away the cursor is there again with the folder, and a gap names exactly what went with it', async (t) => {
  const dir = join(await journalFolder(t), 'journal');
  await mkdir(dir);
  const receiver = await BulkReceiver.start(t);
  const streamId = await writeStream(dir, 300, { segmentBytes: 64 * 1024 });
  const [lost, left] = (await segmentPaths(dir)).slice(-2) as [string, string];
  for (const path of [lost, left]) await rename(path, join(dir, basename(path)));
  const first = await startShipping(t, dir, receiver.url, { follow: true });
  const before = Number(/-(\d{16})\.ndjson$/.exec(lost)![1]) - 1;
  await until(() => receiver.seqs(streamId).length === before, patienceMs);
  await rename(dir, `${dir}.away`);
  await until(() => first.troubles.length > 0, patienceMs);
  await mkdir(join(dir, streamId), { recursive: true });
  const cursor = join(dir, 'cursors/es.json');
  await until(async () => (await readFile(cursor, 'utf8').catch(() => '')).includes(`"seq":${before}`), patienceMs);
  await assert.rejects(ShipCursor.open(dir, 'es'), { code: 'ERR_SHIP_BUSY' });
  // Whoever takes over from here on knows what was delivered.
  await first.stop();
  await copyFile(join(`${dir}.away`, basename(left)), left);
  await shipOnce(t, dir, receiver.url);
  const from = Number(/-(\d{16})\.ndjson$/.exec(left)![1]);
  const range = { from_seq: before + 1, to_seq: from - 1, count: from - before - 1, cause: 'dropped' };
  assert.deepEqual(receiver.gaps(), [range]);
  assert.equal(receiver.seqs(streamId)[before], from);
});

test('a cursor has one holder, is read as nothing where it is no cursor, and one that cannot be written stops no record', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const streamId = await writeStream(dir, 5);
  const holder = await ShipCursor.open(dir, 'es');
  await assert.rejects(ShipCursor.open(dir, 'es'), { code: 'ERR_SHIP_BUSY' });
  holder.close();
  await writeFile(join(dir, 'cursors/es.json'), '{"streams":{"x":{"segment":-1}}');
  await mkdir(join(dir, 'cursors/es.json.next'));
  const { troubles } = await shipOnce(t, dir, receiver.url);
  assert.deepEqual(receiver.seqs(streamId), upTo(6));
  assert.match(troubles.join(), /cannot keep `.*es\.json`: EISDIR/);
  assert.ok((await readdir(dir)).includes('cursors'));
});

test('over TLS only a receiver of the right CA gets records, and a certificate that was renewed is taken', async (t) => {
  const dir = await journalFolder(t);
  const streamId = await writeStream(dir, 3);
  const pki = createOpensslPki(await journalFolder(t), 'prod.acme.com');
  const { cert, key } = pki.issue('localhost', 'spiffe://prod.acme.com/ns/payments/sa/api');
  const own = {
    ca: await readFile(pki.caFile, 'utf8'),
    cert: await readFile(cert, 'utf8'),
    key: await readFile(key, 'utf8'),
  };
  const receiver = await BulkReceiver.start(t, { ...own, requestCert: true, rejectUnauthorized: true });
  // As files would be: at first without the CA, then without the certificate that the receiver asks for, then whole.
  const loads: readonly BulkTarget['tls'][] = [{}, { ca: own.ca }, own];
  let loaded = 0;
  const load = async (): Promise<BulkTarget> => {
    const tls = loads[Math.min(loaded++, loads.length - 1)]!;
    return { url: new URL(receiver.url), headers: {}, tls, timeoutMs: 20_000 };
  };
  const cursor = await ShipCursor.open(dir, 'es');
  const post = await BulkPost.open(load, systemClock);
  t.after(() => cursor.close());
  t.after(() => post.close());
  const troubles: string[] = [];
  const backoff = new Backoff({ firstMs: 2, mostMs: 20, random: Math.random });
  const { signal } = new AbortController();
  const parts = {
    cursor,
    receiver: new HttpReceiver(post, bulkForm('elastic')),
    backoff,
    clock: systemClock,
    signal,
    onTrouble: (text: string) => troubles.push(text),
  };
  const shipper = new Shipper({ dir, encode: null, follow: false, everyMs: 5 }, parts);
  await shipper.run();
  assert.deepEqual(receiver.seqs(streamId), upTo(4));
  assert.equal(shipper.counts.retries, 2);
  assert.equal(troubles.length, 2, troubles.join());
});

test('a shipper that is killed again and again, beside a writer and a receiver that fails, loses nothing', async (t) => {
  const dir = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  const { recorder } = await startRecorder(t, dir, { segmentBytes: 64 * 1024 });
  let held = 0;
  // Every other request is never answered, and what it brought is gone: a place that was passed too early would show.
  receiver.mood = () => {
    if (receiver.requests % 2 === 1) return false;
    held += 1;
    return true;
  };
  for (let round = 0; round < 2; round += 1) {
    await recordMany(recorder, 300, round * 300);
    const flags = ['audit', 'ship', '--journal', dir, '--flavour', 'elastic', '--encode', 'native', '--name', 'es'];
    const child = spawn(process.execPath, [program, ...flags, '--url', receiver.url], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    const gone = new Promise((resolve) => child.once('exit', resolve));
    await until(() => held > round, patienceMs);
    child.kill('SIGKILL');
    await gone;
  }
  await recorder.close();
  receiver.mood = () => false;
  await shipOnce(t, dir, receiver.url);
  const lines = (await Promise.all((await segmentPaths(dir)).map((path) => readFile(path, 'latin1')))).join('');
  const seqs = firstComing(receiver.seqs(recorder.streamId));
  assert.deepEqual(seqs, upTo(lines.split('\n').length - 1));
  assert.deepEqual(receiver.gaps(), []);
});
