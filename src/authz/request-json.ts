// Evaluation requests as JSON (config.md): what `policy eval`, `explain`, tests and the admin API are asked with. An
// absent attribute is missing, `null` is missing and not derived, a value of the wrong type is mistyped.

import { attributeSchema } from './attribute-schema.ts';
import type { JsonObject } from './json-object.ts';
import { asObject, knownKeys, objectAt, refuseRequest } from './json-object.ts';
import type {
  Action,
  Attribute,
  AuthzRequest,
  HttpFacts,
  NetworkFacts,
  Principal,
  PrincipalToken,
  Resource,
  TlsFacts,
} from './model.ts';
import { MISTYPED } from './model.ts';
import { parseSpiffeText } from './spiffe-text.ts';
import { parseTimestamp } from './timestamp.ts';

const roots = ['principal', 'action', 'resource', 'network', 'tls', 'request', 'context'];
const protocols = ['http', 'grpc', 'tcp', 'api'] as const;

/**
 * Reads a request; `nowMs` is its time where it names none.
 * @throws PosternError ERR_POLICY_REQUEST
 */
export function requestFromJson(json: unknown, nowMs: number): AuthzRequest {
  const root = asObject(json, 'the request');
  knownKeys(root, 'the request', roots);
  const request = section(root, 'request', ['time', 'id', 'http', 'grpc']);
  const grpc = objectAt(request, 'grpc');
  return {
    principal: principalFrom(section(root, 'principal', keysOf('principal'))),
    actions: actionsFrom(root.get('action')),
    resource: resourceFrom(section(root, 'resource', keysOf('resource'))),
    network: networkFrom(section(root, 'network', keysOf('network'))),
    tls: tlsFrom(section(root, 'tls', ['version', 'cipher', 'sni', 'alpn', 'peer'])),
    timeMs: timeFrom(request.get('time'), nowMs),
    requestId: text(request, 'id'),
    http: httpFrom(objectAt(request, 'http')),
    grpcService: text(grpc, 'service'),
    grpcMethod: text(grpc, 'method'),
    context: objectAt(root, 'context'),
  };
}

function section(root: JsonObject, name: string, known: readonly string[]): JsonObject {
  const object = objectAt(root, name);
  knownKeys(object, `\`${name}\``, known);
  return object;
}

function keysOf(root: string): readonly string[] {
  const paths = attributeSchema.filter((spec) => spec.root === root).map((spec) => spec.path.slice(root.length + 1));
  return [...new Set(paths.map((path) => path.split('.')[0]!))];
}

function text(object: JsonObject, key: string): Attribute<string> {
  return typed(object.get(key), 'string');
}

function typed<T>(value: unknown, type: 'string' | 'number' | 'boolean'): Attribute<T> {
  if (value === undefined || value === null) return undefined;
  return typeof value === type ? (value as T) : MISTYPED;
}

function principalFrom(object: JsonObject): Principal {
  const spiffeId = text(object, 'spiffe_id');
  const derived = typeof spiffeId === 'string' ? parseSpiffeText(spiffeId) : null;
  const known = typeof spiffeId === 'string';
  const derive = (key: string, from: string | undefined) => (object.has(key) ? text(object, key) : from);
  return Object.freeze({
    id: word(object, 'id', known ? spiffeId : 'anonymous'),
    type: word(object, 'type', known ? 'workload' : 'unknown'),
    spiffeId,
    trustDomain: derive('trust_domain', derived?.trustDomain),
    path: derive('path', derived?.path),
    namespace: derive('namespace', derived?.namespace),
    serviceAccount: text(object, 'service_account'),
    environment: text(object, 'environment'),
    attestation: text(object, 'attestation'),
    issuer: text(object, 'issuer'),
    authn: oneOf(object, 'authn', ['mtls', 'jwt', 'none'], known ? 'mtls' : 'none'),
    labels: objectAt(object, 'labels'),
    claims: objectAt(object, 'claims'),
    ...(object.has('token') ? { token: tokenFrom(section(object, 'token', tokenKeys)) } : {}),
  });
}

const tokenKeys = ['issuer', 'subject', 'spiffe_id', 'type', 'actors', 'replayed'];

function tokenFrom(object: JsonObject): PrincipalToken {
  const actors = object.get('actors') ?? undefined;
  const isList = Array.isArray(actors) && actors.every((one) => typeof one === 'string');
  return Object.freeze({
    issuer: text(object, 'issuer'),
    subject: text(object, 'subject'),
    spiffeId: text(object, 'spiffe_id'),
    type: text(object, 'type'),
    actors: actors === undefined || isList ? actors : MISTYPED,
    replayed: typed<boolean>(object.get('replayed'), 'boolean'),
  });
}

