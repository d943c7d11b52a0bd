// What a collector says of an export request, as protobuf (`ExportLogsServiceResponse` of opentelemetry-proto 1.9).

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Records that an answer says were rejected, and why. */
export interface Rejected {
  readonly count: number;
  readonly why: string;
}

/** Of an `ExportLogsServiceResponse`; null where it is none. */
export function rejectedInProtobuf(bytes: Uint8Array): Rejected | null {
  let [count, why] = [0, ''];
  const partialSuccess: Readers = {
    1: [WireType.Varint, (reader) => (count = Number(reader.int64()))],
    2: [WireType.LengthDelimited, (reader) => (why = Buffer.from(reader.bytes()).toString('utf8'))],
  };
  try {
    readFields(bytes, { 1: [WireType.LengthDelimited, (reader) => readFields(reader.bytes(), partialSuccess)] });
    return { count, why };
  } catch {
    return null;
  }
}

type Readers = Readonly<Record<number, readonly [type: WireType, read: (reader: BinaryReader) => void]>>;

function readFields(bytes: Uint8Array, readers: Readers): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const [wanted, read] = readers[number] ?? [];
    if (read !== undefined && type === wanted) read(reader);
    else reader.skip(type, number);
  }
}
