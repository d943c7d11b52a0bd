// Copies the counters of one listener into the samples of a scrape.

import type { ListenerCounters } from './listener-counters.ts';
import type { SampleSet } from './sample-set.ts';

const classNames: readonly string[] = Object.freeze(['none', '1xx', '2xx', '3xx', '4xx', '5xx']);

export function collectListener(samples: SampleSet, listener: string, counters: ListenerCounters): void {
  collectConnections(samples, listener, counters);
  collectRequests(samples, listener, counters);
  collectTunnels(samples, listener, counters);
  collectRelays(samples, listener, counters);
  collectUpstream(samples, listener, counters);
  collectDecisions(samples, listener, counters);
}

function collectConnections(samples: SampleSet, listener: string, counters: ListenerCounters): void {
  const own = { listener };
  samples.add('postern_connections_open', own, counters.connectionsOpen);
  samples.add('postern_connections_accepted_total', own, counters.connectionsAccepted);
  samples.addCounts('postern_connections_refused_total', counters.refusals, (reason) => ({ listener, reason }));
  samples.addCounts('postern_handshakes_total', counters.handshakes, (key) => {
    const [result = '', reason = 'other'] = key.split(' ');
    return { listener, result, reason };
  });
  samples.addHistogram('postern_handshake_seconds', own, counters.handshakeTime);
  samples.add('postern_plaintext_connections_total', own, counters.plaintextConnections);
}

function collectRequests(samples: SampleSet, listener: string, counters: ListenerCounters): void {
  const own = { listener };
  samples.add('postern_requests_total', own, counters.requests);
  samples.add('postern_requests_in_flight', own, counters.requestsInFlight);
  for (const [at, name] of classNames.entries()) {
    samples.add('postern_responses_total', { listener, class: name }, counters.responseClasses[at]!);
  }
  samples.addCounts('postern_own_answers_total', counters.ownAnswers, (key) => ({
    listener,
    status: key.includes(' ') ? key.slice(0, key.indexOf(' ')) : key,
    reason: key.slice(key.indexOf(' ') + 1),
  }));
  samples.addCounts('postern_request_tokens_total', counters.tokens, (result) => ({ listener, result }));
  samples.addHistogram('postern_request_seconds', own, counters.requestTime);
  samples.add('postern_request_body_bytes_total', own, counters.requestBodyBytes);
  samples.add('postern_response_body_bytes_total', own, counters.responseBodyBytes);
  samples.add('postern_retries_total', own, counters.retries);
  samples.addCounts('postern_wire_errors_total', counters.wireErrors, (code) => ({ listener, code }));
  samples.addCounts('postern_limits_met_total', counters.limitsMet, (limit) => ({ listener, limit }));
}

function collectTunnels(samples: SampleSet, listener: string, counters: ListenerCounters): void {
  samples.add('postern_websockets_open', { listener }, counters.tunnelsOpen);
  samples.addCounts('postern_websockets_ended_total', counters.tunnelEnds, (result) => ({ listener, result }));
  samples.add('postern_websocket_bytes_total', { listener, direction: 'in' }, counters.tunnelBytesIn);
  samples.add('postern_websocket_bytes_total', { listener, direction: 'out' }, counters.tunnelBytesOut);
}

function collectRelays(samples: SampleSet, listener: string, counters: ListenerCounters): void {
  samples.add('postern_tcp_connections_open', { listener }, counters.relaysOpen);
  samples.addCounts('postern_tcp_connections_ended_total', counters.relayEnds, (result) => ({ listener, result }));
  samples.add('postern_tcp_bytes_total', { listener, direction: 'in' }, counters.relayBytesIn);
  samples.add('postern_tcp_bytes_total', { listener, direction: 'out' }, counters.relayBytesOut);
}

function collectUpstream(samples: SampleSet, listener: string, counters: ListenerCounters): void {
  const own = { listener };
  samples.add('postern_upstream_connects_total', own, counters.upstreamConnects);
  samples.addCounts('postern_upstream_connect_failures_total', counters.upstreamConnectFailures, (reason) => ({
    listener,
    reason,
  }));
  samples.add('postern_upstream_reused_total', own, counters.upstreamReused);
  samples.add('postern_upstream_name_failures_total', own, counters.nameFailures);
  samples.addCounts('postern_upstream_retries_total', counters.upstreamRetries, (reason) => ({ listener, reason }));
  samples.addCounts('postern_upstream_ejections_total', counters.ejections, (reason) => ({ listener, reason }));
  samples.addHistogram('postern_upstream_seconds', own, counters.upstreamTime);
}

function collectDecisions(samples: SampleSet, listener: string, counters: ListenerCounters): void {
  const own = { listener };
  for (const decision of ['allow', 'deny'] as const) {
    const counts = decision === 'allow' ? counters.allows : counters.denies;
    samples.addCounts('postern_decisions_total', counts, (reason) => ({ listener, decision, reason }));
  }
  samples.addHistogram('postern_decision_seconds', own, counters.decisionTime);
  samples.addCounts('postern_environment_boundary_total', counters.boundary, (effect) => ({ listener, effect }));
  samples.add('postern_credential_lifetime_alarms_total', own, counters.credentialLifetimeAlarms);
  samples.add('postern_shadow_would_change_total', own, counters.shadowChanges);
}
