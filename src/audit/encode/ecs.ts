// Elastic Common Schema: one JSON object a record. What ECS has no field for stands under `postern`, so nothing is lost.

import { isIP } from 'node:net';
import { asciiJson, cleanText } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import { compileFields, type FieldValue, type RecordMembers } from './field-tree.ts';
import { classify, type RecordClass } from './record-class.ts';
import { memberObject, putAt } from './target-object.ts';

/** Version of the schema that the field names are of. */
export const ecsVersion = '9.4.0';

const walk = compileFields('ecs');
const ipFields = new Set(['client.ip', 'source.ip', 'server.ip', 'destination.ip', 'related.ip[]']);

/** A record as ECS, without a line end; null for what ECS has no use for. */
export function encodeEcs(record: RecordMembers): string | null {
  const kind = classify(record);
  if (kind === null) return null;
  const event = eventOf(record, kind);
  const out: Record<string, unknown> = {
    '@timestamp': undefined,
    event,
    ecs: { version: ecsVersion },
    observer: { vendor: 'Postern', product: 'Postern', type: 'proxy' },
  };
  walk(record, (target, value) => {
    const converted = convert(target.name, value);
    if (converted !== undefined) putAt(out, target, converted);
  });
  putIdentity(out, record);
  const totalUs = objectOf(record['timing'])?.['total_us'];
  if (Number.isSafeInteger(totalUs)) event['duration'] = (totalUs as number) * 1000;
  return asciiJson(out);
}

function eventOf(record: RecordMembers, kind: RecordClass): Record<string, unknown> {
  return {
    kind: 'event',
    category: [isNetwork(record) ? 'network' : 'api'],
    type: eventTypes(record),
    outcome: kind.outcome,
    action: record['type'] === 'decision' ? 'authz-decision' : `authz-${String(record['type'])}`,
    code: String(kind.signature),
    severity: kind.cefSeverity,
    module: 'postern',
    dataset: 'postern.authz',
    provider: 'postern',
  };
}

function eventTypes(record: RecordMembers): readonly string[] {
  if (record['type'] === 'outcome') return ['end'];
  if (record['type'] !== 'decision') return ['info'];
  return isNetwork(record) || isRefusedPeer(record) ? ['connection', verdict(record)] : ['access', verdict(record)];
}

function verdict(record: RecordMembers): string {
  return record['decision'] === 'allow' ? 'allowed' : 'denied';
}

function isRefusedPeer(record: RecordMembers): boolean {
  return record['type'] === 'decision' && objectOf(record['action']) === null;
}

function isNetwork(record: RecordMembers): boolean {
  return isRefusedPeer(record) || objectOf(record['action'])?.['protocol'] === 'tcp';
}

/** What is made of several fields. */
function putIdentity(out: Record<string, unknown>, record: RecordMembers): void {
  const principal = objectOf(record['principal']);
  const id = principal?.['workload_id'];
  if (typeof id === 'string') memberObject(out, 'user')['name'] = lastSegment(cleanText(id, 2048));
  // `tls.client.issuer` is of a certificate; the issuer of a token is not.
  const issuer = objectOf(objectOf(out['postern'])?.['principal'])?.['issuer'];
  const isCertificate = objectOf(principal?.['credential'])?.['type'] === 'x509-svid';
  if (isCertificate && issuer !== undefined) memberObject(memberObject(out, 'tls'), 'client')['issuer'] = issuer;
  if (out['tls'] !== undefined) memberObject(out, 'tls')['version_protocol'] = 'tls';
}

/** The part of an identity behind its last slash. */
export function lastSegment(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1) || id;
}

function convert(target: string, value: FieldValue): FieldValue | undefined {
  if (typeof value !== 'string') return value;
  if (ipFields.has(target)) return isIP(value) !== 0 && !value.includes('%') ? value : undefined;
  switch (target) {
    case 'tls.version':
      return /^TLSv(\d\.\d)$/.exec(value)?.[1] ?? value;
    case 'tls.client.hash.sha256':
      return value.toUpperCase();
    case 'tls.client.x509.serial_number':
      return value.replaceAll(':', '').toUpperCase();
    case 'network.direction':
      return value === 'outbound' ? 'egress' : 'ingress';
    default:
      return value;
  }
}
