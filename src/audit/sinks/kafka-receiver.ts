// An idempotent producer of one topic: a record goes to the partition of its principal, is on all replicas in sync before
// it counts as taken, and stands there once however often it was sent, as long as this producer lives.

import { faultCode } from '../fault-code.ts';
import { objectOf } from '../service-parse.ts';
import type { EncodedRecord } from './encoded-record.ts';
import { type KafkaRecord, kafkaBatch, partitionOf } from './kafka-batch.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { kafkaFault, meaningOf } from './kafka-errors.ts';
import { produceRequest, producerIdRequest, readProduced, readProducerId } from './kafka-requests.ts';
import type { Receiver, Reception } from './receiver.ts';

export interface KafkaTarget {
  readonly topic: string;
  readonly isGzip: boolean;
  /** For a group and all that is said of it, milliseconds. */
  readonly timeoutMs: number;
}

interface Producer {
  readonly producerId: bigint;
  readonly epoch: number;
  /** Number of the next record, by partition. */
  readonly sequences: Map<number, number>;
  /** Batches that may be there or not, by partition. */
  readonly unsure: Map<number, Buffer>;
}

/** Records of a partition that go as one batch, as places in the group. */
type Chunk = readonly number[];
type Queues = Map<number, Chunk[]>;

interface Outcome {
  readonly again: number[];
  readonly refused: number[];
  why: string;
}

/** A batch of more is split: brokers take a megabyte, where nobody says otherwise. */
const chunkBytes = 512 * 1024;

export class KafkaReceiver implements Receiver {
  readonly #cluster: KafkaCluster;
  readonly #target: KafkaTarget;
  #producer: Producer | null = null;
  #isStale = false;

  constructor(cluster: KafkaCluster, target: KafkaTarget) {
    this.#cluster = cluster;
    this.#target = target;
  }

