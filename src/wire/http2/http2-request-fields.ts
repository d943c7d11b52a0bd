// HOT PATH (npm run bench -- --only h2). Requests as the fields of a stream towards a workload or a peer (RFC 9113 §8.3.1): what HTTP/1.1 would
// write, in the order in which it would.

import { fieldFate } from '../field-fate.ts';
import { mayBeGrpc } from '../grpc-type.ts';
import type { RequestHead } from '../http1-message.ts';
import { isConnectionField } from './http2-request-head.ts';
import type { FieldPairs } from './http2-stream.ts';

/** Where a request goes. */
export interface RequestWay {
  /** Canonical path with its query. */
  readonly target: string;
  readonly scheme: 'http' | 'https';
  /** Whole lines with CRLF, as for HTTP/1.1. */
  readonly added: string;
}

export function requestFields(head: RequestHead, { target, scheme, added }: RequestWay): FieldPairs {
  const { fields } = head;
  const pairs = [':method', head.method, ':scheme', scheme, ':authority', fields.get('host')!, ':path', target];
  for (let at = 0; at < fields.length; at++) {
    const key = fields.keys[at]!;
    if (fieldFate(key) === 'keep') pairs.push(key, fields.values[at]!);
  }
  // Of the connection by RFC 9110, but gRPC asks for it end to end: without it some servers refuse the call. What was not
  // judged as one gets none, so that those who look at nothing else refuse it, too.
  if (fields.get('te') === 'trailers' && mayBeGrpc(fields)) pairs.push('te', 'trailers');
  if (head.expectsContinue) pairs.push('expect', '100-continue');
  if (head.framing === 'length') pairs.push('content-length', String(head.contentLength));
  for (let at = 0; at < added.length; ) {
    const colon = added.indexOf(': ', at);
    const end = added.indexOf('\r\n', colon);
    const name = added.slice(at, colon).toLowerCase();
    const value = added.slice(colon + 2, end);
    if (!isConnectionField(name, value)) pairs.push(name, value);
    at = end + 2;
  }
  return pairs;
}
