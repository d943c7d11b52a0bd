// Where each field of a record goes in each format that a SIEM reads. With record-fields.ts this is the one table that
// drives the encoders and docs/records.md. Several targets of one format are parted by a space; `.0.` is the first
// element of a list, `[]` at the end adds to a list.

/** Formats with fields of their own names. */
export type FieldFormat = 'ecs' | 'ocsf' | 'cef' | 'rfc5424' | 'otlp';

/** Targets of one field, by format; a format that is not named has none. */
export type FieldTargets = Readonly<Partial<Record<FieldFormat, string>>>;

/** Where fields without a target go; null for formats that leave them out. OCSF has a place for what it does not know. */
export const ownNamespace: Readonly<Record<FieldFormat, string | null>> = Object.freeze({
  ecs: 'postern',
  ocsf: 'unmapped',
  cef: null,
  rfc5424: null,
  otlp: 'postern',
});

const identityTargets: Readonly<Record<string, FieldTargets>> = {
  'principal.workload_id': {
    ecs: 'user.id related.user[]',
    ocsf: 'actor.user.uid',
    cef: 'suser cs1',
    rfc5424: 'workload',
    otlp: 'user.id',
  },
  'principal.trust_domain': { ecs: 'user.domain', ocsf: 'actor.user.domain', cef: 'sntdom' },
  'principal.environment': { ecs: 'labels.source_environment', cef: 'cs4', rfc5424: 'env' },
  'principal.issuer': { ocsf: 'actor.session.issuer', cef: 'cs5', rfc5424: 'issuer' },
  'principal.credential.serial': {
    ecs: 'tls.client.x509.serial_number',
    ocsf: 'actor.session.credential_uid',
    cef: 'suid',
  },
  'principal.credential.not_before': { ecs: 'tls.client.not_before' },
  'principal.credential.not_after': {
    ecs: 'tls.client.not_after',
    ocsf: 'actor.session.expiration_time',
    otlp: 'tls.client.not_after',
  },
  'principal.credential.fingerprint_sha256': { ecs: 'tls.client.hash.sha256', otlp: 'tls.client.hash.sha256' },
  'authn_failure.cause': { ecs: 'error.code', otlp: 'error.type' },
  'authn_failure.detail': { ecs: 'error.message' },
};

const networkTargets: Readonly<Record<string, FieldTargets>> = {
  'network.direction': { ecs: 'network.direction', cef: 'deviceDirection' },
  'network.source_ip': {
    ecs: 'client.address client.ip source.address source.ip related.ip[]',
    ocsf: 'src_endpoint.ip',
    cef: 'src',
    otlp: 'client.address network.peer.address',
  },
  'network.source_port': {
    ecs: 'client.port source.port',
    ocsf: 'src_endpoint.port',
    cef: 'spt',
    otlp: 'client.port network.peer.port',
  },
  'network.destination_ip': {
    ecs: 'server.address server.ip destination.address destination.ip related.ip[]',
    ocsf: 'dst_endpoint.ip',
    cef: 'dst',
    otlp: 'server.address',
  },
  'network.destination_port': {
    ecs: 'server.port destination.port',
    ocsf: 'dst_endpoint.port',
    cef: 'dpt',
    otlp: 'server.port',
  },
  'tls.version': { ecs: 'tls.version', ocsf: 'tls.version', otlp: 'tls.protocol.version' },
  'tls.cipher': { ecs: 'tls.cipher', ocsf: 'tls.cipher', otlp: 'tls.cipher' },
  'tls.sni': { ecs: 'tls.client.server_name', ocsf: 'tls.sni', otlp: 'tls.client.server_name' },
  'tls.alpn': { ecs: 'tls.next_protocol', otlp: 'tls.next_protocol' },
  'tls.resumed': { ecs: 'tls.resumed', otlp: 'tls.resumed' },
};

