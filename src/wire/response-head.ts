// HOT PATH (npm run bench). From the text of a response head to its parsed parts (RFC 9112 §4).

import { withoutNominated } from './connection-options.ts';
import { parseFieldLines } from './field-lines.ts';
import type { HeadLimits } from './head-limits.ts';
import type { BodyFraming, ResponseHead } from './http1-message.ts';
import { type Framing, readFraming } from './message-framing.ts';
import { isFieldValueText } from './octets.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

interface StatusLine {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: 0 | 1;
}

/** Parses a head without its closing empty line, as the answer to `method`; a fault in place of an exception. */
export function parseResponseHead(text: string, method: string, limits: HeadLimits): ResponseHead | WireFault {
  const lineEnd = text.indexOf('\r\n');
  const line = parseStatusLine(text.slice(0, lineEnd));
  if (line instanceof WireFault) return line;
  const fields = parseFieldLines(text, lineEnd + 2, limits.fieldCount);
  if (fields instanceof WireFault) return fields;
  const framing = readFraming(fields, line.minorVersion);
  if (framing instanceof WireFault) return framing;
  const bodyFraming = framingOf(line.status, method, framing);
  return {
    status: line.status,
    reason: line.reason,
    minorVersion: line.minorVersion,
    fields: framing.nominated === null ? fields : withoutNominated(fields, framing.nominated),
    framing: bodyFraming,
    contentLength: bodyFraming === 'length' ? framing.contentLength : 0,
    keepAlive: line.minorVersion === 1 ? !framing.closes : framing.keepsAlive && !framing.closes,
    upgrades: framing.upgrades,
    nominated: framing.nominated,
  };
}

function parseStatusLine(text: string): StatusLine | WireFault {
  const minorVersion = text.startsWith('HTTP/1.1 ') ? 1 : text.startsWith('HTTP/1.0 ') ? 0 : null;
  if (minorVersion === null) return bad(text);
  const status = parseStatus(text);
  if (status === null) return bad(text);
  // The reason may be empty; some servers leave out the space before it too (RFC 9112 §4).
  if (text.length > 12 && text[12] !== ' ') return bad(text);
  const reason = text.slice(13);
  return isFieldValueText(reason) ? { status, reason, minorVersion } : bad(text);
}

/** Three digits, 100-599. */
function parseStatus(text: string): number | null {
  const hundreds = text.charCodeAt(9) - 0x30;
  const tens = text.charCodeAt(10) - 0x30;
  const ones = text.charCodeAt(11) - 0x30;
  const isStatus = hundreds >= 1 && hundreds <= 5 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
  return isStatus ? hundreds * 100 + tens * 10 + ones : null;
}

function bad(text: string): WireFault {
  return new WireFault('ERR_WIRE_RESPONSE_INVALID', `not a status line: ${shownBytes(text)}`);
}

/** RFC 9112 §6.3: what has no body whatever its fields say, then chunked, length, or until the connection closes. */
function framingOf(status: number, method: string, framing: Framing): BodyFraming {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  if (framing.isChunked) return 'chunked';
  return framing.contentLength >= 0 ? 'length' : 'close';
}
