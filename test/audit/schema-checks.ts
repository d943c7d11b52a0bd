// Judges encoded records by the published schema of their format. The facts stand in schemas/, each with its source; CEF
// and RFC 5424 are read by small parsers of their grammar.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

type Members = Record<string, unknown>;

interface Shape {
  readonly attributes: Record<string, string>;
  readonly enums: Record<string, readonly number[]>;
  readonly atLeastOne: readonly string[];
}

const ecs = facts('ecs-9.4.0.json') as {
  version: string;
  fields: Record<string, string>;
  categories: Record<string, readonly string[]>;
  outcomes: readonly string[];
  kinds: readonly string[];
};
const ocsf = facts('ocsf-1.7.0.json') as {
  version: string;
  classes: Record<string, Shape & { profiles: readonly string[] }>;
  objects: Record<string, Shape>;
};
const otlp = facts('otlp-logs-1.11.json') as { messages: Record<string, Record<string, string>> };

function facts(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', name), 'utf8'));
}

/** Every field is one of the schema and of its type; the classification is one that it allows. */
export function checkEcs(line: string): Members {
  const out = parseLine(line);
  checkEcsFields(out, '');
  const event = out['event'] as { kind: string; category: string[]; type: string[]; outcome: string };
  assert.equal((out['ecs'] as Members)['version'], ecs.version);
  assert.ok(ecs.kinds.includes(event.kind) && ecs.outcomes.includes(event.outcome));
  for (const category of event.category) {
    const types = ecs.categories[category];
    assert.ok(types, category);
    for (const type of event.type) assert.ok(types.includes(type), `${category} has no type ${type}`);
  }
  return out;
}

function checkEcsFields(value: Members, at: string): void {
  for (const [name, member] of Object.entries(value)) {
    const path = `${at}${name}`;
    if (path === 'postern') continue;
    if (path.startsWith('labels.')) assert.equal(typeof member, 'string');
    else if (path in ecs.fields && path !== 'labels') checkEcsType(path, member, ecs.fields[path]!);
    else if (typeof member === 'object' && member !== null && !Array.isArray(member))
      checkEcsFields(member as Members, `${path}.`);
    else assert.fail(`ECS has no field ${path}`);
  }
}

const ecsTypes: Record<string, (value: unknown) => boolean> = {
  keyword: (value) => typeof value === 'string',
  constant_keyword: (value) => typeof value === 'string',
  wildcard: (value) => typeof value === 'string',
  match_only_text: (value) => typeof value === 'string',
  date: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  long: Number.isSafeInteger,
  boolean: (value) => typeof value === 'boolean',
  ip: (value) => typeof value === 'string' && isIP(value) !== 0,
};

function checkEcsType(path: string, value: unknown, type: string): void {
  const isType = ecsTypes[type.replace('[]', '')];
  assert.ok(isType, `no check for ${type} of ${path}`);
  const items = type.endsWith('[]') ? value : [value];
  assert.ok(Array.isArray(items), `${path} is no list`);
  for (const item of items) assert.ok(isType(item), `${path} is no ${type}: ${JSON.stringify(item)}`);
}

/** Every attribute is one of the class, what is required is there, and enums hold what they may. */
export function checkOcsf(line: string): Members {
  const out = parseLine(line);
  const shape = ocsf.classes[String(out['class_uid'])];
  assert.ok(shape, `class ${String(out['class_uid'])}`);
  checkShape(out, shape, 'event');
  assert.equal(out['type_uid'], Number(out['class_uid']) * 100 + Number(out['activity_id']));
  const metadata = out['metadata'] as { version: string; profiles: string[] };
  assert.equal(metadata.version, ocsf.version);
  for (const profile of metadata.profiles) assert.ok(shape.profiles.includes(profile), profile);
  return out;
}

function checkShape(value: Members, shape: Shape, at: string): void {
  for (const [name, type] of Object.entries(shape.attributes)) {
    if (type.endsWith('!')) assert.ok(value[name] !== undefined, `${at} lacks ${name}`);
  }
  for (const [name, member] of Object.entries(value)) {
    const type = shape.attributes[name]?.replace('!', '');
    assert.ok(type, `${at} has no attribute ${name}`);
    const items = type.endsWith('[]') ? (member as readonly unknown[]) : [member];
    for (const item of items) checkOcsfType(item, type.replace('[]', ''), `${at}.${name}`);
    const allowed = shape.enums[name];
    if (allowed !== undefined) assert.ok(allowed.includes(member as number), `${at}.${name}: ${String(member)}`);
  }
  const { atLeastOne } = shape;
  if (atLeastOne.length > 0)
    assert.ok(
      atLeastOne.some((name) => value[name] !== undefined),
      `${at}: ${atLeastOne.join()}`,
    );
}

function checkOcsfType(value: unknown, type: string, at: string): void {
  if (type === 'object') return;
  if (type === 'ip_t') assert.ok(isIP(String(value)) !== 0, at);
  else if (type === 'port_t') assert.ok(Number.isInteger(value) && Number(value) >= 0 && Number(value) < 65_536, at);
  else if (type === 'boolean_t') assert.equal(typeof value, 'boolean', at);
  else if (['integer_t', 'long_t', 'timestamp_t'].includes(type)) assert.ok(Number.isSafeInteger(value), at);
  else if (type.endsWith('_t')) assert.equal(typeof value, 'string', at);
  else {
    const shape = ocsf.objects[type];
    assert.ok(shape, `${at}: no facts of ${type}`);
    checkShape(value as Members, shape, at);
  }
}

