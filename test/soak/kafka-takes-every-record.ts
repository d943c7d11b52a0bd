// `npm run kafka`: sinks of type `kafka` against Apache Kafka's own broker, which is killed and started again, over TLS with
// the own SVID and in the clear; what is there is read by Kafka's own consumer. Two minutes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { ClientIdentity, KafkaSink } from '../../src/audit/sinks/sink-options.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { Shipping } from '../../src/runtime/shipping-runtime.ts';
import { createOperationalLog } from '../../src/telemetry/operational-log.ts';
import { record, startRecorder } from '../audit/journal-in-folder.ts';
import { decisionEvent } from '../audit/sample-events.ts';
import { checkOcsf } from '../audit/schema-checks.ts';
import { parse, smallest } from '../config/sample-config.ts';
import { createOpensslPki } from '../harness/openssl-pki.ts';
import { temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { requireTool } from '../require-tool.ts';
import { KafkaBroker, type Message } from './kafka/kafka-broker.ts';

const entry = path.join(import.meta.dirname, '../../src/cli/ship-main.ts');
const patienceMs = 120_000;

interface Line {
  readonly type: string;
  readonly seq: number;
  readonly stream_id: string;
  readonly gap?: { readonly from_seq: number; readonly cause: string };
  readonly principal?: { readonly workload_id: string };
}

test('Apache Kafka gets every record once, in order for each principal', { timeout: 600_000 }, async (t) => {
  const [java, mvn] = [requireTool(t, 'java'), requireTool(t, 'mvn')];
  if (java === null || mvn === null) return;
  const dir = temporaryFolder(t);
  const pki = createOpensslPki(temporaryFolder(t), 'prod.acme.com');
  const identities = ['first', 'second'].map((name): ClientIdentity => {
    const { cert, key } = pki.issue(name, 'spiffe://prod.acme.com/ns/payments/sa/api');
    return { certPem: readFileSync(cert, 'utf8'), keyPem: readFileSync(key, 'utf8') };
  });
  let identity = identities[0]!;
  const broker = await KafkaBroker.start({ java, mvn }, path.join(dir, 'kafka'), pki);
  t.after(() => broker.kill());
  for (const topic of ['clear', 'tls']) await broker.makeTopic(topic);
  await broker.makeTopic('small', '--config', 'max.message.bytes=4000');
  const shown = shownSink(broker.tlsPort, pki.caFile);
  await broker.makeTopic(shown.topic);
  for (const topic of ['tls', shown.topic]) await broker.letOnly('O=first', topic);
  const shared = { type: 'kafka', encode: 'native', compression: 'gzip', caFile: pki.caFile } as const;
  const clear = { ...shared, isTls: false, brokers: [{ host: '127.0.0.1', port: broker.port }] } as const;
  const sinks: readonly KafkaSink[] = [
    { ...clear, name: 'clear', topic: 'clear', compression: 'off' },
    { ...clear, name: 'small', topic: 'small', compression: 'off' },
    {
      ...shared,
      name: 'tls',
      topic: 'tls',
      isTls: true,
      brokers: [
        { host: 'localhost', port: 1 },
        { host: 'localhost', port: broker.tlsPort },
      ],
    },
    shown,
  ];
  const journal = path.join(dir, 'journal');
  const { recorder } = await startRecorder(t, journal);
  const wheel = new TimerWheel({ clock: systemClock, tickMs: 100, onError: (error) => assert.fail(String(error)) });
  const log = createOperationalLog({ level: 'warn', clock: systemClock, wheel, fd: 2 });
  const shipping = new Shipping({ dir: journal, sinks, entry, log, clock: systemClock, identity: () => identity });
  t.after(() => shipping.close());
  let written = 0;
  const write = async (count: number): Promise<void> => {
    const events = Array.from({ length: count }, (_, n) => eventOf(written + n));
    written += count;
    await Promise.all(events.map((event) => record(recorder, event)));
  };
  const delivered = (): boolean => shipping.figures.sinks.every(({ records }) => records >= written);
  const retriesOf = (name: string): number => shipping.figures.sinks.find(({ sink }) => sink === name)?.retries ?? 0;
  await write(500);
  await waitFor('the first records', delivered, patienceMs);
  // The broker knows whose certificate it sees: from here on the first one may do nothing more, and the second one all.
  for (const topic of ['tls', shown.topic]) await broker.letOnly('O=second', topic);
  await write(1);
  await waitFor('refusals of the first certificate', () => retriesOf('tls') > 0, patienceMs);
  identity = identities[1]!;
  shipping.renew();
  await write(499);
  await waitFor('records after the rotation', delivered, patienceMs);
  for (let round = 0; round < 2; round += 1) {
    await write(500);
    await broker.kill();
    await write(500);
    await broker.run();
  }
  await recorder.close();
  await waitFor(
    'all',
    () => delivered() && shipping.figures.sinks.every(({ lagRecords }) => lagRecords === 0),
    patienceMs,
  );
  const retries = shipping.figures.sinks.map((figures) => figures.retries);
  await shipping.close();
  const asShown = (await broker.read(shown.topic)).map(({ value }) => checkOcsf(value));
  assert.ok(asShown.filter(({ class_uid }) => class_uid === 6003).length >= written, 'the row of docs/siem.md');
  for (const topic of ['clear', 'small', 'tls']) {
    const messages = await broker.read(topic);
    const lines = messages.map(({ value }) => JSON.parse(value) as Line);
    const seqs = lines.map(({ seq, gap }) => gap?.from_seq ?? seq).sort((a, b) => a - b);
    t.diagnostic(
      `${topic}: ${written} decisions, ${messages.length} messages, ${messages.length - new Set(seqs).size} twice, ${lines.filter(({ gap }) => gap).length} gaps`,
    );
    const decisions = lines.filter(({ type }) => type === 'decision').length;
    assert.equal(decisions, topic === 'small' ? written - 1 : written);
    assert.deepEqual(
      [...new Set(seqs)],
      Array.from({ length: seqs.at(-1)! }, (_, index) => index + 1),
      topic,
    );
    assert.equal(new Set(seqs).size, messages.length, 'each once');
    if (topic !== 'small')
      assert.deepEqual(
        lines.filter(({ gap }) => gap !== undefined),
        [],
      );
    assertKeyed(messages, lines);
  }
  assert.ok(
    retries.every((count) => count > 0),
    'the kills were felt',
  );
});

/** The row of docs/siem.md. */
function shownSink(port: number, caFile: string): KafkaSink {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/siem.md'), 'utf8');
  const row = /\{ type: kafka, .*\}/.exec(page)![0].replace('kafka:9093', `localhost:${port}`);
  const [sink] = parse(`${smallest}audit: { sinks: [${row.replace('kafka-ca.pem', caFile)}] }\n`).audit.sinks;
  return sink as KafkaSink;
}

/** Each of twenty callers asks in turn; one record is too long for the topic `small`. */
function eventOf(n: number): ReturnType<typeof decisionEvent> {
  const { request, decision } = decisionEvent(n);
  const id = `spiffe://prod.acme.com/ns/payments/sa/caller-${n % 20}`;
  const event = { request: { ...request, principal: { ...request.principal, id, spiffeId: id } } };
  if (n !== 700) return decisionEvent(n, event);
  const rule = { policy: 'p', name: 'r'.repeat(200), effect: 'allow', priority: 1 } as const;
  return decisionEvent(n, { ...event, decision: { ...decision, overrode: Array.from({ length: 16 }, () => rule) } });
}

function assertKeyed(messages: readonly Message[], lines: readonly Line[]): void {
  const partitions = new Map<string, Set<number>>();
  const last = new Map<string, number>();
  for (const [index, { key, partition }] of messages.entries()) {
    const { seq, stream_id, principal } = lines[index]!;
    assert.equal(key, principal?.workload_id ?? stream_id);
    partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
    assert.ok(seq > (last.get(key) ?? 0), `${key}: ${seq} after ${last.get(key)}`);
    last.set(key, seq);
  }
  assert.ok([...partitions.values()].every(({ size }) => size === 1));
  assert.equal(new Set(messages.map(({ partition }) => partition)).size, 3);
}
