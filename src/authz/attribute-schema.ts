// Every attribute a policy may read (policy.md 1.2): one table for the checker, the compiler, the linter, the reader of
// evaluation requests and the documentation. A rule that reads anything else does not load.

import type { Action, AuthzRequest } from './model.ts';
import { MISTYPED } from './model.ts';
import type { ValueType } from './value-type.ts';

/** First word of every attribute. */
export type AttributeRoot = 'principal' | 'action' | 'resource' | 'network' | 'tls' | 'request' | 'context';

/**
 * Who vouches for the value: `verified` from a checked credential or the sidecar's own configuration, `connection` from the
 * socket or handshake, `request` from what the caller sent after the proxy made it canonical, `caller` unchecked.
 */
export type Provenance = 'verified' | 'connection' | 'request' | 'caller';

export interface AttributeSpec {
  /** As written in a condition, `resource.topic`. */
  readonly path: string;
  readonly root: AttributeRoot;
  /** Of a keyed attribute: the type of each entry. */
  readonly type: ValueType;
  /** A map, read with `["key"]`. */
  readonly keyed: boolean;
  readonly presence: 'always' | 'optional';
  readonly provenance: Provenance;
  /** The only values there are, where the set is closed. */
  readonly values: readonly string[] | null;
  readonly meaning: string;
  /** Undefined where missing; of a keyed attribute the entry at `keys`; of a request for several actions, of `action`. */
  readonly read: (request: AuthzRequest, keys: readonly string[], action: Action) => unknown;
}

/** Every type of principal that the sidecar can establish. */
export const principalTypes = Object.freeze([
  'workload',
  'user',
  'service_account',
  'ci_job',
  'ai_agent',
  'api_client',
  'anonymous',
  'unknown',
]);

type Traits = Partial<Pick<AttributeSpec, 'keyed' | 'presence' | 'values'>>;

function group(root: AttributeRoot, provenance: Provenance) {
  return (
    path: string,
    type: ValueType,
    meaning: string,
    read: AttributeSpec['read'],
    traits: Traits = {},
  ): AttributeSpec =>
    Object.freeze({
      path,
      root,
      type,
      provenance,
      meaning,
      read,
      keyed: traits.keyed ?? false,
      presence: traits.presence ?? 'optional',
      values: traits.values ?? null,
    });
}

const always: Traits = { presence: 'always' };
const keyed: Traits = { keyed: true };
const closed = (...values: readonly string[]): Traits => ({ presence: 'always', values: Object.freeze(values) });

const principal = group('principal', 'verified');
const action = group('action', 'request');
const resource = group('resource', 'verified');
const requested = group('resource', 'request');
const network = group('network', 'connection');
const tls = group('tls', 'connection');
const request = group('request', 'request');
const sent = group('request', 'caller');

