// HOT PATH (npm run bench -- --only h2). From the fields of an answer to the same head that HTTP/1.1 gives (RFC 9113 §8.3.2, §8.2): a
// workload that is hostile or broken gets no further over HTTP/2.

import { FieldList } from '../field-list.ts';
import type { BodyFraming, ResponseHead } from '../http1-message.ts';
import { readFraming } from '../message-framing.ts';
import { WireFault } from '../wire-fault.ts';
import type { HeaderBlock } from './hpack-decoder.ts';
import { isConnectionField } from './http2-request-head.ts';

/** The head of an answer to `method`, or what is wrong with it. */
export function readAnswerHead(block: HeaderBlock, method: string, endStream: boolean): ResponseHead | string {
  if (block.unsound !== null) return `a field ${block.unsound} that HTTP does not have`;
  if (block.tooLarge) return 'a head that is too large';
  const { keys, values } = block.fields;
  const status = keys[0] === ':status' ? parseStatus(values[0]!) : null;
  if (status === null) return 'no :status in front that is one';
  const fields = new FieldList();
  for (let at = 1; at < keys.length; at++) {
    const key = keys[at]!;
    if (key.charCodeAt(0) === 0x3a) return 'a pseudo-header field that answers do not have';
    if (isConnectionField(key, values[at]!)) return 'a connection-specific field';
    fields.push(key, key, values[at]!);
  }
  const framing = readFraming(fields, 1);
  if (framing instanceof WireFault) return framing.error.message;
  return makeHead({ status, fields, contentLength: framing.contentLength }, method, endStream);
}

/** Three digits, 100-599; HTTP/2 has no 101 (RFC 9113 §8.6). */
function parseStatus(text: string): number | null {
  return /^[1-5][0-9]{2}$/.test(text) && text !== '101' ? Number(text) : null;
}

function makeHead(
  parts: { readonly status: number; readonly fields: FieldList; readonly contentLength: number },
  method: string,
  endStream: boolean,
): ResponseHead | string {
  const { status, fields, contentLength } = parts;
  const framing = framingOf(parts, method, endStream);
  if (framing === null) return 'a content-length without content, or content where there is none';
  if (endStream && status < 200) return 'an end with an interim answer';
  return {
    status,
    reason: '',
    minorVersion: 1,
    fields,
    framing,
    contentLength: framing === 'length' ? Math.max(contentLength, 0) : 0,
    keepAlive: true,
    upgrades: false,
    nominated: null,
  };
}

/** RFC 9113 §8.1.1. Without a length and with content to come it is chunked for whoever speaks HTTP/1.1. */
function framingOf(
  { status, contentLength }: { readonly status: number; readonly contentLength: number },
  method: string,
  endStream: boolean,
): BodyFraming | null {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  if (!endStream) return contentLength >= 0 ? 'length' : 'chunked';
  return contentLength > 0 ? null : 'length';
}