const requestTargets: Readonly<Record<string, FieldTargets>> = {
  'action.name': { ocsf: 'api.operation', cef: 'flexString2', rfc5424: 'action' },
  'action.protocol': { ecs: 'network.protocol', cef: 'app', otlp: 'network.protocol.name' },
  'action.rpc': { otlp: 'rpc.method' },
  'resource.type': { ecs: 'service.target.type', ocsf: 'resources.0.type', rfc5424: 'resourceType' },
  'resource.name': {
    ecs: 'service.target.name',
    ocsf: 'resources.0.name',
    cef: 'destinationServiceName',
    rfc5424: 'resource',
  },
  'resource.id': { ocsf: 'resources.0.uid' },
  'resource.namespace': { ocsf: 'resources.0.namespace' },
  'resource.host': { ecs: 'server.domain destination.domain', ocsf: 'dst_endpoint.hostname' },
  'resource.service': { ocsf: 'api.service.name' },
  'http.method': {
    ecs: 'http.request.method',
    ocsf: 'http_request.http_method',
    cef: 'requestMethod',
    otlp: 'http.request.method',
  },
  'http.route': { otlp: 'http.route' },
  'http.path': { ecs: 'url.path', ocsf: 'http_request.url.path', cef: 'request', otlp: 'url.path' },
  'http.host': { ecs: 'url.domain', ocsf: 'http_request.url.hostname', cef: 'dhost' },
  'http.status': {
    ecs: 'http.response.status_code',
    ocsf: 'api.response.code',
    otlp: 'http.response.status_code',
  },
  'correlation.trace_id': { ecs: 'trace.id', ocsf: 'trace.uid', cef: 'cs3', rfc5424: 'traceId' },
  'correlation.span_id': { ecs: 'span.id', rfc5424: 'spanId' },
  'correlation.request_id': {
    ecs: 'http.request.id',
    ocsf: 'api.request.uid http_request.uid metadata.correlation_uid',
    cef: 'cs6',
    rfc5424: 'requestId',
  },
  'correlation.connection_id': { ocsf: 'actor.session.uid connection_info.uid' },
};

const ownTargets: Readonly<Record<string, FieldTargets>> = {
  time: { ecs: '@timestamp', ocsf: 'time metadata.logged_time', cef: 'rt' },
  seq: { ecs: 'event.sequence', ocsf: 'metadata.sequence', cef: 'cn2' },
  stream_id: { ocsf: 'metadata.log_source' },
  decision_id: { ecs: 'event.id', ocsf: 'metadata.uid', cef: 'externalId', rfc5424: 'id' },
  decision: { cef: 'act', rfc5424: 'decision' },
  reason: { ecs: 'event.reason', ocsf: 'status_detail', cef: 'reason', rfc5424: 'reason' },
  'policy.name': { ocsf: 'policy.name authorizations.0.policy.name', rfc5424: 'policy' },
  'policy.bundle_digest': { ecs: 'rule.version', ocsf: 'policy.version authorizations.0.policy.version' },
  'rule.policy': { ecs: 'rule.ruleset', ocsf: 'firewall_rule.category' },
  'rule.name': { ecs: 'rule.name', ocsf: 'firewall_rule.name', cef: 'cs2', rfc5424: 'rule' },
  'shadow.decision': { cef: 'flexString1' },
  'timing.eval_ns': { ecs: 'event.duration', cef: 'cn1' },
  'proxy.instance': { ecs: 'observer.name', cef: 'deviceExternalId' },
  'proxy.workload_id': { ecs: 'service.id' },
  'proxy.node': { ecs: 'observer.hostname', cef: 'dvchost' },
  'proxy.version': { ecs: 'observer.version', ocsf: 'metadata.product.version' },
  'outcome.status': { ecs: 'http.response.status_code', otlp: 'http.response.status_code' },
  'outcome.request_bytes': { ecs: 'http.request.body.bytes', cef: 'in' },
  'outcome.response_bytes': { ecs: 'http.response.body.bytes', cef: 'out' },
  'outcome.result': { ocsf: 'status_detail', cef: 'reason', rfc5424: 'reason' },
  'outcome.code': { ecs: 'error.code', otlp: 'error.type' },
  'outcome.detail': { ecs: 'error.message', cef: 'msg' },
  'gap.cause': { ecs: 'event.reason', ocsf: 'status_detail', cef: 'reason', rfc5424: 'reason' },
  'gap.count': { ocsf: 'count', cef: 'cnt', rfc5424: 'count' },
  'gap.from_seq': { rfc5424: 'fromSeq' },
  'gap.to_seq': { rfc5424: 'toSeq' },
};

/** Targets by the path of the field; a field that is not here goes to the format's own namespace, or nowhere. */
export const fieldTargets: Readonly<Record<string, FieldTargets>> = Object.freeze({
  ...ownTargets,
  ...identityTargets,
  ...networkTargets,
  ...requestTargets,
});
