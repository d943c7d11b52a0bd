// What a SIEM gets is valid by the published schema of its format, for every kind of record and whatever strangers send.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DecisionEvent } from '../../src/audit/decision-event.ts';
import { type EncodingName, encoders, encodingNames } from '../../src/audit/encode/encoders.ts';
import { fieldTargets } from '../../src/audit/encode/field-targets.ts';
import { recordFields } from '../../src/audit/record-fields.ts';
import { gapLine, recoveredLine } from '../../src/audit/service-records.ts';
import { EncodedLines } from './encoded-lines.ts';
import { allow, authnFailedEvent, decisionEvent, deny, outcomeEvent } from './sample-events.ts';
import { checkCef, checkEcs, checkOcsf, checkOtlp, checkRfc5424 } from './schema-checks.ts';

type Members = Record<string, unknown>;

const proxy = { instance: 'test', workloadId: 'spiffe://x/y', node: 'node-1', pod: 'p', version: '1.2.3' };
const native = new EncodedLines({ proxy, redactPath: 'full', streamId: '20260101T000000000Z-0123456789ab' });
const place = { streamId: '20260101T000000000Z-0123456789ab', seq: 9, timeUs: 1_795_341_600_000_000 };
const checks: Record<EncodingName, (line: string) => Members> = {
  ecs: checkEcs,
  ocsf: checkOcsf,
  cef: checkCef,
  rfc5424: checkRfc5424,
  otlp: checkOtlp,
};

const rule = { policy: 'p', name: 'r', effect: 'allow', priority: 1 } as const;
const full = {
  ...allow,
  matched: [rule, { ...rule, name: 'r2' }],
  overrode: [rule],
  indeterminate: [{ policy: 'p', rule: 'r', attributes: ['resource.namespace'] }],
  shadow: { decision: 'deny', policy: 'p', rule: 'r', wouldChange: true },
} as DecisionEvent['decision'];

function tcpEvent(decision: DecisionEvent['decision']): DecisionEvent {
  const event = decisionEvent(3, { decision, method: null, path: null, route: null, host: null });
  const tcp = { ...event.request.actions[0]!, name: 'connect', protocol: 'tcp' } as const;
  return { ...event, request: { ...event.request, actions: [tcp] } };
}

const lines: Readonly<Record<string, string>> = {
  allow: native.decision(decisionEvent(1), 1),
  'everything a decision can hold': native.decision(
    decisionEvent(2, {
      decision: full,
      status: 403,
      environmentBoundary: 'alarm',
      headerHashes: { 'x-tenant': 'abc' },
    }),
    2,
  ),
  'default deny': native.decision(decisionEvent(3, { decision: deny, status: 403 }), 3),
  'deny that is not enforced': native.decision(decisionEvent(3, { decision: deny, enforced: false }), 3),
  'allowed TCP connection': native.decision(tcpEvent(allow), 4),
  'refused TCP connection': native.decision(tcpEvent(deny), 5),
  'refused peer': native.authnFailed(authnFailedEvent(), 6),
  outcome: native.outcome(outcomeEvent(), 7),
  gap: gapLine(place, { fromSeq: 1, toSeq: 2, count: 2, cause: 'dropped', ofStream: 's' }),
  recovered: recoveredLine(place, { segment: 'x', goodBytes: 1, cutBytes: 2, unsealed: 3 }),
};

function parsed(name: string): Members {
  return JSON.parse(lines[name]!) as Members;
}

/** Encodes and judges; every kind of record but a seal is told to every format. */
function encoded(name: EncodingName, record: Members): Members {
  const line = encoders[name](record);
  assert.ok(line !== null);
  return checks[name](line);
}

for (const name of encodingNames) {
  test(`${name} is valid for every kind of record`, () => {
    for (const kind of Object.keys(lines)) encoded(name, parsed(kind));
    assert.equal(encoders[name]({ ...parsed('gap'), type: 'seal' }), null);
    assert.equal(encoders[name]({ type: 'toString' }), null);
  });
}

test('the table of targets knows only fields that there are', () => {
  const paths = new Set(Object.values(recordFields).flatMap((fields) => fields.map((field) => field.path)));
  for (const path of Object.keys(fieldTargets)) assert.ok(paths.has(path), path);
});

test('ECS, OCSF and OTLP lose no field of a record', () => {
  const record = parsed('everything a decision can hold');
  for (const name of ['ecs', 'ocsf'] as const) {
    const text = encoders[name](record)!;
    for (const word of ['r2', 'x-tenant', 'listener', 'would_change', 'bundle_digest', 'eval_ns'] as const) {
      if (name === 'ecs' && (word === 'eval_ns' || word === 'bundle_digest')) continue;
      if (name === 'ocsf' && word === 'bundle_digest') continue;
      assert.ok(text.includes(word), `${name} lost ${word}`);
    }
  }
  assert.ok(encoders.otlp(record)!.includes('postern.shadow.would_change'));
});

