// Sinks of type `otlp`: what a collector reads by OpenTelemetry's own definitions is what the encoder wrote, in either
// form; what it rejects is counted and told, and never sent again.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { encodeOtlp } from '../../src/audit/encode/otlp.ts';
import { rejectedInProtobuf } from '../../src/audit/encode/otlp-answer.ts';
import { otlpLogRecords, otlpRequest } from '../../src/audit/encode/otlp-protobuf.ts';
import type { ReceiverAnswer } from '../../src/audit/sinks/receiver.ts';
import { ShipCursor } from '../../src/audit/sinks/ship-cursor.ts';
import { Shipper } from '../../src/audit/sinks/shipper.ts';
import type { OtlpSink } from '../../src/audit/sinks/sink-options.ts';
import { encodingOf, openReceiver } from '../../src/audit/sinks/sink-receivers.ts';
import { Backoff } from '../../src/lib/backoff.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { journalFolder, readRecords, writeStream } from './journal-in-folder.ts';
import { OtlpCollector, partialSuccess, requestOfJson, requestOfProtobuf } from './otlp-collector.ts';

type Form = Pick<OtlpSink, 'protocol' | 'compression'>;
type Members = Readonly<Record<string, unknown>>;

const noIdentity = () => ({ certPem: '', keyPem: '' });
const forms: readonly Form[] = [
  { protocol: 'protobuf', compression: 'gzip' },
  { protocol: 'protobuf', compression: 'off' },
  { protocol: 'json', compression: 'gzip' },
  { protocol: 'json', compression: 'off' },
];

function sinkOf(url: string, form: Form): OtlpSink {
  const headers = { authorization: 'Bearer x' };
  return { type: 'otlp', name: 'otlp', encode: 'otlp', url, headers, caFile: null, ...form };
}

async function ship(t: TestContext, dir: string, sink: OtlpSink): Promise<{ shipper: Shipper; troubles: string[] }> {
  const cursor = await ShipCursor.open(dir, `${sink.protocol}-${sink.compression}`);
  const receiver = await openReceiver(sink, noIdentity);
  t.after(() => receiver.close());
  const troubles: string[] = [];
  const options = { dir, encode: encodingOf(sink), follow: false, everyMs: 5 };
  const backoff = new Backoff({ firstMs: 2, mostMs: 20, random: Math.random });
  const { signal } = new AbortController();
  const onTrouble = (text: string): void => void troubles.push(text);
  const shipper = new Shipper(options, { cursor, receiver, backoff, clock: systemClock, signal, onTrouble });
  await shipper.run();
  cursor.close();
  return { shipper, troubles };
}

/** A record as the definitions have it, from what the encoder wrote. */
function wanted(text: string): Members {
  return requestOfJson(text).resourceLogs[0]!.scopeLogs[0]!.logRecords[0]!;
}

test('a collector reads every record as it was encoded, as protobuf and JSON, with and without gzip', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 60);
  const texts = (await readRecords(dir)).map((record) => encodeOtlp(record as Members)).filter((text) => text !== null);
  for (const form of forms) {
    const collector = await OtlpCollector.start(t);
    await ship(t, dir, sinkOf(collector.url, form));
    assert.deepEqual(collector.taken, texts.map(wanted));
    for (const request of collector.requests) assert.equal(request.resourceLogs.length, 1, 'one resource');
    const [headers] = collector.headers;
    assert.equal(headers!['content-type'], form.protocol === 'json' ? 'application/json' : 'application/x-protobuf');
    assert.equal(headers!['content-encoding'], form.compression === 'gzip' ? 'gzip' : undefined);
    assert.equal(headers!.authorization, 'Bearer x');
  }
});

test('records that a collector rejects are counted and told by a gap record, and none is sent again', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 20);
  for (const form of forms.filter(({ compression }) => compression === 'gzip')) {
    const collector = await OtlpCollector.start(t);
    collector.mood = () =>
      collector.requests.length === 1
        ? partialSuccess(3, 'too\nold', form.protocol)
        : partialSuccess(0, '', form.protocol);
    const { shipper, troubles } = await ship(t, dir, sinkOf(collector.url, form));
    const { delivered, refused, gaps, retries } = shipper.counts;
    const all = collector.taken.length - 1;
    assert.deepEqual({ delivered, refused, gaps, retries }, { delivered: all - 3, refused: 3, gaps: 1, retries: 0 });
    assert.equal(new Set(collector.taken.map((record) => JSON.stringify(record))).size, all + 1, 'each once');
    const gap = JSON.stringify(collector.taken.at(-1));
    assert.match(gap, /gap\.count","value":\{"intValue":"3"\}.*"refused".*"authz\.gap"/);
    assert.deepEqual(troubles, [`the receiver refuses 3 of ${all} records without saying which: too\ufffdold`]);
  }
});

