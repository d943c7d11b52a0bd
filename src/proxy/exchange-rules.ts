// What an exchange may do, by the request it carries and by what went wrong at the workload.

import type { OutcomeResult } from '../audit/decision-event.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import type { OwnAnswerKind } from './own-answer.ts';
import type { UpstreamFault } from './upstream-user.ts';

/** A denied request's body up to this size is read away, so that the connection can be kept. */
export const discardableBytes = 64 * 1024;

/** The answer that a fault turns into. */
export const faultAnswers: Readonly<Record<UpstreamFault, OwnAnswerKind>> = {
  unreachable: 'workload_unreachable',
  closed_before_answer: 'workload_failed',
  broken_answer: 'workload_failed',
  invalid_answer: 'workload_failed',
  timeout: 'workload_timeout',
};

/** How a fault stands on record. */
export function faultResult(fault: UpstreamFault): OutcomeResult {
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
