// Export requests of OTLP logs as protobuf, of their JSON form: field numbers and types of opentelemetry-proto 1.9
// (collector/logs/v1, logs/v1, resource/v1, common/v1), as far as the encoder writes them.

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { objectOf } from '../service-parse.ts';

type Scalar = 'string' | 'bool' | 'int64' | 'double' | 'enum' | 'fixed32' | 'fixed64' | 'hex';
/** Number of the field, and its type: a scalar or the name of a message. */
type Field = readonly [number: number, type: Scalar | MessageName];
type MessageName = 'Request' | 'ResourceLogs' | 'Resource' | 'ScopeLogs' | 'Scope' | 'LogRecord' | Value;
type Value = 'KeyValue' | 'AnyValue' | 'Values' | 'KeyValues';

const messages: Readonly<Record<MessageName, Readonly<Record<string, Field>>>> = Object.freeze({
  Request: { resourceLogs: [1, 'ResourceLogs'] },
  ResourceLogs: { resource: [1, 'Resource'], scopeLogs: [2, 'ScopeLogs'] },
  Resource: { attributes: [1, 'KeyValue'] },
  ScopeLogs: { scope: [1, 'Scope'], logRecords: [2, 'LogRecord'] },
  Scope: { name: [1, 'string'] },
  LogRecord: {
    timeUnixNano: [1, 'fixed64'],
    severityNumber: [2, 'enum'],
    severityText: [3, 'string'],
    body: [5, 'AnyValue'],
    attributes: [6, 'KeyValue'],
    flags: [8, 'fixed32'],
    traceId: [9, 'hex'],
    spanId: [10, 'hex'],
    observedTimeUnixNano: [11, 'fixed64'],
    eventName: [12, 'string'],
  },
  KeyValue: { key: [1, 'string'], value: [2, 'AnyValue'] },
  AnyValue: {
    stringValue: [1, 'string'],
    boolValue: [2, 'bool'],
    intValue: [3, 'int64'],
    doubleValue: [4, 'double'],
    arrayValue: [5, 'Values'],
    kvlistValue: [6, 'KeyValues'],
  },
  Values: { values: [1, 'AnyValue'] },
  KeyValues: { values: [1, 'KeyValue'] },
} as const);

/** An export request as `encodeOtlp` writes it, as protobuf. */
export function otlpProtobuf(request: unknown): Uint8Array {
  const writer = new BinaryWriter();
  writeMessage(writer, 'Request', request);
  return writer.finish();
}

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

function writeMessage(writer: BinaryWriter, name: MessageName, message: unknown): void {
  const fields = messages[name];
  for (const [key, value] of Object.entries(objectOf(message) ?? {})) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined) throw new TypeError(`OTLP has no field ${name}.${key}`);
    for (const one of Array.isArray(value) ? value : [value]) writeField(writer, field, one);
  }
}

function writeField(writer: BinaryWriter, [number, type]: Field, value: unknown): void {
  switch (type) {
    case 'string':
      return void writer.tag(number, WireType.LengthDelimited).string(value as string);
    case 'hex':
      return void writer.tag(number, WireType.LengthDelimited).bytes(Buffer.from(value as string, 'hex'));
    case 'bool':
      return void writer.tag(number, WireType.Varint).bool(value as boolean);
    case 'enum':
      return void writer.tag(number, WireType.Varint).int32(value as number);
    case 'int64':
      return void writer.tag(number, WireType.Varint).int64(value as string);
    case 'double':
      return void writer.tag(number, WireType.Bit64).double(value as number);
    case 'fixed32':
      return void writer.tag(number, WireType.Bit32).fixed32(value as number);
    case 'fixed64':
      return void writer.tag(number, WireType.Bit64).fixed64(value as string);
    default:
      writer.tag(number, WireType.LengthDelimited).fork();
      writeMessage(writer, type, value);
      writer.join();
  }
}
