// HOT PATH (npm run bench). Heads as they go on: written anew from parsed parts, in the order and spelling of what came,
// without what ends here, with the framing that we found and the lines that we add.

import { fieldFate, isSafeTrailer } from './field-fate.ts';
import type { FieldList } from './field-list.ts';
import type { BodyFraming, RequestHead, ResponseHead } from './http1-message.ts';

/** Serialises a request for the workload; `target` is canonical, `added` are whole lines with CRLF. */
export function serializeRequestHead(head: RequestHead, target: string, added: string): string {
  const { fields } = head;
  let text = `${head.method} ${target} HTTP/1.1\r\nHost: ${fields.get('host')!}\r\n`;
  for (let at = 0; at < fields.length; at++) {
    const key = fields.keys[at]!;
    if (fieldFate(key) !== 'keep') continue;
    text += `${fields.names[at]!}: ${fields.values[at]!}\r\n`;
  }
  if (head.expectsContinue) text += 'Expect: 100-continue\r\n';
  if (head.framing === 'length') text += `Content-Length: ${head.contentLength}\r\n`;
  else if (head.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  return `${text + added}\r\n`;
}

/** How an answer goes to the peer. */
export interface ForwardedAnswer {
  readonly added: string;
  /** How its body is framed towards the peer. */
  readonly framing: BodyFraming;
  readonly closeAfter: boolean;
  /** HTTP/1.x that the peer speaks. */
  readonly minorVersion: 0 | 1;
}

/** Serialises a response for the peer. */
export function serializeResponseHead(head: ResponseHead, answer: ForwardedAnswer): string {
  const { fields } = head;
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  for (let at = 0; at < fields.length; at++) {
    const key = fields.keys[at]!;
    if (isResponseFieldOurs(key)) continue;
    text += `${fields.names[at]!}: ${fields.values[at]!}\r\n`;
  }
  text += framingLines(head, answer.framing);
  if (head.status >= 200) {
    if (answer.closeAfter) text += 'Connection: close\r\n';
    else if (answer.minorVersion === 0) text += 'Connection: keep-alive\r\n';
  }
  return `${text + answer.added}\r\n`;
}

/** Correlation fields are the workload's to send back; the rest that is not kept ends here. */
export function isResponseFieldOurs(key: string): boolean {
  const fate = fieldFate(key);
  return fate !== 'keep' && fate !== 'correlation' && fate !== 'host' && fate !== 'expect';
}

function framingLines(head: ResponseHead, framing: BodyFraming): string {
  if (framing === 'length') return `Content-Length: ${head.contentLength}\r\n`;
  if (framing === 'chunked') return 'Transfer-Encoding: chunked\r\n';
  // To HEAD and in 304 the length is a statement about another answer; 1xx and 204 have none (RFC 9110 §8.6).
  if (framing === 'none' && head.status >= 200 && head.status !== 204) {
    const stated = head.fields.get('content-length');
    if (stated !== undefined) return `Content-Length: ${stated}\r\n`;
  }
  return '';
}

/** The trailer fields that are safe to pass on, as whole lines; none that Connection `nominated` (RFC 9110 §7.6.1). */
export function serializeTrailers(trailers: FieldList, nominated: readonly string[] | null): string {
  let text = '';
  for (let at = 0; at < trailers.length; at++) {
    const key = trailers.keys[at]!;
    if (!isTrailerKept(key, nominated)) continue;
    text += `${trailers.names[at]!}: ${trailers.values[at]!}\r\n`;
  }
  return text;
}

/** Whether a trailer field goes on; none that Connection `nominated`. */
export function isTrailerKept(key: string, nominated: readonly string[] | null): boolean {
  return isSafeTrailer(key) && nominated?.includes(key) !== true;
}
