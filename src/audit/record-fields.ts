// Every field of every record type: what the docs list and what a test holds the encoders to. Paths are dotted; `[]` marks
// the elements of a list. A field is in every record of its type only where it says so.

/** One field. */
export interface RecordField {
  readonly path: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'time' | 'text list' | 'map';
  /** True when each record of the type has it. */
  readonly always: boolean;
  /** One of the six that users of such logs ask for by name. */
  readonly asked: boolean;
  readonly means: string;
}

/** The record types. */
export type RecordType = 'decision' | 'outcome' | 'gap' | 'seal' | 'recovered';

type Row = readonly [path: string, type: RecordField['type'], when: 'always' | 'asked' | 'sometimes', means: string];

/** Fields that a refused peer, who never sent a request, cannot have. */
const needsRequest = new Set([
  'correlation.trace_id',
  'correlation.request_id',
  'principal.environment',
  'principal.issuer',
  'resource.type',
]);

const commonRows: readonly Row[] = [
  ['schema', 'string', 'always', '`postern.decision/1`'],
  ['type', 'string', 'always', 'the record type'],
  ['time', 'time', 'always', 'RFC 3339, UTC, microseconds'],
  [
    'seq',
    'integer',
    'always',
    'number in the stream, from 1, without holes but for those that a `gap` record tells of',
  ],
  ['stream_id', 'string', 'always', 'one start of one process; sorts by time'],
];

const proxyRows: readonly Row[] = [
  ['proxy.instance', 'string', 'always', 'name of the sidecar'],
  ['proxy.workload_id', 'string', 'sometimes', 'its own SPIFFE ID'],
  ['proxy.node', 'string', 'sometimes', 'machine it runs on'],
  ['proxy.pod', 'string', 'sometimes', 'Kubernetes pod'],
  ['proxy.version', 'string', 'always', 'version of Postern'],
];

const correlationRows: readonly Row[] = [
  ['correlation.trace_id', 'string', 'asked', 'W3C trace id, taken from the caller or made'],
  ['correlation.request_id', 'string', 'asked', '`x-request-id`, taken from the caller or made'],
  ['correlation.connection_id', 'string', 'sometimes', 'the connection it came over'],
];

const ruleRows = (at: string, what: string): readonly Row[] => [
  [`${at}.policy`, 'string', 'sometimes', `policy of ${what}`],
  [`${at}.name`, 'string', 'sometimes', `name of ${what}`],
  [`${at}.effect`, 'string', 'sometimes', '`allow` or `deny`'],
  [`${at}.priority`, 'integer', 'sometimes', 'its priority'],
];

