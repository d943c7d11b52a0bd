// What an exchange may do, by the request it carries and by what went wrong at the workload.

import type { OutcomeResult } from '../audit/decision-event.ts';
import type { ErrorCode } from '../errors.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import type { OwnAnswerKind } from './own-answer.ts';
import type { UpstreamFault } from './upstream-user.ts';

/** A denied request's body up to this size is read away, so that the connection can be kept. */
export const discardableBytes = 64 * 1024;

const faultAnswers: Readonly<Record<UpstreamFault, OwnAnswerKind>> = {
  unreachable: 'workload_unreachable',
  unprocessed: 'workload_failed',
  closed_before_answer: 'workload_failed',
  broken_answer: 'workload_failed',
  invalid_answer: 'workload_failed',
  timeout: 'workload_timeout',
};

const peerAnswers: ReadonlyMap<string, OwnAnswerKind> = new Map<ErrorCode, OwnAnswerKind>([
  ['ERR_OUTBOUND_DNS', 'peer_unresolved'],
  ['ERR_OUTBOUND_UNREACHABLE', 'peer_unreachable'],
  ['ERR_OUTBOUND_HANDSHAKE', 'peer_handshake'],
  ['ERR_OUTBOUND_IDENTITY', 'peer_identity'],
  ['ERR_OUTBOUND_FAILED', 'peer_failed'],
  ['ERR_OUTBOUND_TIMEOUT', 'peer_timeout'],
  ['ERR_OUTBOUND_OVERLOADED', 'peer_overloaded'],
]);

/** The answer that a fault turns into; of a peer that the workload calls it says which step failed. */
export function answerOfFault(fault: UpstreamFault, code: ErrorCode): OwnAnswerKind {
  return peerAnswers.get(code) ?? faultAnswers[fault];
}

/** How a fault stands on record. */
export function faultResult(fault: UpstreamFault, code: ErrorCode): OutcomeResult {
  if (code === 'ERR_OUTBOUND_OVERLOADED') return 'limit';
  if (fault === 'unreachable') return 'upstream_unreachable';
  return fault === 'timeout' ? 'upstream_timeout' : 'upstream_failed';
}

/** Safe methods without a body (RFC 9110 §9.2.1). */
export function isRepeatable(head: RequestHead): boolean {
  return head.framing === 'none' && (head.method === 'GET' || head.method === 'HEAD' || head.method === 'OPTIONS');
}

/** A denied request whose body is read away, so that its connection can be kept. */
export function isDiscardable(head: RequestHead): boolean {
  if (!head.keepAlive || head.expectsContinue) return false;
  return head.framing === 'none' || (head.framing === 'length' && head.contentLength <= discardableBytes);
}
