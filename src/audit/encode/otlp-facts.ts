// What an OTLP log record says beside its attributes, in either form.

import { cleanText } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import type { RecordMembers } from './field-tree.ts';
import type { RecordClass } from './record-class.ts';

export const scopeName = 'postern.audit';

export interface LogFacts {
  /** Nanoseconds since the Unix epoch, decimal; `0` where it is unknown. */
  readonly nanos: string;
  readonly severityNumber: RecordClass['otlpSeverity'];
  readonly severityText: string;
  readonly eventName: string;
  readonly body: string;
  /** Hex as W3C Trace Context allows it, or null. */
  readonly traceId: string | null;
  readonly spanId: string | null;
  readonly flags: number | null;
}

/** Attributes of the resource, of what the record says of the proxy. */
const resourceFields: readonly (readonly [name: string, attribute: string])[] = [
  ['instance', 'service.instance.id'],
  ['version', 'service.version'],
  ['node', 'host.name'],
  ['pod', 'k8s.pod.name'],
];
const severityTexts = Object.freeze({ 9: 'INFO', 13: 'WARN', 17: 'ERROR' } as const);
const isoTime = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;
const latestSeconds = Math.floor(2 ** 64 / 1e9);
const noTrace = Object.freeze({ traceId: null, spanId: null, flags: null });

/** Of a record of a kind. */
export function logFacts(record: RecordMembers, kind: RecordClass): LogFacts {
  const { type } = record as { type?: unknown };
  return {
    nanos: unixNanos(record['time']),
    severityNumber: kind.otlpSeverity,
    severityText: severityTexts[kind.otlpSeverity],
    eventName: type === 'decision' ? 'authz.decision' : `authz.${String(type)}`,
    body: kind.name,
    ...traceOf(record),
  };
}

/** What the record was made by, as names and values. */
export function resourceFacts(record: RecordMembers): readonly (readonly [attribute: string, value: string])[] {
  const proxy = objectOf(record['proxy']);
  const facts: (readonly [string, string])[] = [['service.name', 'postern']];
  for (const [name, attribute] of resourceFields) {
    const value = proxy?.[name];
    if (typeof value === 'string') facts.push([attribute, cleanText(value, 256)]);
  }
  return facts;
}

function traceOf(record: RecordMembers): Pick<LogFacts, 'traceId' | 'spanId' | 'flags'> {
  const correlation = objectOf(record['correlation']);
  const [trace, span, flags] = [correlation?.['trace_id'], correlation?.['span_id'], correlation?.['trace_flags']];
  if (!isId(trace, 32)) return noTrace;
  return {
    traceId: trace,
    spanId: isId(span, 16) ? span : null,
    flags: typeof flags === 'string' && /^[0-9a-f]{2}$/.test(flags) ? Number.parseInt(flags, 16) : null,
  };
}

/** Hex, and not all zero. */
function isId(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value) && !/^0+$/.test(value);
}

/** As the 64 bits of a `fixed64` hold it, up to the year 2554. */
function unixNanos(time: unknown): string {
  const match = typeof time === 'string' ? isoTime.exec(time) : null;
  const seconds = match === null ? Number.NaN : Date.parse(`${match[1]}Z`) / 1000;
  return seconds >= 0 && seconds < latestSeconds ? `${seconds}${(match?.[2] ?? '').padEnd(9, '0')}` : '0';
}
