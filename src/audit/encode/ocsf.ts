// Open Cybersecurity Schema Framework: one JSON object a record. Requests are API Activity (6003), TCP connections and
// peers that were refused Network Activity (4001), both with the profile `security_control`; what a SIEM should know of
// the journal itself is a Base Event. What the schema has no attribute for stands in `unmapped`.

import { isIP } from 'node:net';
import { asciiJson, cleanText } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import { lastSegment } from './ecs.ts';
import { compileFields, type FieldValue, type RecordMembers } from './field-tree.ts';
import { classify, type RecordClass } from './record-class.ts';
import { memberObject, moveInto, parseTarget, putAt, type Target } from './target-object.ts';

/** Version of the schema that the attributes are of. */
export const ocsfVersion = '1.7.0';

const walk = compileFields('ocsf');
const apiActivity = 6003;
const networkActivity = 4001;
const other = 99;

/** `activity_id` of API Activity, by HTTP method; what changes nothing is a read. */
const apiActivities: Readonly<Record<string, number>> = Object.freeze({
  POST: 1,
  GET: 2,
  HEAD: 2,
  OPTIONS: 2,
  PUT: 3,
  PATCH: 3,
  DELETE: 4,
});

/** Attributes that one class has and another has not. */
const notInClass: Readonly<Record<number, readonly string[]>> = Object.freeze({
  [apiActivity]: ['tls', 'connection_info'],
  [networkActivity]: ['api', 'http_request', 'resources', 'trace'],
  0: ['api', 'http_request', 'resources', 'trace', 'tls', 'connection_info', 'actor', 'src_endpoint', 'dst_endpoint'],
});

/** A record as OCSF, without a line end; null for what OCSF has no use for. */
export function encodeOcsf(record: RecordMembers): string | null {
  const kind = classify(record);
  if (kind === null) return null;
  const classUid = classOf(record);
  const out: Record<string, unknown> = { ...classification(record, classUid), ...severity(kind) };
  walk(record, (target, value, type) => put(out, { target, value, type }));
  for (const name of notInClass[classUid] ?? []) moveInto(out, name, 'unmapped');
  const status = statusOf(record);
  out['status_code'] = String(Number.isSafeInteger(status) ? status : kind.signature);
  putMetadata(out, record, classUid);
  moveNameless(out);
  if (record['type'] === 'decision') putDecision(out, record, kind);
  if (classUid === apiActivity) completeApi(out);
  if (classUid === networkActivity) completeNetwork(out, record);
  return asciiJson(out);
}

function classOf(record: RecordMembers): number {
  if (record['type'] !== 'decision') return 0;
  const action = objectOf(record['action']);
  return action === null || action['protocol'] === 'tcp' ? networkActivity : apiActivity;
}

function classification(record: RecordMembers, classUid: number): Record<string, unknown> {
  const activity = activityOf(record, classUid);
  const name = activity === other ? { activity_name: actionName(record) } : {};
  return {
    category_uid: Math.floor(classUid / 1000),
    class_uid: classUid,
    activity_id: activity,
    ...name,
    type_uid: classUid * 100 + activity,
  };
}

function actionName(record: RecordMembers): string {
  const name = objectOf(record['action'])?.['name'];
  return typeof name === 'string' ? cleanText(name, 256) : String(record['type']);
}

function activityOf(record: RecordMembers, classUid: number): number {
  if (classUid === 0) return other;
  if (classUid === networkActivity) {
    if (record['reason'] === 'reauth_revoked') return 2;
    return record['decision'] === 'allow' ? 1 : 5;
  }
  const method = objectOf(record['http'])?.['method'];
  const isHttp = objectOf(record['action'])?.['protocol'] === 'http';
  return isHttp && typeof method === 'string' && Object.hasOwn(apiActivities, method) ? apiActivities[method]! : other;
}

function severity(kind: RecordClass): Record<string, unknown> {
  const status = kind.outcome === 'success' ? 1 : kind.outcome === 'failure' ? 2 : 0;
  return { severity_id: kind.ocsfSeverity, status_id: status, message: kind.name };
}

