// HOT PATH (npm run bench). The names by which one request is found again at the caller, in our records and at the
// workload: request id and W3C trace context. Taken from the caller where valid, made where not (records.md).

import type { Correlation } from '../audit/decision-event.ts';
import type { RandomIds } from '../lib/random-ids.ts';
import type { FieldList } from '../wire/field-list.ts';
import { isAcceptableRequestId } from '../wire/request-id.ts';
import { parseTraceparent } from '../wire/trace-context.ts';

/** Flags of a trace that starts here: not sampled, since nobody upstream asked for it (W3C Trace Context §3.2.2.5). */
const freshTraceFlags = '00';

/**
 * Draws the correlation of a request from its fields; null: the request never had a readable head. A request without an id
 * gets that of its decision: one name less to search for, and one UUID less to make.
 */
export function correlate(fields: FieldList | null, decisionId: string, ids: RandomIds): Correlation {
  const sentId = fields === null ? undefined : fields.getSingle('x-request-id');
  const taken = sentId !== undefined && isAcceptableRequestId(sentId);
  const sentTrace = fields === null ? undefined : fields.getSingle('traceparent');
  const trace = sentTrace === undefined ? null : parseTraceparent(sentTrace);
  return {
    requestId: taken ? sentId : decisionId,
    requestIdSource: taken ? 'client' : 'generated',
    traceId: trace === null ? ids.traceId() : trace.traceId,
    // Our own span: the workload's parent is this hop, whose record carries the same id.
    spanId: ids.spanId(),
    traceFlags: trace === null ? freshTraceFlags : trace.flags,
  };
}

/** The fields that hand the correlation on. */
export function correlationFields(correlation: Correlation): string {
  return `x-request-id: ${correlation.requestId}\r\ntraceparent: 00-${correlation.traceId}-${correlation.spanId}-${correlation.traceFlags}\r\n`;
}
