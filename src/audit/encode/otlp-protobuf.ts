// OTLP logs as protobuf, straight from records: field numbers and types of opentelemetry-proto 1.9 (collector/logs/v1,
// logs/v1, resource/v1, common/v1), as far as they are written. It says what the JSON form says.

import { compileWalk, type FieldValue, type RecordMembers } from './field-tree.ts';
import { logFacts, resourceFacts, scopeName } from './otlp-facts.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { classify } from './record-class.ts';

const request = { resourceLogs: 1 } as const;
const resourceLogs = { resource: 1, scopeLogs: 2 } as const;
const resource = { attributes: 1 } as const;
const scopeLogs = { scope: 1, logRecords: 2 } as const;
const scope = { name: 1 } as const;
const logRecord = {
  timeUnixNano: 1,
  severityNumber: 2,
  severityText: 3,
  body: 5,
  attributes: 6,
  flags: 8,
  traceId: 9,
  spanId: 10,
  observedTimeUnixNano: 11,
  eventName: 12,
} as const;
const keyValue = { key: 1, value: 2 } as const;
const anyValue = { string: 1, bool: 2, int: 3, double: 4, array: 5, kvlist: 6 } as const;
const listOfValues = { values: 1 } as const;

const usualRecordBytes = 16 * 1024;
/** Room for what surrounds a part. */
const frameBytes = 32;
const varintType = 0;
const fixed64Type = 1;
const fixed32Type = 5;

/** The field `key` of an attribute, once and for all. */
const walk = compileWalk('otlp', (targets) => targets.map(({ name }) => keyBytes(name)));

/** Makes `LogRecord`s; null for what is nothing to log. */
export function otlpLogRecords(): (record: RecordMembers) => Buffer | null {
  const writer = new ProtobufWriter(usualRecordBytes);
  return (record) => {
    writer.clear();
    return writeLogRecord(writer, record) ? Buffer.from(writer.bytes) : null;
  };
}

/** A record and what was made of it. */
export interface LogRecordBytes {
  readonly record: RecordMembers;
  readonly bytes: Uint8Array;
}

/** An export request; records of one resource that follow each other, such as those of one stream, are under one head. */
export function otlpRequest(records: readonly LogRecordBytes[]): Buffer {
  const writer = new ProtobufWriter(records.reduce((sum, { bytes }) => sum + bytes.length + frameBytes, frameBytes));
  let head: string | null = null;
  let ends: readonly number[] = [];
  for (const { record, bytes } of records) {
    const facts = resourceFacts(record);
    const next = facts.flat().join('\n');
    if (next !== head) {
      closeAll(writer, ends);
      ends = openResource(writer, facts);
      head = next;
    }
    writer.block(scopeLogs.logRecords, bytes);
  }
  closeAll(writer, ends);
  return writer.bytes;
}

function openResource(writer: ProtobufWriter, facts: ReturnType<typeof resourceFacts>): readonly number[] {
  const outer = writer.open(request.resourceLogs);
  const own = writer.open(resourceLogs.resource);
  for (const [name, value] of facts) writeAttribute(writer, resource.attributes, { key: keyBytes(name), value });
  writer.close(own);
  const inner = writer.open(resourceLogs.scopeLogs);
  const named = writer.open(scopeLogs.scope);
  writer.text(scope.name, scopeName);
  writer.close(named);
  return [inner, outer];
}

function closeAll(writer: ProtobufWriter, ends: readonly number[]): void {
  for (const end of ends) writer.close(end);
}

function writeLogRecord(writer: ProtobufWriter, record: RecordMembers): boolean {
  const kind = classify(record);
  if (kind === null) return false;
  const { nanos, severityNumber, severityText, eventName, body, traceId, spanId, flags } = logFacts(record, kind);
  const time = BigInt(nanos);
  writer.varint(logRecord.timeUnixNano * 8 + fixed64Type);
  writer.fixed64(time);
  writer.varint(logRecord.observedTimeUnixNano * 8 + fixed64Type);
  writer.fixed64(time);
  writer.varint(logRecord.severityNumber * 8 + varintType);
  writer.varint(severityNumber);
  writer.text(logRecord.severityText, severityText);
  writer.text(logRecord.eventName, eventName);
  writeValue(writer, logRecord.body, body);
  walk(record, (keys, value) => {
    for (const key of keys) writeAttribute(writer, logRecord.attributes, { key, value });
  });
  if (traceId !== null) writer.block(logRecord.traceId, Buffer.from(traceId, 'hex'));
  if (spanId !== null) writer.block(logRecord.spanId, Buffer.from(spanId, 'hex'));
  if (flags !== null) {
    writer.varint(logRecord.flags * 8 + fixed32Type);
    writer.fixed32(flags);
  }
  return true;
}

function keyBytes(name: string): Uint8Array {
  const writer = new ProtobufWriter(name.length + frameBytes);
  writer.text(keyValue.key, name);
  return Uint8Array.from(writer.bytes);
}

function writeAttribute(
  writer: ProtobufWriter,
  field: number,
  { key, value }: { readonly key: Uint8Array; readonly value: FieldValue },
): void {
  const start = writer.open(field);
  writer.raw(key);
  writeValue(writer, keyValue.value, value);
  writer.close(start);
}

/** A field of the type `AnyValue`; what is nothing that it can be is an empty one. */
function writeValue(writer: ProtobufWriter, field: number, value: unknown): void {
  const start = writer.open(field);
  switch (typeof value) {
    case 'string':
      writer.text(anyValue.string, value);
      break;
    case 'boolean':
      writer.varint(anyValue.bool * 8 + varintType);
      writer.varint(value ? 1 : 0);
      break;
    case 'number':
      writeNumber(writer, value);
      break;
    default:
      writeCompound(writer, value);
  }
  writer.close(start);
}

function writeNumber(writer: ProtobufWriter, value: number): void {
  if (Number.isSafeInteger(value)) {
    writer.varint(anyValue.int * 8 + varintType);
    writer.varint(value);
  } else {
    writer.varint(anyValue.double * 8 + fixed64Type);
    writer.double(value);
  }
}

function writeCompound(writer: ProtobufWriter, value: unknown): void {
  if (Array.isArray(value)) {
    const start = writer.open(anyValue.array);
    for (const item of value) writeValue(writer, listOfValues.values, item);
    writer.close(start);
  } else if (typeof value === 'object' && value !== null) {
    const start = writer.open(anyValue.kvlist);
    for (const [name, member] of Object.entries(value)) {
      const item = writer.open(listOfValues.values);
      writer.text(keyValue.key, name);
      writeValue(writer, keyValue.value, member);
      writer.close(item);
    }
    writer.close(start);
  }
}