const decisionRows: readonly Row[] = [
  ...commonRows,
  ...proxyRows,
  ['decision_id', 'string', 'asked', 'UUIDv7; the caller and the workload get it as `x-postern-decision-id`'],
  ['decision', 'string', 'asked', '`allow` or `deny`'],
  ['reason', 'string', 'always', 'why, from a closed list (`rule`, `default`, `authn_failed`, …)'],
  ['enforced', 'boolean', 'always', 'false where the listener only watches'],
  ['policy.name', 'string', 'sometimes', 'the determining policy'],
  ['policy.mode', 'string', 'sometimes', '`enforce` or `shadow`'],
  ['policy.bundle_digest', 'string', 'sometimes', 'SHA-256 over all policies that were loaded'],
  ...ruleRows('rule', 'the determining rule'),
  ...ruleRows('matched[]', 'each rule that fired; left out when it is the determining rule alone'),
  ...ruleRows('overrode[]', 'each rule that fired and was overruled'),
  ['indeterminate[].policy', 'string', 'sometimes', 'policy of each rule that could not be evaluated'],
  ['indeterminate[].rule', 'string', 'sometimes', 'its name'],
  ['indeterminate[].attributes', 'text list', 'sometimes', 'the attributes that were missing or of the wrong type'],
  ['shadow.decision', 'string', 'sometimes', 'what the shadow rules would have decided'],
  ['shadow.policy', 'string', 'sometimes', 'their determining policy'],
  ['shadow.rule', 'string', 'sometimes', 'their determining rule'],
  ['shadow.would_change', 'boolean', 'sometimes', 'whether that differs from the decision'],
  ['obligations.credential_ttl_s', 'integer', 'sometimes', 'how long the allow holds, seconds'],
  ['obligations.valid_until', 'time', 'sometimes', 'until when'],
  ['listener', 'string', 'always', 'name of the listener'],
  ['principal.workload_id', 'string', 'asked', 'SPIFFE ID as verified; `anonymous` otherwise'],
  ['principal.id', 'string', 'sometimes', 'the identity where it is no SPIFFE ID'],
  ['principal.type', 'string', 'sometimes', '`workload`, `user`, `service_account`, `anonymous`'],
  ['principal.trust_domain', 'string', 'sometimes', 'trust domain of the identity'],
  ['principal.namespace', 'string', 'sometimes', 'namespace drawn from the identity'],
  ['principal.service_account', 'string', 'sometimes', 'service account drawn from the identity'],
  ['principal.environment', 'string', 'asked', 'source environment, by the map of trust domains'],
  ['principal.attestation', 'string', 'sometimes', 'how the identity was attested'],
  ['principal.issuer', 'string', 'asked', 'trust domain, issuer and its key id; of a token its `iss`'],
  ['principal.authn', 'string', 'always', '`mtls`, `jwt` or `none`'],
  ['principal.credential.type', 'string', 'always', '`x509-svid`, `jwt-svid`, `jwt` or `none`; never the credential'],
  ['principal.credential.serial', 'string', 'sometimes', 'serial number of the certificate'],
  ['principal.credential.not_before', 'time', 'sometimes', 'from when it holds'],
  ['principal.credential.not_after', 'time', 'sometimes', 'until when it holds'],
  ['principal.credential.fingerprint_sha256', 'string', 'sometimes', 'SHA-256 of the certificate'],
  ['principal.token.issuer', 'string', 'sometimes', 'of the token that came with the request: its issuer'],
  ['principal.token.subject', 'string', 'sometimes', 'whom it is about'],
  ['principal.token.spiffe_id', 'string', 'sometimes', 'SPIFFE ID made of it'],
  ['principal.token.type', 'string', 'sometimes', 'what kind of caller it names'],
  ['principal.token.actors', 'text list', 'sometimes', 'who acts for its subject, who acts now first'],
  ['principal.token.replayed', 'boolean', 'sometimes', 'whether another peer has shown it too'],
  ['principal.token.jti_sha256', 'string', 'sometimes', 'SHA-256 of its id; never the token itself'],
  ['principal.token.audience', 'text list', 'sometimes', 'whom it is meant for'],
  ['principal.token.not_after', 'time', 'sometimes', 'until when it holds'],
  ['authn_failure.cause', 'string', 'sometimes', 'code of what was wrong with the credential'],
  ['authn_failure.detail', 'string', 'sometimes', 'what was expected and what was shown'],
  ['authn_failure.shown', 'string', 'sometimes', 'the identity that was shown; not verified'],
  ['network.direction', 'string', 'always', '`inbound` or `outbound`'],
  ['network.source_ip', 'string', 'sometimes', 'from the socket, never from a header'],
  ['network.source_port', 'integer', 'sometimes', ''],
  ['network.destination_ip', 'string', 'sometimes', ''],
  ['network.destination_port', 'integer', 'sometimes', ''],
  ['network.is_internal', 'boolean', 'sometimes', 'whether the source lies in `internal_networks`'],
  ['tls.version', 'string', 'sometimes', ''],
  ['tls.cipher', 'string', 'sometimes', ''],
  ['tls.sni', 'string', 'sometimes', ''],
  ['tls.alpn', 'string', 'sometimes', ''],
  ['tls.resumed', 'boolean', 'always', 'whether the session was resumed'],
  ['action.name', 'string', 'sometimes', 'the action that was judged'],
  ['action.names', 'text list', 'sometimes', 'all names it goes by, where there are several'],
  ['action.required', 'text list', 'sometimes', 'all actions that must be allowed, where there are several'],
  ['action.protocol', 'string', 'sometimes', '`http`, `grpc`, `tcp` or `api`'],
  ['action.method', 'string', 'sometimes', 'HTTP method'],
  ['action.rpc', 'string', 'sometimes', 'gRPC service and method'],
  ['resource.type', 'string', 'asked', 'downstream resource: its type'],
  ['resource.name', 'string', 'sometimes', 'its name'],
  ['resource.id', 'string', 'sometimes', 'its id'],
  ['resource.namespace', 'string', 'sometimes', ''],
  ['resource.environment', 'string', 'sometimes', ''],
  ['resource.host', 'string', 'sometimes', 'host that was asked for'],
  ['resource.port', 'integer', 'sometimes', ''],
  ['resource.route', 'string', 'sometimes', 'path template of the route'],
  ['resource.service', 'string', 'sometimes', ''],
  ['resource.topic', 'string', 'sometimes', ''],
  ['resource.owner', 'string', 'sometimes', ''],
  ['http.method', 'string', 'sometimes', ''],
  ['http.route', 'string', 'sometimes', 'path template of the route'],
  ['http.path', 'string', 'sometimes', 'canonical path, never with its query; not with `audit.redact.path: template`'],
  ['http.host', 'string', 'sometimes', ''],
  ['http.upgrade', 'string', 'sometimes', '`websocket` when that is what the request opens'],
  ['http.status', 'integer', 'sometimes', 'what Postern answered itself'],
  ['http.header_hashes', 'map', 'sometimes', 'SHA-256 of the headers listed in `audit.redact.headers`'],
  ...correlationRows,
  ['correlation.span_id', 'string', 'sometimes', 'W3C span id'],
  ['correlation.trace_flags', 'string', 'sometimes', 'W3C trace flags'],
  ['correlation.request_id_source', 'string', 'sometimes', '`client` or `generated`'],
  ['timing.eval_ns', 'integer', 'sometimes', 'time of the decision, nanoseconds'],
  ['cache.plan', 'string', 'sometimes', '`hit` when the compiled plan of the principal was at hand'],
  [
    'environment_boundary',
    'string',
    'sometimes',
    '`deny` or `alarm`: an identity of another environment was at the door',
  ],
  ['credential_lifetime_alarm', 'boolean', 'sometimes', 'the credential lives longer than it should'],
  ['masked', 'text list', 'sometimes', 'JSON Pointers of what policy saw and this record does not hold as it was'],
];