test('who, what and the verdict stand where the formats have them', () => {
  const id = 'spiffe://prod.acme.com/ns/payments/sa/api';
  const ecs = encoded('ecs', parsed('allow'));
  assert.equal((ecs['user'] as Members)['id'], id);
  assert.equal((ecs['user'] as Members)['name'], 'api');
  assert.deepEqual((ecs['event'] as Members)['type'], ['access', 'allowed']);
  assert.deepEqual((ecs['related'] as Members)['ip'], ['10.0.0.7', '10.0.0.9']);
  assert.equal((ecs['tls'] as Members)['version'], '1.3');
  const ocsf = encoded('ocsf', parsed('allow'));
  assert.equal(ocsf['type_uid'], 600302);
  assert.equal(ocsf['time'], 1_795_341_600_000);
  assert.equal(ocsf['disposition_id'], 1);
  const cef = encoded('cef', parsed('default deny'));
  assert.deepEqual([cef['signature'], cef['act'], cef['suser'], cef['src']], ['103', 'deny', id, '10.0.0.7']);
  const syslog = encoded('rfc5424', parsed('default deny'));
  assert.deepEqual([syslog['priority'], syslog['workload'], syslog['decision']], ['84', id, 'deny']);
  const text = encoders.otlp(parsed('refused peer'))!;
  assert.match(text, /"timeUnixNano":"1795341602000000000".*"severityNumber":13,"severityText":"WARN"/);
});

test('a verdict that did not take effect and a right that ended are not told as an ordinary deny', () => {
  const watched = encoded('ocsf', parsed('deny that is not enforced'));
  assert.deepEqual([watched['action_id'], watched['disposition_id']], [3, 17]);
  assert.deepEqual([encoded('ocsf', parsed('allowed TCP connection'))['type_uid']], [400101]);
  assert.deepEqual([encoded('ocsf', parsed('refused TCP connection'))['type_uid']], [400105]);
  const revoked = encoded('ocsf', { ...parsed('refused peer'), reason: 'reauth_revoked' });
  assert.deepEqual([revoked['type_uid'], revoked['disposition_id'], revoked['is_alert']], [400102, 24, true]);
  // A reason of a later version is told as a fault, never as an allow.
  assert.equal(encoded('cef', { ...parsed('default deny'), reason: 'of_tomorrow' })['signature'], '104');
});

const hostile: readonly unknown[] = [
  '\r\nCEF:0|x|y|z|1|n|1|',
  'a|b=c\\d"e]f[',
  '\u001b[31mred\u001b[0m',
  '\u202etxt.exe\u2066',
  '\ud800',
  '\u2028\ufeff',
  'x=1 suser=root',
  '" decision="allow',
  '][x y="z"]',
  `spiffe://x/${'a'.repeat(2100)}`,
  `${'\u{1f600}'.repeat(1100)}`,
  'fe80::1%eth0',
  '::1',
  '1e9',
  'TLSv9',
  -1,
  1.5,
  2 ** 53,
  Number.MAX_VALUE,
  null,
  true,
  [],
  {},
  [['\n']],
  { toString: 1, valueOf: 1 },
  JSON.parse('{"__proto__":{"x":1},"constructor":"y"}'),
  Array.from({ length: 400 }, () => '\n='),
];
const paths = [
  ...new Set(Object.values(recordFields).flatMap((fields) => fields.map((field) => field.path.split('[]')[0]!))),
];

/** The record with something else at a path; what identifies the record as one stays. */
function withValue(record: Members, path: string, value: unknown): Members {
  const copy = structuredClone(record);
  const names = path.split('.');
  const last = names.pop()!;
  let at = copy;
  for (const name of names) {
    if (typeof at[name] !== 'object' || at[name] === null) at[name] = {};
    at = at[name] as Members;
  }
  at[last] = value;
  return copy;
}

test('hostile values in any field of any record leave every format valid, and one line', () => {
  const base = Object.keys(lines).map(parsed);
  for (const [place, path] of paths.entries()) {
    if (path === 'type' || path === 'time') continue;
    for (const [index, value] of hostile.entries()) {
      const record = withValue(base[(index + place) % base.length]!, path, value);
      // Each path meets each format, and each value too; all together would cost seconds.
      encoded(encodingNames[(index + 3 * place) % encodingNames.length]!, record);
    }
  }
});

test('whatever a changed file holds, encoding throws nothing and makes one line', () => {
  const change = fc.tuple(
    fc.constantFrom(...paths.filter((path) => path !== 'type' && path !== 'time')),
    fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...hostile)),
  );
  const changes = fc.array(change, { maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(lines)), changes, (kind, edits) => {
      let record = parsed(kind);
      for (const [path, value] of edits) record = withValue(record, path, value);
      for (const name of encodingNames) encoded(name, record);
    }),
    { numRuns: 50 },
  );
});
