// Elastic Common Schema: one JSON object a record. What ECS has no field for stands under `postern`, so nothing is lost.

import { isIP } from 'node:net';
import { cleanText } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import { compileWalk, type FieldValue, fieldJson, type RecordMembers } from './field-tree.ts';
import { classify, type RecordClass } from './record-class.ts';
import type { Target } from './target-object.ts';
import { TextPlan } from './text-plan.ts';

/** Version of the schema that the field names are of. */
export const ecsVersion = '9.4.0';

type Convert = (value: string) => string | undefined;

/** Where a value goes as it is, and where as something else. */
interface Places {
  readonly plain: readonly number[];
  readonly lists: readonly number[];
  readonly convert: Convert | null;
  readonly converted: readonly number[];
  readonly convertedLists: readonly number[];
}

const address: Convert = (value) => (isIP(value) !== 0 && !value.includes('%') ? value : undefined);

const conversions: Readonly<Record<string, Convert>> = Object.freeze({
  'client.ip': address,
  'source.ip': address,
  'server.ip': address,
  'destination.ip': address,
  'related.ip[]': address,
  'tls.version': (value) => /^TLSv(\d\.\d)$/.exec(value)?.[1] ?? value,
  'tls.client.hash.sha256': (value) => value.toUpperCase(),
  'tls.client.x509.serial_number': (value) => value.replaceAll(':', '').toUpperCase(),
  'network.direction': (value) => (value === 'outbound' ? 'egress' : 'ingress'),
});

const fixed = `"ecs":{"version":"${ecsVersion}"}`;
const observer = '"vendor":"Postern","product":"Postern","type":"proxy"';

const plan = new TextPlan();
const places = {
  time: plan.place('@timestamp'),
  event: plan.place('event.*'),
  fixed: plan.place('*'),
  observer: plan.place('observer.*'),
  userName: plan.place('user.name'),
  duration: plan.place('event.duration'),
  issuer: plan.place('tls.client.issuer'),
  ownIssuer: plan.place('postern.principal.issuer'),
  tlsProtocol: plan.place('tls.version_protocol'),
} as const;
const tlsPlaces: number[] = [places.issuer];
const walk = compileWalk('ecs', placesOf);

/** A record as ECS, without a line end; null for what ECS has no use for. */
export function encodeEcs(record: RecordMembers): string | null {
  const kind = classify(record);
  if (kind === null) return null;
  const values = plan.noValues();
  values[places.fixed] = fixed;
  values[places.observer] = observer;
  values[places.event] = eventMembers(record, kind);
  walk(record, (to, value) => put(values, to, value));
  putIdentity(values, record);
  const totalUs = objectOf(record['timing'])?.['total_us'];
  if (Number.isSafeInteger(totalUs)) values[places.duration] = fieldJson((totalUs as number) * 1000);
  return plan.write(values);
}

function placesOf(targets: readonly Target[]): Places {
  const to = {
    plain: [] as number[],
    lists: [] as number[],
    converted: [] as number[],
    convertedLists: [] as number[],
  };
  let convert: Convert | null = null;
  for (const { name, isAdded } of targets) {
    const place = plan.place(name);
    const own = conversions[name];
    convert ??= own ?? null;
    if (own === undefined) to[isAdded ? 'lists' : 'plain'].push(place);
    else to[isAdded ? 'convertedLists' : 'converted'].push(place);
    if (name.startsWith('tls.')) tlsPlaces.push(place);
  }
  return { ...to, convert };
}

function put(values: string[], to: Places, value: FieldValue): void {
  const text = fieldJson(value);
  for (const place of to.plain) values[place] = text;
  for (const place of to.lists) addTo(values, place, text);
  if (to.convert === null) return;
  const converted = typeof value === 'string' ? to.convert(value) : value;
  if (converted === undefined) return;
  const other = converted === value ? text : fieldJson(converted);
  for (const place of to.converted) values[place] = other;
  for (const place of to.convertedLists) addTo(values, place, other);
}

/** Adds to a list what it has not got. Only addresses meet others there, and they hold no comma. */
function addTo(values: string[], place: number, text: string): void {
  const list = values[place]!;
  if (list === '') values[place] = text;
  else if (!list.split(',').includes(text)) values[place] = `${list},${text}`;
}

/** What `event` says of every record of its kind. */
function eventMembers(record: RecordMembers, kind: RecordClass): string {
  const category = isNetwork(record) ? 'network' : 'api';
  const types = eventTypes(record);
  const action = record['type'] === 'decision' ? 'authz-decision' : `authz-${String(record['type'])}`;
  const codes = `"code":"${kind.signature}","severity":${kind.cefSeverity}`;
  return `"kind":"event","category":["${category}"],"type":[${types}],"outcome":"${kind.outcome}","action":"${action}",${codes},"module":"postern","dataset":"postern.authz","provider":"postern"`;
}

function eventTypes(record: RecordMembers): string {
  if (record['type'] === 'outcome') return '"end"';
  if (record['type'] !== 'decision') return '"info"';
  const verdict = record['decision'] === 'allow' ? '"allowed"' : '"denied"';
  return isNetwork(record) ? `"connection",${verdict}` : `"access",${verdict}`;
}

/** A decision without an action is of a peer who was refused before it asked for anything. */
function isNetwork(record: RecordMembers): boolean {
  const action = objectOf(record['action']);
  return action === null ? record['type'] === 'decision' : action['protocol'] === 'tcp';
}

/** What is made of several fields. */
function putIdentity(values: string[], record: RecordMembers): void {
  const principal = objectOf(record['principal']);
  const id = principal?.['workload_id'];
  if (typeof id === 'string') values[places.userName] = fieldJson(lastSegment(cleanText(id, 2048)));
  // `tls.client.issuer` is of a certificate; the issuer of a token is not.
  const isCertificate = objectOf(principal?.['credential'])?.['type'] === 'x509-svid';
  if (isCertificate) values[places.issuer] = values[places.ownIssuer]!;
  if (tlsPlaces.some((place) => values[place] !== '')) values[places.tlsProtocol] = '"tls"';
}

/** The part of an identity behind its last slash. */
export function lastSegment(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1) || id;
}
