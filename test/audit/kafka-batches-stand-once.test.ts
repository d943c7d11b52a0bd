// The producer of sinks of type `kafka`, against a broker that answers as it is told: the numbers by which a broker knows
// a batch again are never used for other records. Against Kafka's own broker: `npm run kafka`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { partitionOf } from '../../src/audit/sinks/kafka-batch.ts';
import { KafkaReader, KafkaWriter } from '../../src/audit/sinks/kafka-bytes.ts';
import { KafkaCluster } from '../../src/audit/sinks/kafka-cluster.ts';
import { KafkaReceiver } from '../../src/audit/sinks/kafka-receiver.ts';
import { readMetadata, readProduced, readProducerId } from '../../src/audit/sinks/kafka-requests.ts';
import type { ReceiverAnswer } from '../../src/audit/sinks/receiver.ts';

interface Batch {
  readonly partition: number;
  readonly producer: bigint;
  readonly sequence: number;
  readonly count: number;
  readonly bytes: Buffer;
}

/** What becomes of the batches of a request: an error for each, or nothing is answered. */
type Mood = (batches: readonly Batch[]) => readonly number[] | 'breaks off' | 'is silent' | Buffer;

const partitionCount = 3;

class FakeBroker {
  readonly batches: Batch[] = [];
  metadataCount = 0;
  mood: Mood = (batches) => batches.map(() => 0);
  port = 0;
  #producers = 0n;

  static async start(t: TestContext): Promise<FakeBroker> {
    const broker = new FakeBroker();
    const server = createServer((socket) => {
      t.after(() => void socket.destroy());
      broker.#serve(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => void server.close());
    broker.port = (server.address() as { port: number }).port;
    return broker;
  }

  #serve(socket: Socket): void {
    let left = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (piece: Buffer) => {
      left = Buffer.concat([left, piece]);
      while (left.length >= 4 && left.length >= 4 + left.readInt32BE(0)) {
        const end = 4 + left.readInt32BE(0);
        this.#answer(left.subarray(4, end), socket);
        left = left.subarray(end);
      }
    });
  }

  #answer(request: Buffer, socket: Socket): void {
    const body = request.subarray(10 + request.readInt16BE(8));
    const apiKey = request.readInt16BE(0);
    const answer = apiKey === 3 ? this.#metadata() : apiKey === 22 ? this.#producer() : this.#produce(body, socket);
    if (answer === null) return;
    const correlated = new KafkaWriter().int32(request.readInt32BE(4)).raw(answer).bytes;
    socket.write(new KafkaWriter().block(correlated).bytes);
  }

  #metadata(): Buffer {
    this.metadataCount += 1;
    const out = new KafkaWriter().int32(0).int32(1).int32(1).string('127.0.0.1').int32(this.port).string(null);
    out.string(null).int32(1).int32(1).int16(0).string('authz').int8(0).int32(partitionCount);
    for (let index = 0; index < partitionCount; index += 1) {
      out.int16(0).int32(index).int32(1).int32(1).int32(1).int32(1).int32(1);
    }
    return out.bytes;
  }

  #producer(): Buffer {
    this.#producers += 1n;
    return new KafkaWriter().int32(0).int16(0).int64(this.#producers).int16(0).bytes;
  }

  #produce(body: Buffer, socket: Socket): Buffer | null {
    const batches: Batch[] = [];
    for (let at = 23; at < body.length; ) {
      const bytes = body.subarray(at + 8, at + 8 + body.readInt32BE(at + 4));
      const partition = body.readInt32BE(at);
      const producer = bytes.readBigInt64BE(43);
      batches.push({ partition, producer, sequence: bytes.readInt32BE(53), count: bytes.readInt32BE(57), bytes });
      at += 8 + bytes.length;
    }
    this.batches.push(...batches);
    const codes = this.mood(batches);
    if (codes === 'breaks off') socket.destroy();
    if (typeof codes === 'string') return null;
    if (codes instanceof Buffer) return codes;
    const out = new KafkaWriter().int32(1).string('authz').int32(batches.length);
    for (const [index, { partition }] of batches.entries()) {
      out.int32(partition).int16(codes[index]!).int64(0n).int64(0n).int64(0n);
    }
    return out.int32(0).bytes;
  }
}

async function startProducer(t: TestContext, timeoutMs = 20_000): Promise<{ broker: FakeBroker; send: Send }> {
  const broker = await FakeBroker.start(t);
  const brokers = [{ host: '127.0.0.1', port: broker.port }];
  const cluster = new KafkaCluster({ brokers, topic: 'authz', tls: null });
  const receiver = new KafkaReceiver(cluster, { topic: 'authz', isGzip: false, timeoutMs });
  t.after(() => receiver.close());
  const { signal } = new AbortController();
  return { broker, send: async (...callers) => (await receiver.send(callers.map(recordOf), signal)).answer };
}

