// OpenTelemetry logs as JSON (OTLP 1.x): lowerCamelCase, 64-bit integers as decimal strings, trace and span ids in hex,
// enums as numbers. One export request a record, as collectors read them from a file.

import { asciiJson, cleanText } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import { compileFields, type RecordMembers } from './field-tree.ts';
import { classify } from './record-class.ts';

const walk = compileFields('otlp');

/** Attributes of the resource, of what the record says of the proxy. */
const resourceFields: readonly (readonly [name: string, attribute: string])[] = [
  ['instance', 'service.instance.id'],
  ['version', 'service.version'],
  ['node', 'host.name'],
  ['pod', 'k8s.pod.name'],
];

type AnyValue = Readonly<Record<string, unknown>>;

/** A record as an export request of one record, without a line end; null for what is nothing to log. */
export function encodeOtlp(record: RecordMembers): string | null {
  const kind = classify(record);
  if (kind === null) return null;
  const nanos = unixNanos(record['time']);
  const attributes: { key: string; value: AnyValue }[] = [];
  walk(record, ({ name: key }, value) => attributes.push({ key, value: anyValue(value) }));
  const logRecord = {
    timeUnixNano: nanos,
    observedTimeUnixNano: nanos,
    severityNumber: kind.otlpSeverity,
    severityText: { 9: 'INFO', 13: 'WARN', 17: 'ERROR' }[kind.otlpSeverity],
    eventName: record['type'] === 'decision' ? 'authz.decision' : `authz.${String(record['type'])}`,
    body: { stringValue: kind.name },
    attributes,
    ...traceOf(record),
  };
  const scope = { name: 'postern.audit' };
  return asciiJson({
    resourceLogs: [{ resource: resourceOf(record), scopeLogs: [{ scope, logRecords: [logRecord] }] }],
  });
}

function resourceOf(record: RecordMembers): unknown {
  const proxy = objectOf(record['proxy']);
  const attributes = [{ key: 'service.name', value: { stringValue: 'postern' } }];
  for (const [name, key] of resourceFields) {
    const value = proxy?.[name];
    if (typeof value === 'string') attributes.push({ key, value: { stringValue: cleanText(value, 256) } });
  }
  return { attributes };
}

/** The ids where they are what W3C Trace Context allows: hex, and not all zero. */
function traceOf(record: RecordMembers): Record<string, unknown> {
  const correlation = objectOf(record['correlation']);
  const [trace, span, flags] = [correlation?.['trace_id'], correlation?.['span_id'], correlation?.['trace_flags']];
  if (!isId(trace, 32)) return {};
  return {
    traceId: trace,
    ...(isId(span, 16) ? { spanId: span } : {}),
    ...(typeof flags === 'string' && /^[0-9a-f]{2}$/.test(flags) ? { flags: Number.parseInt(flags, 16) } : {}),
  };
}

function isId(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value) && !/^0+$/.test(value);
}

function anyValue(value: unknown): AnyValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      return compoundValue(value);
  }
}

function compoundValue(value: unknown): AnyValue {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value !== 'object' || value === null) return {};
  const values = Object.entries(value).map(([key, member]) => ({ key, value: anyValue(member) }));
  return { kvlistValue: { values } };
}

/** Nanoseconds since the Unix epoch as a decimal string; `0`, unknown, for what is no time. */
function unixNanos(time: unknown): string {
  const match = typeof time === 'string' ? /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(time) : null;
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}Z`);
  return Number.isNaN(ms) ? '0' : `${ms / 1000}${(match?.[2] ?? '').padEnd(9, '0')}`;
}
