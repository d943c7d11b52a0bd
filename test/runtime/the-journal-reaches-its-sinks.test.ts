// `audit.sinks`: a thread takes the journal to every sink, each behind its own cursor, whatever one of them does.

import assert from 'node:assert/strict';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SinkOptions } from '../../src/audit/sinks/sink-options.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { Shipping } from '../../src/runtime/shipping-runtime.ts';
import { sinkCursors } from '../../src/runtime/sink-cursors.ts';
import { createOperationalLog } from '../../src/telemetry/operational-log.ts';
import { answerItems, BulkReceiver } from '../audit/bulk-receiver.ts';
import { journalFolder, recordMany, startRecorder, until } from '../audit/journal-in-folder.ts';

const entry = join(import.meta.dirname, '../../src/cli/ship-main.ts');
const patienceMs = 30_000;

function startShipping(t: TestContext, dir: string, sinks: readonly SinkOptions[], entryFile = entry): Shipping {
  const wheel = new TimerWheel({ clock: systemClock, tickMs: 100, onError: (error) => assert.fail(String(error)) });
  const log = createOperationalLog({ level: 'error', clock: systemClock, wheel, fd: 2 });
  const identity = () => ({ certPem: '', keyPem: '' });
  const shipping = new Shipping({ dir, sinks, entry: entryFile, log, clock: systemClock, identity });
  t.after(() => shipping.close());
  t.after(() => log.close());
  return shipping;
}

function fileSink(dir: string): SinkOptions {
  return { type: 'file', name: 'file', encode: 'native', path: join(dir, 'out.ndjson') };
}

function httpSink(url: string): SinkOptions {
  return { type: 'http', name: 'es', encode: 'native', url, flavour: 'elastic', headers: {}, caFile: null };
}

interface Line {
  readonly seq: number;
  readonly gap?: { readonly from_seq: number; readonly to_seq: number };
}

async function linesIn(path: string): Promise<Line[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line);
}

/** Numbers that a record stands for: those that were never written stand in a gap of the journal itself. */
function numbersOf({ seq, gap }: Line): number[] {
  return gap === undefined ? [seq] : [...upTo(gap.to_seq).slice(gap.from_seq - 1), seq];
}

test('a file and a receiver get every record, renamed file, refusals and a slow sink included', async (t) => {
  const dir = await journalFolder(t);
  const out = await journalFolder(t);
  const receiver = await BulkReceiver.start(t);
  let isDown = true;
  receiver.mood = (documents, response) => {
    if (isDown) response.writeHead(503, { 'retry-after': '0' }).end();
    else if (documents.some(({ record }) => record['seq'] === 7 && record['type'] === 'decision')) {
      answerItems(
        response,
        documents.map(({ record }) => (record['seq'] === 7 ? 400 : 201)),
      );
      receiver.taken.push(...documents.filter(({ record }) => record['seq'] !== 7));
    } else return false;
    return true;
  };
  const sinks = [fileSink(out), httpSink(receiver.url)];
  const options = { segmentBytes: 20_000, keepBytes: 60_000, whenFull: 'deny' } as const;
  const { recorder } = await startRecorder(t, dir, options, { cursors: sinkCursors(dir, sinks) });
  const shipping = startShipping(t, dir, sinks);
  await recordMany(recorder, 10);
  const path = join(out, 'out.ndjson');
  await until(async () => (await linesIn(path)).some(({ seq }) => seq === 10), patienceMs);
  await rename(path, join(out, 'old.ndjson'));
  assert.deepEqual(receiver.taken, [], 'the one that is down holds up no other');
  // Its room is held for the sink that is down, so that it gets every record when it is back.
  await until(async () => (await recordMany(recorder, 5)).some((error) => error !== null), patienceMs);
  await until(() => shipping.figures.sinks.some(({ sink, lagRecords }) => sink === 'es' && lagRecords > 9), patienceMs);
  isDown = false;
  await until(async () => (await recordMany(recorder, 1))[0] === null, patienceMs);
  await recorder.close();
  await shipping.close();
  const all = [...(await linesIn(join(out, 'old.ndjson'))), ...(await linesIn(path))];
  assert.deepEqual([...new Set(all.flatMap(numbersOf))], upTo(all.at(-1)!.seq));
  assert.ok(all.length >= recorder.stats().records);
  const taken = receiver.taken.filter(({ record }) => !/dropped|refused/.test(JSON.stringify(record['gap'] ?? '')));
  const numbers = [...new Set(taken.flatMap(({ record }) => numbersOf(record as unknown as Line)))];
  assert.deepEqual(
    numbers,
    upTo(all.at(-1)!.seq).filter((seq) => seq !== 7),
  );
  assert.deepEqual(receiver.gaps(), [{ from_seq: 7, to_seq: 7, count: 1, cause: 'refused' }]);
  const es = shipping.figures.sinks.find(({ sink }) => sink === 'es')!;
  assert.equal(es.refused, 1);
  assert.equal(es.gaps, 1);
  assert.equal(es.records, taken.length, 'each once');
  assert.equal(es.lagRecords, 0);
  assert.ok(es.retries > 0);
});

test('a thread that fails is started again, and says so in the figures', async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir);
  const shipping = startShipping(t, dir, [fileSink(dir)], join(dir, 'missing.ts'));
  await until(() => shipping.restarts > 1, patienceMs);
  await recordMany(recorder, 1);
});

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
