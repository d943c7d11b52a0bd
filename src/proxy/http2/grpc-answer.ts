// Own answers to gRPC calls: HTTP says 200, and the status is in trailers that come alone (PROTOCOL-HTTP2, "Trailers-Only"). The
// codes are those that gRPC's own mapping gives to the HTTP status, so that a client sees the same whoever answered.

import type { FieldPairs } from '../../wire/http2/http2-stream.ts';
import { type OwnAnswer, type OwnAnswerKind, ownAnswers } from '../own-answer.ts';

/** gRPC codes by HTTP status (grpc/doc/http-grpc-status-mapping.md), and where that has none the nearest in meaning. */
const codes: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [408, 14],
  [413, 8],
  [414, 8],
  [429, 14],
  [431, 8],
  [502, 14],
  [503, 14],
  [504, 14],
]);
const unknown = 2;

/** How a call ends. */
export function grpcStatusFields(kind: OwnAnswerKind): readonly string[] {
  const { status, detail } = ownAnswers[kind];
  return ['grpc-status', String(codes.get(status) ?? unknown), 'grpc-message', detail];
}

/** The fields of an own answer to a call. A deny is PERMISSION_DENIED whatever HTTP callers are told. */
export function grpcAnswerFields(kind: OwnAnswerKind, answer: OwnAnswer): FieldPairs {
  const fields = [':status', '200', 'content-type', 'application/grpc', ...grpcStatusFields(kind)];
  const at = answer.fields.indexOf('x-postern-decision-id');
  if (at >= 0) fields.push('x-postern-decision-id', answer.fields[at + 1]!);
  return fields;
}
