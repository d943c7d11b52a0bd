// The one catalog of metrics: names, types, help and labels. Names are API (dashboards and alerts depend on them): prefix
// `postern_`, base units, `_total` for counters. No label ever holds a path, an address, or an identity of a peer; a trust
// domain is one of the configuration.

/** What a metric is. `labels` is the closed list of its labels. */
export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** How the figures of several workers become one. */
  readonly join: MetricJoin;
}

/** `supervisor`: workers are not asked, the process above them knows it. */
export type MetricJoin = 'sum' | 'min' | 'max' | 'supervisor';

/** Upper bounds of histogram buckets, seconds. Requests and handshakes last from a fraction of a millisecond to minutes. */
export const durationBounds: readonly number[] = Object.freeze([
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]);

/** Upper bounds for work done in memory or by one system call, seconds. */
export const shortWorkBounds: readonly number[] = Object.freeze([
  0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02,
  0.05, 0.1, 0.5, 1, 5,
]);

function entry<const L extends readonly string[]>(type: MetricEntry['type'], help: string, labels: L) {
  return Object.freeze({ type, help, labels, join: 'sum' as MetricJoin });
}

function joined<const E extends MetricEntry>(join: MetricJoin, one: E): E {
  return Object.freeze({ ...one, join });
}

const counter = <const L extends readonly string[]>(help: string, ...labels: L) => entry('counter', help, labels);
const gauge = <const L extends readonly string[]>(help: string, ...labels: L) => entry('gauge', help, labels);
const histogram = <const L extends readonly string[]>(help: string, ...labels: L) => entry('histogram', help, labels);

