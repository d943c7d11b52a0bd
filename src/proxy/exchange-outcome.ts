// How a request ended, as it goes on record beside its decision.

import type { DecisionEvent, OutcomeEvent, OutcomeResult } from '../audit/decision-event.ts';
import type { ErrorCode } from '../errors.ts';

/** What came of an exchange. */
export interface ExchangeEnd {
  readonly timeUs: number;
  readonly result: OutcomeResult;
  readonly status: number | null;
  readonly bytes: { readonly request: number; readonly response: number };
  readonly durationMs: number;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
}

/** `audit.outcomes`: asked before the event is made, since most requests need none. */
export function wantsOutcome(outcomes: 'all' | 'errors' | 'off', result: OutcomeResult): boolean {
  return outcomes === 'all' || (outcomes === 'errors' && result !== 'answered');
}

/** The event of an end. */
export function outcomeEvent(event: DecisionEvent, end: ExchangeEnd): OutcomeEvent {
  return {
    decisionId: event.decisionId,
    timeUs: end.timeUs,
    result: end.result,
    status: end.status,
    requestBytes: end.bytes.request,
    responseBytes: end.bytes.response,
    durationUs: Math.round(end.durationMs * 1000),
    connectionId: event.connection.connectionId,
    traceId: event.correlation.traceId,
    requestId: event.correlation.requestId,
    code: end.code,
    detail: end.detail,
  };
}