test('a collector that rejects everything, gap records too, ends nothing and is sent nothing twice', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 20);
  const collector = await OtlpCollector.start(t);
  collector.mood = (count) => partialSuccess(count, 'quota', 'protobuf');
  const { shipper } = await ship(t, dir, sinkOf(collector.url, forms[0]!));
  const { delivered, refused, gaps } = shipper.counts;
  const all = collector.taken.length - 1;
  assert.deepEqual({ delivered, refused, gaps }, { delivered: 0, refused: all, gaps: 0 });
  assert.equal(collector.requests.length, 2);
});

const later = (why: string): ReceiverAnswer => ({ kind: 'later', why });
const taken: ReceiverAnswer = { kind: 'taken', again: [], refused: [] };
const noOtlp = later('an answer that is none of OTLP');
const protobuf = { 'content-type': 'application/x-protobuf' };
const json = { 'content-type': 'Application/JSON; charset=utf-8' };

type Row = readonly [
  status: number,
  headers: Record<string, string>,
  body: string | Uint8Array,
  want: ReceiverAnswer,
  ms?: number,
];

const rows: Readonly<Record<string, Row>> = {
  'nothing at all': [200, {}, '', taken],
  'a success without content': [204, {}, '', taken],
  'an empty object': [200, json, '{}', taken],
  'an empty partial success': [200, json, '{"partialSuccess":{}}', taken],
  'a warning without rejections': [200, json, '{"partialSuccess":{"errorMessage":"slow"}}', taken],
  'a number as a number': [
    200,
    json,
    '{"partialSuccess":{"rejectedLogRecords":1}}',
    { ...taken, unnamed: { count: 1, why: '' } },
  ],
  'less than none': [200, json, '{"partialSuccess":{"rejectedLogRecords":"-1"}}', taken],
  'no number': [200, json, '{"partialSuccess":{"rejectedLogRecords":"some"}}', noOtlp],
  'a page': [200, { 'content-type': 'text/html' }, '<html>', noOtlp],
  'JSON that is cut off': [200, json, '{"partialSuccess":', noOtlp],
  'protobuf that is cut off': [200, protobuf, Buffer.from([10, 9, 8]), noOtlp],
  'a field of tomorrow': [200, protobuf, Buffer.from([0x78, 1]), taken],
  'a reason in no UTF-8': [
    200,
    protobuf,
    Buffer.from([10, 5, 8, 1, 18, 1, 0xff]),
    { ...taken, unnamed: { count: 1, why: '\ufffd' } },
  ],
  'too many requests': [429, { 'retry-after': '7' }, '', later('status 429'), 7_000],
  overload: [503, { 'retry-after': '2' }, '', later('status 503'), 2_000],
  'a gateway that times out': [504, {}, '', later('status 504')],
  'another place': [302, { location: '/' }, '', later('status 302')],
  'bad content': [400, {}, '', { kind: 'refused', why: 'status 400' }],
};

test('each answer of a collector has its meaning', async (t) => {
  const collector = await OtlpCollector.start(t);
  const receiver = await openReceiver(sinkOf(collector.url, forms[0]!), noIdentity);
  t.after(() => receiver.close());
  const record = { type: 'decision', decision: 'allow' };
  const text = otlpLogRecords()(record)!;
  const source = { streamId: 's', seq: 1, line: '', record, isGap: false, standsFor: null };
  for (const [what, [status, headers, body, answer, ms]] of Object.entries(rows)) {
    collector.mood = () => ({ status, headers, body });
    const reception = await receiver.send([{ source, text }], new AbortController().signal);
    assert.deepEqual(reception, { answer, retryAfterMs: ms ?? null }, what);
  }
});

/** Most of them are none that OTLP can hold. */
const times = ['2026-01-01T00:00:00.5Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '1 Jan 20 0:00:00.50Z'];

test('protobuf and JSON say the same, whatever strangers sent', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const number = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const record = fc.record({
    principal: fc.record({ workload_id: text, claims: fc.jsonValue({ maxDepth: 3 }) }),
    http: fc.record({ path: text, status: number }),
    enforced: fc.boolean(),
    timing: fc.record({ eval_ns: number, total_us: number }),
    matched: fc.jsonValue({ maxDepth: 3 }),
    proxy: fc.record({ instance: text, node: text }),
    correlation: fc.record({ trace_id: text, trace_flags: text }),
    time: fc.oneof(fc.constantFrom(...times), text),
  });
  const written = otlpLogRecords();
  fc.assert(
    fc.property(record, (members) => {
      const deny = { type: 'decision', decision: 'deny', ...members };
      const json = encodeOtlp(deny)!;
      assert.deepEqual(requestOfProtobuf(otlpRequest([{ record: deny, bytes: written(deny)! }])), requestOfJson(json));
    }),
    { numRuns: 40 },
  );
  assert.equal(written({ type: 'seal' }), null);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void rejectedInProtobuf(bytes)));
});
