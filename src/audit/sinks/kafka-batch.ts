// A batch of records as Kafka keeps it (message format 2), of an idempotent producer; and which partition a key belongs to.

import { gzipSync } from 'node:zlib';
import { KafkaWriter } from './kafka-bytes.ts';

export interface KafkaRecord {
  readonly key: Buffer;
  readonly value: Buffer;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
}

/** Who writes, and the number of the first record in its partition: by both a broker knows a batch that comes twice. */
export interface BatchPlace {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly sequence: number;
}

const gzipAttribute = 1;
const gzipLevel = 1;
const magic = 2;

/** The batch of at least one record. */
export function kafkaBatch(records: readonly KafkaRecord[], place: BatchPlace, isGzip: boolean): Buffer {
  const firstMs = records[0]!.timeMs;
  const list = new KafkaWriter();
  for (const [index, record] of records.entries()) {
    const one = new KafkaWriter()
      .int8(0)
      .varint(record.timeMs - firstMs)
      .varint(index);
    one.varint(record.key.length).raw(record.key).varint(record.value.length).raw(record.value).varint(0);
    list.varint(one.bytes.length).raw(one.bytes);
  }
  const checked = new KafkaWriter()
    .int16(isGzip ? gzipAttribute : 0)
    .int32(records.length - 1)
    .int64(BigInt(firstMs))
    .int64(BigInt(Math.max(...records.map(({ timeMs }) => timeMs))))
    .int64(place.producerId)
    .int16(place.epoch)
    .int32(place.sequence)
    .int32(records.length)
    .raw(isGzip ? gzipSync(list.bytes, { level: gzipLevel }) : list.bytes).bytes;
  // First offset, length of the rest, epoch of the leader (unknown), format, checksum.
  return new KafkaWriter()
    .int64(0n)
    .int32(checked.length + 9)
    .int32(-1)
    .int8(magic)
    .uint32(crc32c(checked))
    .raw(checked).bytes;
}

/** As Kafka's own clients choose it (murmur2), so that a key is in one partition whoever writes it. */
export function partitionOf(key: Buffer, count: number): number {
  return (murmur2(key) & 0x7fffffff) % count;
}

function murmur2(bytes: Buffer): number {
  const m = 0x5bd1e995;
  let hash = 0x9747b28c ^ bytes.length;
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(bytes.readInt32LE(at), m);
    k ^= k >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(k, m);
  }
  if (whole < bytes.length) hash = Math.imul(hash ^ bytes.readUIntLE(whole, bytes.length - whole), m);
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return hash ^ (hash >>> 15);
}

const castagnoli = 0x82f63b78;
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ castagnoli : crc >>> 1;
  return crc;
});

/** RFC 3720 §12.1, Appendix B.4; `node:zlib` has only the other polynomial. */
function crc32c(bytes: Buffer): number {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}