function putMetadata(out: Record<string, unknown>, record: RecordMembers, classUid: number): void {
  const metadata = memberObject(out, 'metadata');
  metadata['version'] = ocsfVersion;
  Object.assign(memberObject(metadata, 'product'), { name: 'Postern', vendor_name: 'Postern' });
  metadata['log_name'] = `postern.${String(record['type'])}`;
  // `actor` is of the class in 6003, and of the profile `host` in 4001.
  const profiles = classUid === apiActivity ? ['trace'] : classUid === networkActivity ? ['host'] : [];
  metadata['profiles'] = ['security_control', ...profiles];
}

function putDecision(out: Record<string, unknown>, record: RecordMembers, kind: RecordClass): void {
  const isAllowed = record['decision'] === 'allow';
  const isWatched = record['enforced'] === false;
  out['action_id'] = isWatched ? 3 : isAllowed ? 1 : 2;
  out['disposition_id'] = isWatched ? 17 : kind.disposition;
  if (kind.ocsfSeverity >= 3) out['is_alert'] = true;
  putAt(out, authorization, isAllowed ? 'allowed' : 'denied');
  const id = objectOf(objectOf(out['actor'])?.['user'])?.['uid'];
  const user = memberObject(memberObject(out, 'actor'), 'user');
  user['name'] = typeof id === 'string' ? lastSegment(id) : 'unknown';
  user['type_id'] = objectOf(record['principal'])?.['type'] === 'user' ? 1 : 4;
}

/** A policy, rule or endpoint must have a name: a deny without any policy has none, but the digest of what was loaded. */
function moveNameless(out: Record<string, unknown>): void {
  for (const name of ['policy', 'firewall_rule']) {
    if (objectOf(out[name])?.['name'] === undefined) moveInto(out, name, 'unmapped');
  }
  if (objectOf(out['policy']) === null) out['authorizations'] = undefined;
  for (const name of ['src_endpoint', 'dst_endpoint']) {
    const endpoint = objectOf(out[name]);
    if (endpoint?.['ip'] === undefined && endpoint?.['hostname'] === undefined) moveInto(out, name, 'unmapped');
  }
}

/** What API Activity asks for, also where the record has nothing for it. */
function completeApi(out: Record<string, unknown>): void {
  memberObject(out, 'api')['operation'] ??= 'unknown';
  nameSource(out);
  const url = objectOf(objectOf(out['http_request'])?.['url']);
  if (url !== null) (url as Record<string, unknown>)['path'] ??= '';
  nameResource(out);
}

function nameSource(out: Record<string, unknown>): void {
  const source = memberObject(out, 'src_endpoint');
  if (source['ip'] === undefined) source['name'] = 'unknown';
}

function nameResource(out: Record<string, unknown>): void {
  const resources = out['resources'] as readonly Record<string, unknown>[] | undefined;
  const resource = resources?.[0];
  if (resource !== undefined && resource['uid'] === undefined) resource['name'] ??= resource['type'] ?? 'unknown';
}

function completeNetwork(out: Record<string, unknown>, record: RecordMembers): void {
  const direction = objectOf(record['network'])?.['direction'];
  const info = memberObject(out, 'connection_info');
  info['direction_id'] = direction === 'outbound' ? 2 : 1;
  info['protocol_name'] = 'tcp';
  nameSource(out);
  if (objectOf(out['tls'])?.['version'] === undefined) moveInto(out, 'tls', 'unmapped');
}

function statusOf(record: RecordMembers): unknown {
  return objectOf(record['http'])?.['status'] ?? objectOf(record['outcome'])?.['status'];
}

interface Placed {
  readonly target: Target;
  readonly value: FieldValue;
  readonly type: string;
}

/** Puts a value as the type of its attribute has it; where it cannot be that, it stands in `unmapped`. */
function put(out: Record<string, unknown>, { target, value, type }: Placed): void {
  const { segments, name } = target;
  if (segments[0] === 'unmapped') return putAt(out, target, value);
  if (type === 'time') return putAt(out, target, Date.parse(String(value)));
  putAt(out, isFit(segments.at(-1), value) ? target : parseTarget(`unmapped.${name}`), value);
}

function isFit(attribute: string | undefined, value: FieldValue): boolean {
  switch (attribute) {
    case 'ip':
      return isIP(String(value)) !== 0;
    case 'port':
      return Number(value) >= 0 && Number(value) <= 65_535;
    case 'hostname':
      return hostname.test(String(value));
    default:
      return true;
  }
}

const authorization = parseTarget('authorizations.0.decision');

const hostname = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})$/;