  async send(group: readonly EncodedRecord[], ending: AbortSignal): Promise<Reception> {
    const signal = AbortSignal.any([ending, AbortSignal.timeout(this.#target.timeoutMs)]);
    if (this.#isStale) this.#cluster.close();
    this.#isStale = false;
    const outcome: Outcome = { again: [], refused: [], why: '' };
    try {
      const { leaders } = await this.#cluster.topic(signal);
      const records = group.map(kafkaRecord);
      const queues = queuesOf(records, leaders.length);
      while (queues.size > 0) await this.#round(queues, { records, leaders, outcome, signal });
    } catch (error) {
      this.#cluster.forget();
      return { answer: { kind: 'later', why: faultCode(error) }, retryAfterMs: null };
    }
    const { refused, why } = outcome;
    const again = outcome.again.sort((a, b) => a - b);
    if (again.length > 0) this.#cluster.forget();
    if (again.length === group.length && group.length > 0)
      return { answer: { kind: 'later', why }, retryAfterMs: null };
    return { answer: { kind: 'taken', again, refused: refused.sort((a, b) => a - b) }, retryAfterMs: null };
  }

  renew(): void {
    this.#isStale = true;
  }

  close(): void {
    this.#cluster.close();
  }

  /** The first chunk of each partition, to all leaders at once. */
  async #round(queues: Queues, run: Run): Promise<void> {
    const byLeader = Map.groupBy(queues.keys(), (partition) => run.leaders[partition]!);
    await Promise.all(
      [...byLeader].map(async ([leader, partitions]) => {
        try {
          await this.#produce(leader, { partitions, queues, producer: await this.#producerAt(run.signal) }, run);
        } catch (error) {
          // Nobody knows what came of it: the same again, with the same numbers, stands there once.
          for (const partition of partitions) giveUp(queues, partition, run.outcome, faultCode(error));
        }
      }),
    );
  }

  async #produce(leader: number, order: Order, { records, outcome, signal }: Run): Promise<void> {
    const { partitions, queues, producer } = order;
    const { topic, timeoutMs, isGzip } = this.#target;
    const batches = new Map<number, Buffer>();
    for (const partition of partitions) {
      const place = { ...producer, sequence: producer.sequences.get(partition) ?? 0 };
      const chunk = queues.get(partition)![0]!.map((index) => records[index]!);
      const batch = kafkaBatch(chunk, place, isGzip);
      batches.set(partition, batch);
      // INVARIANT: numbers that may be in use are those of the same records, or the broker would take others for these.
      if (producer.unsure.get(partition)?.equals(batch) === false) return this.#renounce(order, outcome);
    }
    for (const [partition, batch] of batches) producer.unsure.set(partition, batch);
    const request = produceRequest(batches, { topic, timeoutMs: timeoutMs / 2 });
    const answers = readProduced(await this.#cluster.askLeader(leader, request, signal));
    const errors = new Map(answers.map(({ partition, error }) => [partition, error]));
    for (const partition of partitions) this.#settle(partition, errors.get(partition) ?? -1, order, outcome);
  }

  /** Another producer begins anew with the next delivery: what is unsure may then stand there twice. */
  #renounce({ partitions, queues }: Order, outcome: Outcome): void {
    this.#producer = null;
    for (const partition of partitions) giveUp(queues, partition, outcome, 'another producer id is needed');
  }

  #settle(partition: number, error: number, { queues, producer }: Order, outcome: Outcome): void {
    const [chunk, ...rest] = queues.get(partition)!;
    const meaning = meaningOf(error);
    if (meaning === 'taken' || meaning === 'refused') producer.unsure.delete(partition);
    switch (meaning) {
      case 'taken':
        producer.sequences.set(partition, after(producer.sequences.get(partition) ?? 0, chunk!.length));
        break;
      case 'refused':
        // Which record it is shows one by one.
        if (chunk!.length > 1) rest.unshift(...chunk!.map((index) => [index]));
        else outcome.refused.push(...chunk!);
        break;
      case 'new producer':
        this.#producer = null;
        return giveUp(queues, partition, outcome, kafkaFault(error));
      case 'again':
        return giveUp(queues, partition, outcome, kafkaFault(error));
    }
    if (rest.length > 0) queues.set(partition, rest);
    else queues.delete(partition);
  }

  async #producerAt(signal: AbortSignal): Promise<Producer> {
    if (this.#producer !== null) return this.#producer;
    const { error, producerId, epoch } = readProducerId(await this.#cluster.askAny(producerIdRequest(), signal));
    if (error !== 0) throw new Error(kafkaFault(error));
    this.#producer = { producerId, epoch, sequences: new Map(), unsure: new Map() };
    return this.#producer;
  }
}

/** What a delivery works with. */
interface Run {
  readonly records: readonly KafkaRecord[];
  readonly leaders: readonly number[];
  readonly outcome: Outcome;
  readonly signal: AbortSignal;
}

interface Order {
  readonly partitions: readonly number[];
  readonly queues: Queues;
  readonly producer: Producer;
}

/** What is left of a partition goes with a later delivery, so that its order stays. */
function giveUp(queues: Queues, partition: number, outcome: Outcome, why: string): void {
  outcome.again.push(...queues.get(partition)!.flat());
  outcome.why = why;
  queues.delete(partition);
}

/** Sequence numbers begin anew behind the largest of 32 bits. */
function after(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31;
}

function queuesOf(records: readonly KafkaRecord[], partitionCount: number): Queues {
  const queues: Queues = new Map();
  const byPartition = Map.groupBy(records.keys(), (index) => partitionOf(records[index]!.key, partitionCount));
  for (const [partition, indexes] of byPartition) queues.set(partition, chunksOf(records, indexes));
  return queues;
}

function chunksOf(records: readonly KafkaRecord[], indexes: readonly number[]): Chunk[] {
  const chunks: number[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const index of indexes) {
    const size = records[index]!.value.length;
    if (bytes + size > chunkBytes) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)!.push(index);
    bytes += size;
  }
  return chunks;
}

/** The records of a principal are in one partition, in order; what is of none, such as a gap, by its stream. */
function kafkaRecord({ source, text }: EncodedRecord): KafkaRecord {
  const principal = objectOf(source.record['principal'])?.['workload_id'];
  const timeMs = Date.parse(String(source.record['time']));
  return {
    key: Buffer.from(typeof principal === 'string' ? principal : source.streamId),
    value: Buffer.from(text),
    timeMs: Number.isNaN(timeMs) ? 0 : timeMs,
  };
}
