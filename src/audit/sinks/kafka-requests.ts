// The three requests of a producer and their answers, in versions that brokers from 2.1 to 4 know.

import { type KafkaReader, KafkaWriter } from './kafka-bytes.ts';
import type { KafkaRequest } from './kafka-connection.ts';
import type { HostPort } from './sink-options.ts';

/** Where the partitions of a topic are. */
export interface TopicMap {
  /** By number; those without a leader have none that is known. */
  readonly brokers: ReadonlyMap<number, HostPort>;
  /** Number of the broker that leads each partition, in their order; -1 for none. */
  readonly leaders: readonly number[];
  /** Of the topic as a whole; 0 for none. */
  readonly error: number;
}

/** What a broker says of a batch. */
export interface BatchAnswer {
  readonly partition: number;
  /** 0 where it is there. */
  readonly error: number;
}

/** In which a batch is to be on all replicas in sync. */
export interface ProduceOptions {
  readonly topic: string;
  readonly timeoutMs: number;
}

const produceKey = 0;
const metadataKey = 3;
const producerIdKey = 22;
const allReplicas = -1;

/** Metadata of a topic, which is not made where there is none. */
export function metadataRequest(topic: string): KafkaRequest {
  return { apiKey: metadataKey, version: 4, body: new KafkaWriter().int32(1).string(topic).int8(0).bytes };
}

export function readMetadata(reader: KafkaReader): TopicMap {
  reader.int32();
  const brokers = reader.array(() => {
    const number = reader.int32();
    const address = { host: reader.string(), port: reader.int32() };
    reader.string();
    return [number, address] as const;
  });
  reader.string();
  reader.int32();
  const topics = reader.array(() => {
    const error = reader.int16();
    reader.string();
    reader.boolean();
    return { error, partitions: reader.array(readPartition) };
  });
  const [topic] = topics;
  const leaders: number[] = [];
  for (const { index, leader } of topic?.partitions ?? []) leaders[index] = leader;
  // Partitions are numbered without holes; one that is missing here has no leader.
  return {
    brokers: new Map(brokers),
    leaders: Array.from(leaders, (leader) => leader ?? -1),
    error: topic?.error ?? -1,
  };
}

function readPartition(reader: KafkaReader): { index: number; leader: number } {
  reader.int16();
  const [index, leader] = [reader.int32(), reader.int32()];
  for (let list = 0; list < 2; list += 1) reader.array(() => reader.int32());
  if (index < 0 || index > 65_535) throw new RangeError('no number of a partition');
  return { index, leader };
}

/** Asks for an id of an idempotent producer. */
export function producerIdRequest(): KafkaRequest {
  return { apiKey: producerIdKey, version: 1, body: new KafkaWriter().string(null).int32(60_000).bytes };
}

export function readProducerId(reader: KafkaReader): { error: number; producerId: bigint; epoch: number } {
  reader.int32();
  return { error: reader.int16(), producerId: reader.int64(), epoch: reader.int16() };
}

/** Batches of one topic, by partition. */
export function produceRequest(
  batches: ReadonlyMap<number, Buffer>,
  { topic, timeoutMs }: ProduceOptions,
): KafkaRequest {
  const body = new KafkaWriter().string(null).int16(allReplicas).int32(timeoutMs).int32(1).string(topic);
  body.int32(batches.size);
  for (const [partition, batch] of batches) body.int32(partition).block(batch);
  return { apiKey: produceKey, version: 7, body: body.bytes };
}

export function readProduced(reader: KafkaReader): BatchAnswer[] {
  const topics = reader.array(() => {
    reader.string();
    return reader.array(() => {
      const answer = { partition: reader.int32(), error: reader.int16() };
      for (let field = 0; field < 3; field += 1) reader.int64();
      return answer;
    });
  });
  return topics.flat();
}
