// HOT PATH (npm run bench). Field lines of heads and trailers (RFC 9110 §5, RFC 9112 §5): strict, since each tolerance is
// a way for two readers to see two messages.

import { FieldList } from './field-list.ts';
import { isFieldValueText, isTokenText } from './octets.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

/** Parses lines from `from` to the end of `text`, which ends without CRLF; a fault in place of an exception. */
export function parseFieldLines(text: string, from: number, fieldCount: number): FieldList | WireFault {
  const fields = new FieldList();
  let at = from;
  while (at < text.length) {
    const found = text.indexOf('\r\n', at);
    const end = found < 0 ? text.length : found;
    if (fields.length >= fieldCount) {
      return new WireFault('ERR_WIRE_HEAD_TOO_LARGE', `more than ${fieldCount} field lines`, 431);
    }
    const fault = parseFieldLine(text, at, { end, fields });
    if (fault !== null) return fault;
    at = end + 2;
  }
  return fields;
}

function parseFieldLine(
  text: string,
  start: number,
  line: { readonly end: number; readonly fields: FieldList },
): WireFault | null {
  const { end, fields } = line;
  const colon = text.indexOf(':', start);
  if (colon < 0 || colon >= end) return bad('field line without a colon', text.slice(start, end));
  const name = text.slice(start, colon);
  // A space before the colon and obs-fold (a line that begins with one) fail here too: neither is a token.
  if (!isTokenText(name)) return bad('field name that is not a token', text.slice(start, end));
  const value = trimmed(text, colon + 1, end);
  if (!isFieldValueText(value)) return bad(`value of ${shownBytes(name)} with a control octet`, value);
  fields.push(name, name.toLowerCase(), value);
  return null;
}

function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}

function bad(what: string, shown: string): WireFault {
  return new WireFault('ERR_WIRE_FIELD_INVALID', `${what}: ${shownBytes(shown)}`);
}

/** A field name in the spelling that a CGI-like workload makes of it: `_` and `.` read as `-`. */
export function foldedKey(key: string): string {
  return key.includes('_') || key.includes('.') ? key.replaceAll(/[_.]/g, '-') : key;
}

const framingKeys: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'host']);

/** True for `content_length` and the like: a workload may read it as the field that frames the message. */
export function isFramingTwin(key: string): boolean {
  const folded = foldedKey(key);
  return folded !== key && framingKeys.has(folded);
}