/** The table, in the order of the documentation. */
export const attributeSchema: readonly AttributeSpec[] = Object.freeze([
  principal('principal.id', 'string', 'SPIFFE ID, subject of a token, or `anonymous`', (r) => r.principal.id, always),
  principal('principal.type', 'string', 'what kind of caller it is', (r) => r.principal.type, {
    presence: 'always',
    values: principalTypes,
  }),
  principal('principal.spiffe_id', 'spiffe_id', 'SPIFFE ID as verified', (r) => r.principal.spiffeId),
  principal('principal.trust_domain', 'dns', 'trust domain of the SPIFFE ID', (r) => r.principal.trustDomain),
  principal('principal.path', 'path', 'path of the SPIFFE ID', (r) => r.principal.path),
  principal('principal.namespace', 'string', 'namespace, from identity rules', (r) => r.principal.namespace),
  principal('principal.service_account', 'string', 'service account', (r) => r.principal.serviceAccount),
  principal('principal.environment', 'string', 'environment, from identity rules', (r) => r.principal.environment),
  principal('principal.attestation', 'string', 'how the workload was attested', (r) => r.principal.attestation),
  principal('principal.issuer', 'string', 'who issued the credential', (r) => r.principal.issuer),
  principal(
    'principal.authn',
    'string',
    'how it proved itself',
    (r) => r.principal.authn,
    closed('mtls', 'jwt', 'none'),
  ),
  principal('principal.labels', 'any', 'labels of the identity', (r, k) => entryOf(r.principal.labels, k), keyed),
  principal('principal.claims', 'any', 'claims of a verified token', (r, k) => entryOf(r.principal.claims, k), keyed),
  principal('principal.token.issuer', 'string', 'issuer of the token', (r) => r.principal.token?.issuer),
  principal('principal.token.subject', 'string', 'whom the token is about', (r) => r.principal.token?.subject),
  principal('principal.token.spiffe_id', 'spiffe_id', 'SPIFFE ID of the token', (r) => r.principal.token?.spiffeId),
  principal('principal.token.type', 'string', 'what kind of caller it names', (r) => r.principal.token?.type),
  principal(
    'principal.token.actors',
    'strings',
    'who acts for the subject of the token, who acts now first',
    (r) => r.principal.token?.actors,
  ),
  principal(
    'principal.token.replayed',
    'bool',
    'another peer has shown the token too',
    (r) => r.principal.token?.replayed,
  ),

  action('action.name', 'string', 'name of the action, as recorded', (_r, _k, a) => a.name, always),
  action('action.names', 'strings', 'all names of the action', (_r, _k, a) => a.names, always),
  action(
    'action.protocol',
    'string',
    'how it was asked',
    (_r, _k, a) => a.protocol,
    closed('http', 'grpc', 'tcp', 'api'),
  ),
  group('action', 'caller')(
    'action.properties',
    'any',
    'properties sent by an API caller; `action.soft` is short for `action.properties["soft"]`',
    (_r, k, a) => entryOf(a.properties, k),
    keyed,
  ),

  resource('resource.type', 'string', 'type of the resource', (r) => r.resource.type, always),
  resource('resource.name', 'string', 'name', (r) => r.resource.name),
  resource('resource.id', 'string', 'identifier', (r) => r.resource.id),
  resource('resource.namespace', 'string', 'namespace; by default that of the sidecar', (r) => r.resource.namespace),
  resource('resource.environment', 'string', 'environment; by default of the sidecar', (r) => r.resource.environment),
  requested('resource.host', 'dns', 'host asked for, without port', (r) => r.resource.host),
  resource('resource.port', 'number', 'port', (r) => r.resource.port),
  requested('resource.path', 'path', 'canonical path', (r) => r.resource.path),
  resource('resource.route', 'path', 'template of the route that matched', (r) => r.resource.route),
  requested('resource.service', 'string', 'gRPC service', (r) => r.resource.service),
  requested('resource.method', 'string', 'gRPC method', (r) => r.resource.method),
  requested('resource.topic', 'topic', 'topic of a message queue', (r) => r.resource.topic),
  resource('resource.owner', 'string', 'owner', (r) => r.resource.owner),
  resource('resource.labels', 'any', 'labels of the resource', (r, k) => entryOf(r.resource.labels, k), keyed),

  network('network.source_ip', 'ip', 'address of the peer socket', (r) => r.network.sourceIp),
  network('network.source_port', 'number', 'port of the peer socket', (r) => r.network.sourcePort),
  network('network.destination_ip', 'ip', 'own address', (r) => r.network.destinationIp),
  network('network.destination_port', 'number', 'own port', (r) => r.network.destinationPort),
  network('network.is_internal', 'bool', 'the peer is in an internal network', (r) => r.network.isInternal),
  network(
    'network.direction',
    'string',
    'seen from the workload',
    (r) => r.network.direction,
    closed('inbound', 'outbound'),
  ),

  tls('tls.version', 'string', 'TLS version', (r) => r.tls.version),
  tls('tls.cipher', 'string', 'cipher suite', (r) => r.tls.cipher),
  tls('tls.sni', 'dns', 'server name asked for', (r) => r.tls.sni),
  tls('tls.alpn', 'string', 'application protocol agreed on', (r) => r.tls.alpn),
  tls('tls.peer.serial', 'string', 'serial number of the peer certificate', (r) => r.tls.peerSerial),
  tls('tls.peer.not_after', 'timestamp', 'end of the peer certificate', (r) => r.tls.peerNotAfterMs),
  tls('tls.peer.lifetime', 'duration', 'whole lifetime of the peer certificate', peerLifetime),
  tls('tls.peer.fingerprint_sha256', 'string', 'fingerprint of it', (r) => r.tls.peerFingerprintSha256),

  group('request', 'verified')('request.time', 'timestamp', 'time of the request', (r) => r.timeMs, always),
  request('request.id', 'string', 'request id', (r) => r.requestId),
  request('request.http.method', 'string', 'HTTP method', (r) => r.http.method),
  sent('request.http.headers', 'string', 'a request header', (r, k) => r.http.header(k[0]!), keyed),
  sent('request.http.query', 'string', 'a query parameter', (r, k) => r.http.query(k[0]!), keyed),
  request('request.grpc.service', 'string', 'gRPC service', (r) => r.grpcService),
  request('request.grpc.method', 'string', 'gRPC method', (r) => r.grpcMethod),

  group('context', 'caller')('context', 'any', 'what the caller says of it', (r, k) => entryOf(r.context, k), keyed),
]);

function peerLifetime(r: AuthzRequest): unknown {
  const { peerNotBeforeMs: from, peerNotAfterMs: to } = r.tls;
  if (from === MISTYPED || to === MISTYPED) return MISTYPED;
  return from === undefined || to === undefined ? undefined : to - from;
}

/** The entry of a map at a path of keys; undefined where any step is missing. JSON `null` is missing (policy.md 1.3). */
export function entryOf(map: ReadonlyMap<string, unknown>, keys: readonly string[]): unknown {
  let at: unknown = map;
  for (const key of keys) {
    if (at === MISTYPED) return MISTYPED;
    at = step(at, key);
  }
  return at ?? undefined;
}

function step(from: unknown, key: string): unknown {
  if (from === undefined || from === null) return undefined;
  if (from instanceof Map) return from.get(key);
  if (typeof from !== 'object') return MISTYPED;
  return Object.hasOwn(from, key) ? (from as Record<string, unknown>)[key] : undefined;
}
