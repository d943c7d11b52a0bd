// HOT PATH (npm run bench). The fields that frame a message and rule its connection, found in one pass (RFC 9112 §6, §9).

import { isFramingTwin } from './field-lines.ts';
import type { FieldList } from './field-list.ts';
import { isTokenText } from './octets.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

/** What the fields of a head say about framing and connection; -1 and null where they say nothing. */
export interface Framing {
  contentLength: number;
  isChunked: boolean;
  hosts: number;
  closes: boolean;
  keepsAlive: boolean;
  upgrades: boolean;
  nominated: string[] | null;
}

/** Connection options that are no field names. */
const connectionOptions: ReadonlySet<string> = new Set(['close', 'keep-alive', 'upgrade']);

/** Reads all fields; a fault in place of an exception. */
export function readFraming(fields: FieldList, minorVersion: 0 | 1): Framing | WireFault {
  const framing: Framing = {
    contentLength: -1,
    isChunked: false,
    hosts: 0,
    closes: false,
    keepsAlive: false,
    upgrades: false,
    nominated: null,
  };
  for (let at = 0; at < fields.length; at++) {
    const fault = readField(framing, fields.keys[at]!, fields.values[at]!);
    if (fault !== null) return fault;
  }
  if (framing.isChunked && framing.contentLength >= 0) return bad('both Content-Length and Transfer-Encoding');
  if (framing.isChunked && minorVersion === 0) return bad('Transfer-Encoding in HTTP/1.0');
  return framing;
}

function readField(framing: Framing, key: string, value: string): WireFault | null {
  switch (key) {
    case 'host':
      framing.hosts++;
      return null;
    case 'content-length':
      return readContentLength(framing, value);
    case 'transfer-encoding':
      if (framing.isChunked || value.toLowerCase() !== 'chunked') {
        return bad(`Transfer-Encoding that is not exactly one \`chunked\`: ${shownBytes(value)}`);
      }
      framing.isChunked = true;
      return null;
    case 'connection':
      return readConnection(framing, value);
    default:
      return isFramingTwin(key) ? bad(`field that may be read as one that frames: ${shownBytes(key)}`) : null;
  }
}

/** Digits only, once, at most 15 of them: beyond that a double is not exact (RFC 9112 §6.3). */
function readContentLength(framing: Framing, value: string): WireFault | null {
  if (framing.contentLength >= 0) return bad('repeated Content-Length');
  if (value === '' || value.length > 15) return bad(`Content-Length that is no number: ${shownBytes(value)}`);
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return bad(`Content-Length that is no number: ${shownBytes(value)}`);
    length = length * 10 + digit;
  }
  framing.contentLength = length;
  return null;
}

function readConnection(framing: Framing, value: string): WireFault | null {
  for (const part of value.split(',')) {
    const option = part.trim().toLowerCase();
    if (option === '') continue;
    if (!isTokenText(option)) return bad(`Connection option that is not a token: ${shownBytes(option)}`);
    if (option === 'close') framing.closes = true;
    else if (option === 'keep-alive') framing.keepsAlive = true;
    else if (option === 'upgrade') framing.upgrades = true;
    if (!connectionOptions.has(option)) {
      framing.nominated ??= [];
      framing.nominated.push(option);
    }
  }
  return null;
}

function bad(what: string): WireFault {
  return new WireFault('ERR_WIRE_FRAMING_INVALID', what);
}