type Send = (...callers: readonly string[]) => Promise<ReceiverAnswer>;

function recordOf(caller: string, index: number): Parameters<KafkaReceiver['send']>[0][number] {
  const text = JSON.stringify({ caller, index });
  const record = { principal: { workload_id: caller }, time: '2026-01-01T00:00:00Z' };
  return { source: { streamId: 's', seq: index, line: text, record, isGap: false, standsFor: null }, text };
}

const taken: ReceiverAnswer = { kind: 'taken', again: [], refused: [] };

test('what may be there or not is sent again byte for byte, and the next batch has the next numbers', async (t) => {
  const { broker, send } = await startProducer(t);
  broker.mood = () => 'breaks off';
  assert.deepEqual(await send('a', 'a'), { kind: 'later', why: 'closed' });
  broker.mood = (batches) => batches.map(() => 46);
  assert.deepEqual(await send('a', 'a'), taken);
  assert.deepEqual(await send('a'), taken);
  const [first, second, third] = broker.batches;
  assert.deepEqual(first!.bytes, second!.bytes);
  assert.deepEqual([first!.sequence, first!.count, third!.sequence, third!.count], [0, 2, 2, 1]);
});

test('numbers that may be in use are not used for other records: another producer begins', async (t) => {
  const { broker, send } = await startProducer(t);
  broker.mood = () => 'breaks off';
  await send('a', 'a');
  broker.mood = (batches) => batches.map(() => 0);
  assert.equal((await send('a')).kind, 'later');
  assert.equal(broker.batches.length, 1, 'nothing was sent');
  assert.deepEqual(await send('a'), taken);
  assert.deepEqual([broker.batches[1]!.producer, broker.batches[1]!.sequence], [2n, 0]);
});

test('a broker that has lost count of a producer gets another one', async (t) => {
  const { broker, send } = await startProducer(t);
  broker.mood = (batches) => batches.map(({ producer }) => (producer === 1n ? 45 : 0));
  assert.deepEqual(await send('a'), { kind: 'later', why: 'Kafka says OUT_OF_ORDER_SEQUENCE_NUMBER' });
  assert.deepEqual(await send('a'), taken);
});

test('one record that is refused is found, and the others are taken in order', async (t) => {
  const { broker, send } = await startProducer(t);
  broker.mood = (batches) => batches.map(({ count, bytes }) => (count > 1 || bytes.includes('"index":1}') ? 10 : 0));
  assert.deepEqual(await send('a', 'a', 'a', 'a'), { kind: 'taken', again: [], refused: [1] });
  assert.deepEqual(
    broker.batches.map(({ sequence, count }) => [sequence, count]),
    [
      [0, 4],
      [0, 1],
      [1, 1],
      [1, 1],
      [2, 1],
    ],
  );
});

test('a partition that has moved is sent again alone, where its new leader is', async (t) => {
  const { broker, send } = await startProducer(t);
  const callers = Array.from({ length: 12 }, (_, n) => `caller-${n}`);
  const moved = callers.flatMap((caller, index) =>
    partitionOf(Buffer.from(caller), partitionCount) === 1 ? [index] : [],
  );
  broker.mood = (batches) => batches.map(({ partition }) => (partition === 1 ? 6 : 0));
  assert.deepEqual(await send(...callers), { kind: 'taken', again: moved, refused: [] });
  await send('a');
  assert.equal(broker.metadataCount, 2);
});

test('silence and nonsense end in a later try', async (t) => {
  const { broker, send } = await startProducer(t, 300);
  for (const mood of ['is silent', Buffer.from([0, 0, 0, 9]), Buffer.from('7fffffff', 'hex')] as const) {
    broker.mood = () => mood;
    assert.equal((await send('a')).kind, 'later');
  }
});

test('no answer makes a reader throw anything but a range error, or take memory for what is not there', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80, max: 2 }));
  fc.assert(
    fc.property(bytes, fc.constantFrom(readMetadata, readProducerId, readProduced), (answer, read) => {
      try {
        read(new KafkaReader(Buffer.from(answer)));
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
  );
});

test("partitions are those of Kafka's own clients", () => {
  // From the tests of Kafka's `Utils.murmur2`.
  const hashes: Readonly<Record<string, number>> = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [key, hash] of Object.entries(hashes)) {
    assert.equal(partitionOf(Buffer.from(key), 1_000_003), (hash & 0x7fffffff) % 1_000_003, key);
  }
});
