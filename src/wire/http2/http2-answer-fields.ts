// HOT PATH (npm run bench). Answers as the fields of a stream (RFC 9113 §8.3.2): what HTTP/1.1 would write, without what frames
// messages there.

import type { FieldList } from '../field-list.ts';
import { isResponseFieldOurs, isTrailerKept } from '../forward-head.ts';
import type { ResponseHead } from '../http1-message.ts';
import type { FieldPairs } from './http2-stream.ts';

/** The head of an answer; `added` follows it. */
export function answerFields(head: ResponseHead, added: FieldPairs): FieldPairs {
  const { fields } = head;
  const pairs = [':status', String(head.status)];
  for (let at = 0; at < fields.length; at++) {
    const key = fields.keys[at]!;
    if (!isResponseFieldOurs(key)) pairs.push(key, fields.values[at]!);
  }
  const length = contentLength(head);
  if (length !== undefined) pairs.push('content-length', length);
  for (const text of added) pairs.push(text);
  return pairs;
}

/** To HEAD and in 304 it is a statement about another answer; 1xx and 204 have none (RFC 9110 §8.6). */
function contentLength(head: ResponseHead): string | undefined {
  if (head.framing === 'length') return String(head.contentLength);
  if (head.framing !== 'none' || head.status < 200 || head.status === 204) return undefined;
  return head.fields.get('content-length');
}

/** The trailers that are safe to pass on; null where there are none. */
export function trailerFields(trailers: FieldList | null, nominated: readonly string[] | null): FieldPairs | null {
  if (trailers === null) return null;
  const pairs: string[] = [];
  for (let at = 0; at < trailers.length; at++) {
    const key = trailers.keys[at]!;
    if (isTrailerKept(key, nominated)) pairs.push(key, trailers.values[at]!);
  }
  return pairs.length === 0 ? null : pairs;
}
