// Members of the records that are rare enough for JSON.stringify: refused peers and ends of requests.

import type { AuthnFailedEvent, OutcomeEvent } from './decision-event.ts';
import { credentialMembers, failureMembers } from './record-fragments.ts';
import type { RecordText } from './record-text.ts';

/** A peer that was refused before there was a request. What it showed is unverified and stands apart from `principal`. */
export function authnFailedMembers(event: AuthnFailedEvent, text: RecordText): Record<string, unknown> {
  return {
    decision_id: text.clean(event.decisionId, '/decision_id'),
    decision: 'deny',
    reason: event.reason,
    enforced: true,
    authn_failure: failureMembers(text, event),
    listener: text.clean(event.connection.listener, '/listener'),
    principal: { workload_id: 'anonymous', authn: 'none', credential: credentialMembers(text, event.connection) },
    network: {
      direction: event.direction,
      source_ip: text.clean(event.sourceIp, '/network/source_ip'),
      source_port: text.integer(event.sourcePort, '/network/source_port'),
      destination_ip: text.clean(event.destinationIp, '/network/destination_ip'),
      destination_port: text.integer(event.destinationPort, '/network/destination_port'),
    },
    tls: { sni: text.clean(event.sni, '/tls/sni'), resumed: event.connection.resumed },
    correlation: { connection_id: text.clean(event.connection.connectionId, '/correlation/connection_id') },
  };
}

/** How a request ended. */
export function outcomeMembers(event: OutcomeEvent, text: RecordText): Record<string, unknown> {
  return {
    decision_id: text.clean(event.decisionId, '/decision_id'),
    outcome: {
      result: event.result,
      status: text.integer(event.status, '/outcome/status'),
      request_bytes: text.integer(event.requestBytes, '/outcome/request_bytes'),
      response_bytes: text.integer(event.responseBytes, '/outcome/response_bytes'),
      code: text.clean(event.code, '/outcome/code'),
      detail: text.clean(event.detail, '/outcome/detail'),
    },
    correlation: {
      trace_id: text.clean(event.traceId, '/correlation/trace_id'),
      request_id: text.clean(event.requestId, '/correlation/request_id'),
      connection_id: text.clean(event.connectionId, '/correlation/connection_id'),
    },
    timing: { total_us: text.integer(event.durationUs, '/timing/total_us') },
  };
}