const outcomeRows: readonly Row[] = [
  ...commonRows,
  ...proxyRows,
  ['decision_id', 'string', 'asked', 'the decision that this ends'],
  [
    'outcome.result',
    'string',
    'always',
    '`answered`, `closed` (TCP), `client_aborted`, `upstream_unreachable`, `upstream_failed`, …',
  ],
  ['outcome.status', 'integer', 'sometimes', 'HTTP status that the caller got'],
  [
    'outcome.request_bytes',
    'integer',
    'always',
    'bytes of the request body, or of a WebSocket or TCP connection towards the workload',
  ],
  [
    'outcome.response_bytes',
    'integer',
    'always',
    'bytes of the response body, or of a WebSocket or TCP connection towards the peer',
  ],
  ['outcome.code', 'string', 'sometimes', 'what the workload or peer did wrong: `ERR_UPSTREAM_*`, `ERR_OUTBOUND_*`'],
  ['outcome.detail', 'string', 'sometimes', 'what went wrong'],
  ...correlationRows,
  ['timing.total_us', 'integer', 'always', 'from the head of the request to the end of the answer, microseconds'],
  ['masked', 'text list', 'sometimes', 'JSON Pointers of what was shortened or cleaned'],
];

const gapRows: readonly Row[] = [
  ...commonRows,
  ['gap.from_seq', 'integer', 'always', 'first number that is missing'],
  ['gap.to_seq', 'integer', 'always', 'last number that is missing'],
  ['gap.count', 'integer', 'always', 'how many records that are'],
  [
    'gap.cause',
    'string',
    'always',
    '`unwritten`: could not be written, their requests were denied; `dropped`: deleted for room; `refused`: a receiver does not take them',
  ],
  ['gap.of_stream', 'string', 'sometimes', 'the stream of the numbers, where it is another one'],
];

const sealRows: readonly Row[] = [
  ...commonRows,
  ['seal.from_seq', 'integer', 'always', 'first record that it seals'],
  ['seal.to_seq', 'integer', 'always', 'last record that it seals'],
  ['seal.count', 'integer', 'always', 'how many records these are'],
  ['seal.final', 'boolean', 'sometimes', 'true in the last seal of a stream'],
  ['seal.expired[].stream_id', 'string', 'sometimes', 'a stream of which segments were deleted because they were old'],
  ['seal.expired[].to_seq', 'integer', 'sometimes', 'last number that was deleted'],
  ['seal.previous[].stream_id', 'string', 'sometimes', 'an earlier stream of the folder'],
  ['seal.previous[].seq', 'integer', 'sometimes', 'number of its last seal'],
  ['seal.previous[].sha256', 'string', 'sometimes', 'hash of its last seal'],
  ['seal.prev', 'string', 'always', 'hash of the seal before, or of the stream id'],
  ['signature.every_ms', 'integer', 'sometimes', 'longest time from one signed seal to the next, milliseconds'],
  [
    'signature.certificates',
    'text list',
    'sometimes',
    'certificates of the key that signed, the leaf first, DER in base64',
  ],
  ['signature.value', 'string', 'sometimes', 'the signature, base64: see "Signed seals"'],
  ['sha256', 'string', 'always', 'the seal: see "How the seals work"'],
];

const recoveredRows: readonly Row[] = [
  ...commonRows,
  ['recovered.segment', 'string', 'always', 'file that was mended'],
  ['recovered.good_bytes', 'integer', 'always', 'bytes of it that count'],
  ['recovered.cut_bytes', 'integer', 'always', 'bytes of a torn line that were cut off'],
  ['recovered.unsealed', 'integer', 'always', 'records that had no seal yet'],
];

/** The fields of each record type, in the order of the record. */
export const recordFields: Readonly<Record<RecordType, readonly RecordField[]>> = Object.freeze({
  decision: fieldsOf(decisionRows),
  outcome: fieldsOf(outcomeRows),
  gap: fieldsOf(gapRows),
  seal: fieldsOf(sealRows),
  recovered: fieldsOf(recoveredRows),
});

function fieldsOf(rows: readonly Row[]): readonly RecordField[] {
  return rows.map(([path, type, when, means]) =>
    Object.freeze({
      path,
      type,
      always: when === 'always' || (when === 'asked' && !needsRequest.has(path)),
      asked: when === 'asked',
      means,
    }),
  );
}
