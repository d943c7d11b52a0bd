// Syslog with structured data (RFC 5424), one message a record. Framing and transport are the sink's.

import { cleanText } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import { compileFields, type RecordMembers } from './field-tree.ts';
import { classify } from './record-class.ts';

const walk = compileFields('rfc5424');

/** Facility 10, security and authorization messages. */
const authpriv = 10 * 8;
/** RFC 5612: the enterprise number for documentation, as none is registered. */
const enterpriseNumber = 32473;
const largestSequenceId = 2_147_483_647;

/** A record as an RFC 5424 message, without a line end; null for what syslog has no use for. */
export function encodeRfc5424(record: RecordMembers): string | null {
  const head = syslogHead(record);
  if (head === null) return null;
  const version = objectOf(record['proxy'])?.['version'];
  return `${head} ${ownElement(record)}${originElement(version)}${metaElement(record['seq'])}${timeQuality}`;
}

/** The header of a message, up to the structured data; null for what syslog has no use for. */
export function syslogHead(record: RecordMembers): string | null {
  const kind = classify(record);
  if (kind === null) return null;
  const proxy = objectOf(record['proxy']);
  const host = headerText(proxy?.['node'] ?? proxy?.['pod'] ?? proxy?.['instance'], 255);
  const stream = headerText(record['stream_id'], 128);
  const priority = `<${authpriv + kind.syslogSeverity}>1`;
  return `${priority} ${timestamp(record['time'])} ${host} postern ${stream} ${messageIds[String(record['type'])]}`;
}

const messageIds: Readonly<Record<string, string>> = Object.freeze({
  decision: 'AUTHZ',
  outcome: 'OUTCOME',
  gap: 'GAP',
  recovered: 'RECOVERED',
});
const timeQuality = '[timeQuality tzKnown="1"]';

function ownElement(record: RecordMembers): string {
  let params = '';
  walk(record, (target, value) => {
    params += ` ${target.name}="${escapeParam(String(value))}"`;
  });
  return `[authz@${enterpriseNumber}${params}]`;
}

function originElement(version: unknown): string {
  const software = typeof version === 'string' ? ` swVersion="${escapeParam(cleanText(version, 32))}"` : '';
  return `[origin software="postern"${software}]`;
}

/** Counts within a stream; begins anew at the largest number that the RFC allows (§7.3.1). */
function metaElement(seq: unknown): string {
  if (!Number.isSafeInteger(seq) || (seq as number) < 1) return '';
  return `[meta sequenceId="${(((seq as number) - 1) % largestSequenceId) + 1}"]`;
}

/** RFC 3339 with at most six digits of a second (§6.2.3), or the nil value. */
function timestamp(time: unknown): string {
  return typeof time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(time) ? time : '-';
}

/** Printable ASCII without spaces, or the nil value (§6.2). */
function headerText(value: unknown, most: number): string {
  const text = typeof value === 'string' ? value.replace(/[^\x21-\x7e]/g, '_').slice(0, most) : '';
  return text === '' ? '-' : text;
}

/** `"`, `\` and `]` are escaped (§6.3.3); control characters may not be forwarded (§8.2). */
function escapeParam(value: string): string {
  return value.replace(/[\x00-\x1f\x7f]/g, '\ufffd').replace(/["\\\]]/g, '\\$&');
}