// Attributes that are always present: the proxy makes them, so a request without them gets what the proxy would say.
function word(object: JsonObject, key: string, absent: string): string {
  const value = object.get(key);
  if (value === undefined) return absent;
  if (typeof value !== 'string') refuseRequest(`\`${key}\` is always present and is a string`);
  return value;
}

function oneOf<W extends string>(object: JsonObject, key: string, words: readonly W[], absent: W): W {
  const value = word(object, key, absent);
  return words.find((known) => known === value) ?? refuseRequest(`\`${key}\` is one of ${words.join(', ')}`);
}

function actionsFrom(value: unknown): readonly Action[] {
  const items = Array.isArray(value) ? value : [value];
  if (items.length === 0) refuseRequest('`action` is empty', 'name the action, or all that must be allowed');
  return items.map(actionFrom);
}

function actionFrom(value: unknown): Action {
  if (typeof value === 'string') return { name: value, names: [value], protocol: 'api', properties: new Map() };
  if (value === undefined) refuseRequest('`action` is missing');
  const object = asObject(value, '`action`');
  knownKeys(object, '`action`', ['name', 'names', 'protocol', 'properties']);
  const name = object.get('name');
  if (typeof name !== 'string') refuseRequest('`action.name` is a string');
  const names = object.get('names') ?? [name];
  const isList = Array.isArray(names) && names.every((item) => typeof item === 'string');
  return {
    name,
    names: isList ? [...new Set([name, ...(names as string[])])] : refuseRequest('`action.names` is a list of strings'),
    protocol: oneOf(object, 'protocol', protocols, 'api'),
    properties: objectAt(object, 'properties'),
  };
}

function resourceFrom(object: JsonObject): Resource {
  return Object.freeze({
    type: word(object, 'type', 'unknown'),
    name: text(object, 'name'),
    id: text(object, 'id'),
    namespace: text(object, 'namespace'),
    environment: text(object, 'environment'),
    host: text(object, 'host'),
    port: typed<number>(object.get('port'), 'number'),
    path: text(object, 'path'),
    route: text(object, 'route'),
    service: text(object, 'service'),
    method: text(object, 'method'),
    topic: text(object, 'topic'),
    owner: text(object, 'owner'),
    labels: objectAt(object, 'labels'),
  });
}

function networkFrom(object: JsonObject): NetworkFacts {
  return Object.freeze({
    sourceIp: text(object, 'source_ip'),
    sourcePort: typed<number>(object.get('source_port'), 'number'),
    destinationIp: text(object, 'destination_ip'),
    destinationPort: typed<number>(object.get('destination_port'), 'number'),
    isInternal: typed<boolean>(object.get('is_internal'), 'boolean'),
    direction: oneOf(object, 'direction', ['inbound', 'outbound'], 'inbound'),
  });
}

function tlsFrom(object: JsonObject): TlsFacts {
  const peer = section(object, 'peer', ['serial', 'not_before', 'not_after', 'fingerprint_sha256']);
  return Object.freeze({
    version: text(object, 'version'),
    cipher: text(object, 'cipher'),
    sni: text(object, 'sni'),
    alpn: text(object, 'alpn'),
    peerSerial: text(peer, 'serial'),
    peerNotBeforeMs: timestamp(peer.get('not_before')),
    peerNotAfterMs: timestamp(peer.get('not_after')),
    peerFingerprintSha256: text(peer, 'fingerprint_sha256'),
  });
}

function timestamp(value: unknown): Attribute<number> {
  if (value === undefined || value === null) return undefined;
  return (typeof value === 'string' ? parseTimestamp(value) : undefined) ?? MISTYPED;
}

function timeFrom(value: unknown, nowMs: number): number {
  if (value === undefined) return nowMs;
  const ms = timestamp(value);
  return typeof ms === 'number' ? ms : refuseRequest('`request.time` is an RFC 3339 timestamp');
}

function httpFrom(object: JsonObject): HttpFacts {
  knownKeys(object, '`request.http`', ['method', 'headers', 'query']);
  const headers = new Map([...objectAt(object, 'headers')].map(([name, value]) => [name.toLowerCase(), value]));
  const query = objectAt(object, 'query');
  return Object.freeze({
    method: text(object, 'method'),
    header: (name: string) => text(headers, name),
    query: (name: string) => text(query, name),
  });
}
