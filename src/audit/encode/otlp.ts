// OpenTelemetry logs as JSON (OTLP 1.x): lowerCamelCase, 64-bit integers as decimal strings, trace and span ids in hex,
// enums as numbers. One export request a record, as collectors read them from a file.

import { asciiEscaped, asciiJson } from '../record-text.ts';
import { compileWalk, type FieldValue, fieldJson, type RecordMembers } from './field-tree.ts';
import { logFacts, resourceFacts, scopeName } from './otlp-facts.ts';
import { classify } from './record-class.ts';

/** What stands before the value of an attribute. */
const walk = compileWalk('otlp', (targets) => targets.map(({ name }) => `{"key":${asciiJson(name)},"value":`));

type AnyValue = Readonly<Record<string, unknown>>;

/** A record as an export request of one record, without a line end; null for what is nothing to log. */
export function encodeOtlp(record: RecordMembers): string | null {
  const kind = classify(record);
  if (kind === null) return null;
  const { nanos, severityNumber, severityText, eventName, body, traceId, spanId, flags } = logFacts(record, kind);
  let attributes = '';
  walk(record, (keys, value) => {
    const text = valueText(value);
    for (const key of keys) attributes += `${attributes === '' ? '' : ','}${key}${text}}`;
  });
  const times = `"timeUnixNano":"${nanos}","observedTimeUnixNano":"${nanos}"`;
  const severity = `"severityNumber":${severityNumber},"severityText":"${severityText}"`;
  const what = `"eventName":"${eventName}","body":{"stringValue":"${body}"},"attributes":[${attributes}]`;
  const ids = `${traceId === null ? '' : `,"traceId":"${traceId}"`}${spanId === null ? '' : `,"spanId":"${spanId}"`}`;
  const trace = `${ids}${flags === null ? '' : `,"flags":${flags}`}`;
  const scope = `{"scope":{"name":"${scopeName}"},"logRecords":[{${times},${severity},${what}${trace}}]}`;
  return asciiEscaped(`{"resourceLogs":[{"resource":${resourceText(record)},"scopeLogs":[${scope}]}]}`);
}

function resourceText(record: RecordMembers): string {
  const attributes = resourceFacts(record).map(([key, value]) => `{"key":"${key}","value":${valueText(value)}}`);
  return `{"attributes":[${attributes}]}`;
}

function valueText(value: FieldValue): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${fieldJson(value)}}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    default:
      return asciiJson(anyValue(value));
  }
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
