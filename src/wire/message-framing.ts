// HOT PATH (npm run bench). The fields that frame a message and rule its connection, found in one pass (RFC 9112 §6, §9).

import { readConnection } from './connection-options.ts';
import type { FieldList } from './field-list.ts';
import { isFramingTwin } from './folded-key.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

/** What the fields of a head say about framing and connection; -1 and null where they say nothing. */
export interface Framing {
  contentLength: number;
  isChunked: boolean;
  /** Values of Host; only the first is kept. */
  hosts: number;
  host: string;
  closes: boolean;
  keepsAlive: boolean;
  upgrades: boolean;
  expects: boolean;
  nominated: string[] | null;
}

/** Reads all fields; a fault in place of an exception. */
export function readFraming(fields: FieldList, minorVersion: 0 | 1): Framing | WireFault {
  const framing: Framing = {
    contentLength: -1,
    isChunked: false,
    hosts: 0,
    host: '',
    closes: false,
    keepsAlive: false,
    upgrades: false,
    expects: false,
    nominated: null,
  };
  for (let at = 0; at < fields.length; at++) {
    const fault = readField(framing, fields.keys[at]!, fields.values[at]!);
    if (fault !== null) return fault;
  }
  if (framing.isChunked && framing.contentLength >= 0) return badFraming('both Content-Length and Transfer-Encoding');
  if (framing.isChunked && minorVersion === 0) return badFraming('Transfer-Encoding in HTTP/1.0');
  return framing;
}

/** The length of a name decides first: most fields are none of these, nor their twins. */
function readField(framing: Framing, key: string, value: string): WireFault | null {
  switch (key.length) {
    case 4:
      if (key === 'host' && framing.hosts++ === 0) framing.host = value;
      return null;
    case 6:
      return key === 'expect' ? readExpect(framing, value) : null;
    case 10:
      return key === 'connection' ? readConnection(framing, value) : null;
    case 14:
      return key === 'content-length' ? readContentLength(framing, value) : refuseTwin(key);
    case 17:
      return key === 'transfer-encoding' ? readTransferEncoding(framing, value) : refuseTwin(key);
    default:
      return null;
  }
}

/** Digits only, once, at most 15 of them: beyond that a double is not exact (RFC 9112 §6.3). No zero in front. */
function readContentLength(framing: Framing, value: string): WireFault | null {
  if (framing.contentLength >= 0) return badFraming('repeated Content-Length');
  const isPadded = value.length > 1 && value.charCodeAt(0) === 0x30;
  if (value === '' || value.length > 15 || isPadded) return badLength(value);
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return badLength(value);
    length = length * 10 + digit;
  }
  framing.contentLength = length;
  return null;
}

function readTransferEncoding(framing: Framing, value: string): WireFault | null {
  if (framing.isChunked) return badFraming('repeated Transfer-Encoding');
  const codings = value.toLowerCase();
  if (codings === 'chunked') {
    framing.isChunked = true;
    return null;
  }
  const what = `Transfer-Encoding that is not exactly one \`chunked\`: ${shownBytes(value)}`;
  return badFraming(what, isCompressedCoding(codings) ? 501 : 400);
}

/** Well-formed codings of RFC 9112 §7.2, which Postern does not serve; whatever else is not `chunked` is a game. */
function isCompressedCoding(codings: string): boolean {
  return /^(x-)?(gzip|deflate|compress), ?chunked$/.test(codings);
}

/** Exactly one `100-continue` (RFC 9110 §10.1.1): variants of it put servers out of step with their proxies. */
function readExpect(framing: Framing, value: string): WireFault | null {
  if (framing.expects || value.toLowerCase() !== '100-continue') {
    return new WireFault('ERR_WIRE_FIELD_INVALID', `Expect that is not one \`100-continue\`: ${shownBytes(value)}`);
  }
  framing.expects = true;
  return null;
}

function refuseTwin(key: string): WireFault | null {
  return isFramingTwin(key) ? badFraming(`field that may be read as one that frames: ${shownBytes(key)}`) : null;
}

function badLength(value: string): WireFault {
  return badFraming(`Content-Length that is no plain number: ${shownBytes(value)}`);
}

function badFraming(what: string, status = 400): WireFault {
  return new WireFault('ERR_WIRE_FRAMING_INVALID', what, status);
}