/** Every member is one of its message, in the JSON form that OTLP asks for. */
export function checkOtlp(line: string): Members {
  const out = parseLine(line);
  checkMessage(out, 'ExportLogsServiceRequest', 'request');
  return out;
}

function checkMessage(value: unknown, type: string, at: string): void {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), at);
  const entries = Object.entries(value);
  if (type === 'AnyValue') assert.ok(entries.length <= 1, `${at} is one of several`);
  for (const [name, member] of entries) {
    const kind = otlp.messages[type]?.[name];
    assert.ok(kind, `${type} has no member ${name}`);
    const items = kind.endsWith('[]') ? (member as readonly unknown[]) : [member];
    for (const item of items) checkScalar(item, kind.replace('[]', ''), `${at}.${name}`);
  }
}

const scalars: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  double: (value) => typeof value === 'number',
  uint32: (value) => Number.isInteger(value) && Number(value) >= 0,
  int64: (value) => typeof value === 'string' && /^-?\d{1,19}$/.test(value),
  fixed64: (value) => typeof value === 'string' && /^\d{1,20}$/.test(value),
  SeverityNumber: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 24,
  hex16: (value) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value),
  hex8: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
};

function checkScalar(value: unknown, kind: string, at: string): void {
  const isKind = scalars[kind];
  if (isKind === undefined) checkMessage(value, kind, at);
  else assert.ok(isKind(value), `${at} is no ${kind}: ${JSON.stringify(value)}`);
}

/** Most characters, of the CEF guide's dictionary, of the keys in use; keys that are not here may not stand in a record. */
const cefKeys: Record<string, number> = {
  act: 63,
  app: 31,
  c6a2: 45,
  c6a3: 45,
  cat: 1023,
  cn1: 20,
  cn2: 20,
  cnt: 20,
  cs1: 4000,
  cs2: 4000,
  cs3: 4000,
  cs4: 4000,
  cs5: 4000,
  cs6: 4000,
  destinationServiceName: 1023,
  deviceDirection: 1,
  deviceExternalId: 255,
  dhost: 1023,
  dpt: 5,
  dst: 15,
  dvchost: 100,
  externalId: 40,
  flexString1: 1023,
  flexString2: 1023,
  in: 20,
  msg: 1023,
  out: 20,
  outcome: 63,
  proto: 31,
  reason: 1023,
  request: 1023,
  requestMethod: 1023,
  rt: 20,
  sntdom: 255,
  spt: 5,
  src: 15,
  suid: 1023,
  suser: 1023,
};

/** Header and extension, taken apart again; a separator that was not escaped shows as a key that there is not. */
export function checkCef(line: string): Record<string, string> {
  assertOneLine(line);
  const match =
    /^CEF:0\|((?:[^\\|]|\\[\\|])*)\|((?:[^\\|]|\\[\\|])*)\|((?:[^\\|]|\\[\\|])*)\|(\d+)\|((?:[^\\|]|\\[\\|])*)\|(\d|10)\|(.*)$/u.exec(
      line,
    );
  assert.ok(match, line);
  const out: Record<string, string> = { signature: match[4]!, severity: match[6]! };
  const rest = match[7]!.replace(
    / ?([A-Za-z0-9]+)=((?:[^\\=]|\\[\\=])*?)(?= [A-Za-z0-9]+=|$)/gu,
    (_, key: string, value: string) => {
      assert.ok(!(key in out), `${key} twice`);
      out[key] = value.replace(/\\([\\=])/g, '$1');
      return '';
    },
  );
  assert.equal(rest, '');
  for (const [key, value] of Object.entries(out)) {
    if (key === 'signature' || key === 'severity') continue;
    const most = cefKeys[key.replace(/Label$/, '')];
    assert.ok(most !== undefined && value.length <= most, `${key}: ${value.length}`);
  }
  return out;
}

const headName = '[\\x21-\\x7e]';
const syslogMessage = new RegExp(
  `^<(\\d{1,3})>1 (?:-|\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})?Z) ${headName}{1,255} ${headName}{1,48} ${headName}{1,128} ${headName}{1,32} ((?:\\[[^ =\\]"]{1,32}(?: [^ =\\]"]{1,32}="(?:[^"\\\\\\]]|\\\\["\\\\\\]])*")*\\])+)$`,
  'u',
);

/** A message by the grammar of RFC 5424 §6; the parameters of our own element. */
export function checkRfc5424(line: string): Record<string, string> {
  assertOneLine(line);
  const match = syslogMessage.exec(line);
  assert.ok(match, line);
  const out: Record<string, string> = { priority: match[1]! };
  const own = /^\[authz@\d+((?: [^ =\]"]+="(?:[^"\\\]]|\\["\\\]])*")*)\]/u.exec(match[2]!);
  assert.ok(own, match[2]!);
  for (const [, name, value] of own[1]!.matchAll(/ ([^ =\]"]+)="((?:[^"\\\]]|\\["\\\]])*)"/gu)) {
    assert.ok(!(name! in out), `${name} twice`);
    out[name!] = value!.replace(/\\(["\\\]])/g, '$1');
  }
  return out;
}

function parseLine(line: string): Members {
  assert.match(line, /^[\x20-\x7e]+$/);
  return JSON.parse(line) as Members;
}

/** No line end, no terminal control, no mark that turns the reading order, no half of a surrogate pair. */
function assertOneLine(line: string): void {
  assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
  assert.ok(line.isWellFormed());
}