/** Every metric but those of the process itself, which prom-client names. */
export const metricCatalog = Object.freeze({
  postern_build_info: joined('max', gauge('Always 1; says what runs.', 'version', 'node_version')),
  postern_ready: joined('supervisor', gauge('1 while every readiness check holds.')),
  postern_draining: joined('supervisor', gauge('1 from SIGTERM or /drain on.')),
  postern_config_loaded_timestamp_seconds: joined('supervisor', gauge('When the configuration in force was loaded.')),
  postern_config_reloads_total: joined(
    'supervisor',
    counter('Reloads: applied, refused (the old configuration goes on).', 'result'),
  ),
  postern_workers: joined('supervisor', gauge('Processes that serve.')),
  postern_worker_restarts_total: joined('supervisor', counter('Workers that ended by themselves, or did not start.')),
  postern_deadlines_pending: gauge('Time limits that run: of connections, requests, connections to the workload.'),
  postern_log_suppressed_total: counter('Lines of the operational log held back by its rate limits.'),
  postern_log_dropped_total: counter('Lines of the operational log lost because nobody reads standard error.'),

  postern_connections_open: gauge('Connections of peers that are established.', 'listener'),
  postern_connections_accepted_total: counter('Connections whose peer was verified.', 'listener'),
  postern_connections_refused_total: counter(
    'Connections closed before their handshake: connection_limit, descriptor_limit.',
    'listener',
    'reason',
  ),
  postern_handshakes_total: counter(
    'Handshakes by how they ended: accepted; refused, with the cause as on record; aborted by the peer; timeout; dropped to make room.',
    'listener',
    'result',
    'reason',
  ),
  postern_plaintext_connections_total: counter(
    'Connections without TLS that were let in (`plaintext: permit`).',
    'listener',
  ),
  postern_handshake_seconds: histogram('Time from the connection to the end of its handshake.', 'listener'),

  postern_requests_total: counter('Requests begun.', 'listener'),
  postern_request_tokens_total: counter(
    'Requests whose token was judged, or should have one: accepted, or why not.',
    'listener',
    'result',
  ),
  postern_requests_in_flight: gauge('Requests that are not over.', 'listener'),
  postern_responses_total: counter(
    'Requests over, by class of their status; `none` ended without an answer.',
    'listener',
    'class',
  ),
  postern_own_answers_total: counter(
    'Answers that Postern gave itself, the workload unasked or failed.',
    'listener',
    'status',
    'reason',
  ),
  postern_request_seconds: histogram('Time from the first byte of a request to the last of its answer.', 'listener'),
  postern_request_body_bytes_total: counter('Bytes of request bodies.', 'listener'),
  postern_response_body_bytes_total: counter('Bytes of answer bodies.', 'listener'),
  postern_retries_total: counter('Requests sent again because a kept connection had died.', 'listener'),
  postern_wire_errors_total: counter('Requests that are not valid HTTP, by error code.', 'listener', 'code'),
  postern_limits_met_total: counter('Times a limit of the listener was met.', 'listener', 'limit'),

  postern_websockets_open: gauge('WebSocket connections that are open.', 'listener'),
  postern_websockets_ended_total: counter(
    'WebSocket connections that ended, by result: answered is an orderly end, revoked a right that ended.',
    'listener',
    'result',
  ),
  postern_websocket_bytes_total: counter(
    'Bytes that passed through WebSocket connections: in is towards the workload.',
    'listener',
    'direction',
  ),

  postern_tcp_connections_open: gauge('TCP connections that are relayed.', 'listener'),
  postern_tcp_connections_ended_total: counter(
    'TCP connections that were let in and ended, by result: closed is an orderly end, revoked a right that ended.',
    'listener',
    'result',
  ),
  postern_tcp_bytes_total: counter(
    'Bytes relayed by TCP connections: in is towards the workload, of an outbound listener towards the peer.',
    'listener',
    'direction',
  ),

  postern_upstream_connects_total: counter('Connections tried to the workload.', 'listener'),
  postern_upstream_connect_failures_total: counter(
    'Of these, failed: refused (nobody listens), timeout, other.',
    'listener',
    'reason',
  ),
  postern_upstream_reused_total: counter('Requests that took a kept connection to the workload.', 'listener'),
  postern_upstream_connections_open: gauge('Connections to the workload.', 'listener'),
  postern_upstream_connections_idle: gauge('Of these, kept and unused.', 'listener'),
  postern_upstream_name_failures_total: counter(
    'Names of `outbound[].to` that could not be resolved when their time came; the last good addresses stay.',
    'listener',
  ),
  postern_upstream_endpoints: gauge(
    'Endpoints of an outbound listener: in_rotation, ejected, or slow_start after it.',
    'listener',
    'state',
  ),
  postern_upstream_retries_total: counter(
    'Tries again by `retries`: not_connected (nothing was sent), no_answer (a safe request); over_budget were not made.',
    'listener',
    'reason',
  ),
  postern_upstream_ejections_total: counter(
    'Endpoints left out for a while: failure (no connection, no whole answer), gateway_error (502, 503, 504).',
    'listener',
    'reason',
  ),
  postern_upstream_seconds: histogram('Time from forwarding a request to the first byte of its answer.', 'listener'),

  postern_decisions_total: counter('Decisions.', 'listener', 'decision', 'reason'),
  postern_decision_seconds: histogram('Time that one decision took.', 'listener'),
  postern_authz_indeterminate_total: counter(
    'Rules that could not be judged because an attribute is missing or has the wrong type.',
    'policy',
    'rule',
    'attribute',
  ),
  postern_environment_boundary_total: counter('Requests from another environment: deny, alarm.', 'listener', 'effect'),
  postern_credential_lifetime_alarms_total: counter(
    'Requests with a certificate that lives longer than `policy.max_credential_lifetime`.',
    'listener',
  ),
  postern_shadow_would_change_total: counter('Decisions that the shadow policy would turn round.', 'listener'),

  postern_policy_info: joined('max', gauge('Always 1; names the policy in force.', 'digest')),
  postern_policy_loaded_timestamp_seconds: joined('min', gauge('When the policy in force was loaded.')),
  postern_policy_rules: joined('max', gauge('Rules in force.', 'mode')),
  postern_policy_lint_findings: joined(
    'max',
    gauge('What `postern policy lint` finds in the policies in force, by level.', 'level'),
  ),
  postern_policy_unused_rules: joined(
    'supervisor',
    gauge('Rules in force that no request has matched since they were loaded.'),
  ),
  postern_policy_load_failures_total: joined('supervisor', counter('Policies that were refused; the old ones go on.')),
  postern_plan_cache_entries: gauge('Principals whose plan is kept.'),
  postern_plan_cache_hits_total: counter('Connections that found a plan.'),
  postern_plan_cache_misses_total: counter('Connections for which a plan was made.'),

  postern_journal_records_total: counter('Records written.'),
  postern_journal_bytes_total: counter('Bytes written.'),
  postern_journal_write_failures_total: counter('Writes that failed; their requests were denied with 503.'),
  postern_journal_unwritten_records_total: counter('Records lost to failed writes; a gap record tells of them.'),
  postern_journal_dropped_records_total: counter('Records deleted before every sink took them (drop_oldest).'),
  postern_journal_stalls_total: counter('Writes that took longer than 20 ms.'),
  postern_journal_pooled: joined('max', gauge('1 while the disk is slow and writes go through the thread pool.')),
  postern_journal_write_seconds: histogram('Time of one write to the journal.'),
  postern_journal_pending_records: gauge('Records that wait for their write.'),
  postern_journal_unsealed_records: gauge('Records written and not sealed yet.'),
  postern_journal_retained_bytes: joined('max', gauge('Bytes of all segments kept.')),
  postern_journal_sync_failures_total: counter('Calls of fsync that failed.'),
  postern_sink_records_total: counter('Records that a sink has taken.', 'sink'),
  postern_sink_bytes_total: counter('Bytes of records that a sink has taken, before compression and framing.', 'sink'),
  postern_sink_retries_total: counter('Deliveries that were put off, to be tried again.', 'sink'),
  postern_sink_refused_records_total: counter('Records that a sink refused; a gap record tells it which.', 'sink'),
  postern_sink_gaps_total: counter('Gap records for what a sink refused or was deleted before.', 'sink'),
  postern_sink_lag_records: gauge('Records that a sink has not taken yet.', 'sink'),
  postern_sink_lag_seconds: joined('max', gauge('Age of the oldest record that a sink has not taken yet.', 'sink')),
  postern_sink_thread_restarts_total: counter('Times that the thread which ships to sinks ended by itself.'),
  postern_stdout_copies_total: counter('Copies of records written to standard output.'),
  postern_stdout_copies_dropped_total: counter('Copies dropped because nobody reads standard output.'),

  postern_identity_svid_not_before_timestamp_seconds: joined('min', gauge('Begin of the own certificate.')),
  postern_identity_svid_expiry_timestamp_seconds: joined('min', gauge('End of the own certificate.')),
  postern_identity_rotations_total: joined('max', counter('Own certificates or bundles that were replaced.')),
  postern_identity_rotations_refused_total: joined(
    'max',
    counter('Replacements that were not valid; the old ones go on.'),
  ),
  postern_revocations: joined('min', gauge('Rows of the list of revocations in force.')),
  postern_revocations_refused_total: joined(
    'max',
    counter('Lists of revocations that could not be read; the last good one stays.'),
  ),
  postern_registry_rows: joined('min', gauge('Rows of the registry of identities in force.')),
  postern_registry_refused_total: joined(
    'max',
    counter('Registries of identities that could not be read; the last good one stays.'),
  ),
  postern_identity_bundles: joined('min', gauge('Trust domains whose bundle is held.')),
  postern_federation_last_success_timestamp_seconds: joined(
    'min',
    gauge('When the bundle endpoint of a federated trust domain last gave a good bundle; 0: never.', 'trust_domain'),
  ),
  postern_federation_fetch_failures_total: counter(
    'Fetches that failed: unreachable, timeout, tls, identity, redirect, status, too_large, protocol, document, sequence.',
    'trust_domain',
    'reason',
  ),
  postern_crl_rows: joined('min', gauge('Certificates that the CRLs in force revoke.')),
  postern_crl_next_update_timestamp_seconds: joined('min', gauge('When the first of the CRLs is over its time.')),
  postern_crl_refused_total: joined(
    'max',
    counter('Files of CRLs that could not be used; their last good lists stay.'),
  ),
  postern_identity_waiting: joined('max', gauge('1 while no identity has come yet; the sidecar serves nobody.')),
  postern_identity_last_update_timestamp_seconds: joined(
    'min',
    gauge('When the source last gave something that could be used, changed or not.'),
  ),
  postern_identity_rotation_due_timestamp_seconds: joined(
    'min',
    gauge('When the own certificate should be replaced: half of its lifetime. Not for `files`.'),
  ),
  postern_identity_rotation_lag_seconds: joined(
    'max',
    gauge('How long that has been due; 0 while it is not. Not for `files`.'),
  ),
  postern_token_keys: joined('min', gauge('Keys held of an issuer of tokens.', 'issuer')),
  postern_token_keys_last_update_timestamp_seconds: joined(
    'min',
    gauge('When the keys of an issuer of tokens were last got; 0: never.', 'issuer'),
  ),
  postern_token_keys_fetch_failures_total: counter('Failed attempts to get the keys of an issuer of tokens.', 'issuer'),
  postern_token_replays_total: counter('Tokens that a second peer has shown.'),
  postern_identity_stream_up: joined(
    'min',
    gauge('1 while the stream of the agent stands and has given something: x509_svid, jwt_bundles.', 'stream'),
  ),
  postern_identity_stream_failures_total: counter(
    'Ends of a stream of the agent: unreachable, unavailable, permission_denied, invalid_argument, unimplemented, protocol, too_large, stalled, ended, other.',
    'stream',
    'reason',
  ),
} as const satisfies Readonly<Record<`postern_${string}`, MetricEntry>>);

/** Every name of the catalog. */
export type MetricName = keyof typeof metricCatalog;

/** The labels of one metric, each with its value. */
export type LabelsOf<N extends MetricName> = Readonly<Record<(typeof metricCatalog)[N]['labels'][number], string>>;
