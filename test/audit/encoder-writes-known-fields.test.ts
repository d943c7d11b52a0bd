// Every encoded record is one line of valid ASCII JSON that holds only documented fields, and all that are promised.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionEvent } from '../../src/audit/decision-event.ts';
import { lineBytes } from '../../src/audit/native-encoder.ts';
import { recordFieldsMarkdown } from '../../src/audit/record-docs.ts';
import { type RecordType, recordFields } from '../../src/audit/record-fields.ts';
import { gapLine, recoveredLine, sealHead } from '../../src/audit/service-records.ts';
import { MISTYPED } from '../../src/authz/model.ts';
import { endedRightEvent } from '../../src/proxy/refusal-events.ts';
import { EncodedLines } from './encoded-lines.ts';
import { action, allow, authnFailedEvent, decisionEvent, outcomeEvent } from './sample-events.ts';

const proxy = { instance: 'test', workloadId: 'spiffe://x/y', node: 'n', pod: 'p', version: '1' };
const encoder = new EncodedLines({ proxy, redactPath: 'full', streamId: '20260101T000000000Z-0123456789ab' });

/** Dotted paths of all leaves; lists of objects as `[]`. */
function pathsOf(value: unknown, at = ''): readonly string[] {
  if (at === 'http.header_hashes') return [at];
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object')) return [at];
    return value.flatMap((item) => pathsOf(item, `${at}[]`));
  }
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([name, member]) => pathsOf(member, at === '' ? name : `${at}.${name}`));
}

function checkRecord(line: string): Record<string, unknown> {
  assert.match(line, /^[\x20-\x7e]+\n$/);
  assert.ok(line.length <= lineBytes);
  const parsed = JSON.parse(line) as Record<string, unknown>;
  const type = parsed['type'] as RecordType;
  const paths = new Set(pathsOf(parsed));
  const known = new Set(recordFields[type].map((field) => field.path));
  for (const path of paths) assert.ok(known.has(path), `${type} has the unknown field ${path}`);
  for (const field of recordFields[type]) {
    if (field.always) assert.ok(paths.has(field.path), `${type} lacks ${field.path}`);
  }
  return parsed;
}

const rule = { policy: 'p', name: 'r', effect: 'allow', priority: 1 } as const;
const full = {
  ...allow,
  matched: [rule, { ...rule, name: 'r2' }],
  overrode: [rule],
  indeterminate: [{ policy: 'p', rule: 'r', attributes: ['resource.namespace'] }],
  shadow: { decision: 'deny', policy: 'p', rule: 'r', wouldChange: true },
} as DecisionEvent['decision'];

const cases: Readonly<Record<string, DecisionEvent>> = {
  'an ordinary allow': decisionEvent(1),
  'everything a decision can hold': decisionEvent(2, {
    decision: full,
    status: 403,
    environmentBoundary: 'alarm',
    credentialLifetimeAlarm: true,
    headerHashes: { 'x-tenant': 'abc' },
    maskedInputs: ['/http/headers/x-tenant'],
  }),
  'a bare deny': decisionEvent(3, {
    decision: {
      ...allow,
      effect: 'deny',
      permit: null,
      policy: null,
      rule: null,
      matched: [],
      obligations: null,
      bundleDigest: '',
    },
    path: null,
    route: null,
    host: null,
    method: null,
  }),
};

for (const [name, event] of Object.entries(cases)) {
  test(`holds only documented fields and all promised ones: ${name}`, () => {
    checkRecord(encoder.decision(event, 7));
  });
}

test('a token is named by what may be known of it, and hostile claims break no line', () => {
  const long = '\u202e"\r\n'.repeat(500);
  const token = {
    issuer: 'https://ci.example',
    subject: long,
    spiffeId: 'spiffe://ci.acme.com/x',
    type: 'ci_job',
    actors: Array.from({ length: 8 }, () => long),
    replayed: true,
  };
  const base = decisionEvent(4, { authnFailure: { cause: 'expired', detail: long, shown: long } });
  const event: DecisionEvent = {
    ...base,
    request: { ...base.request, principal: { ...base.request.principal, token } },
    connection: {
      ...base.connection,
      token: {
        jtiSha256: 'a'.repeat(64),
        audience: Array.from({ length: 200 }, () => long),
        notAfterMs: 1_795_341_600_000,
      },
    },
  };
  const parsed = checkRecord(encoder.decision(event, 7));
  const principal = parsed['principal'] as Record<string, Record<string, unknown>>;
  assert.equal(principal['token']?.['issuer'], 'https://ci.example');
  assert.equal(principal['token']?.['not_after'], '2026-11-22T10:00:00.000Z');
  assert.equal((parsed['authn_failure'] as Record<string, unknown>)['cause'], 'expired');
  assert.ok((parsed['masked'] as string[]).includes('/principal/token/subject'));
});

test('the record of a right that ended says which way the connection went', () => {
  const { principal, network, tls } = decisionEvent().request;
  const { connection, decisionId, timeUs } = authnFailedEvent();
  const side = { principal, tls, network: { ...network, direction: 'outbound' } as const };
  const event = endedRightEvent({ connection, decisionId, timeUs }, side, 'the own certificate has expired');
  assert.equal(
    (checkRecord(encoder.authnFailed(event, 8))['network'] as Record<string, unknown>)['direction'],
    'outbound',
  );
});

test('records of refused peers, outcomes and of the journal itself are documented too', () => {
  const place = { streamId: '20260101T000000000Z-0123456789ab', seq: 9, timeUs: 1_795_341_600_000_000 };
  checkRecord(encoder.authnFailed(authnFailedEvent(), 8));
  checkRecord(encoder.outcome(outcomeEvent(), 9));
  checkRecord(gapLine(place, { fromSeq: 1, toSeq: 2, count: 2, cause: 'dropped', ofStream: 's' }));
  checkRecord(recoveredLine(place, { segment: 'x', goodBytes: 1, cutBytes: 2, unsealed: 3 }));
  const end = { streamId: 's', seq: 1, sha256: 'f'.repeat(64) };
  const facts = {
    fromSeq: 1,
    count: 8,
    prev: 'a'.repeat(64),
    final: true,
    expired: [{ streamId: 's', toSeq: 1 }],
    previous: [end],
  };
  checkRecord(`${sealHead(place, facts)}${'b'.repeat(64)}"}\n`);
});

test('says what the policy saw: identity, resource, action, correlation, time', () => {
  const parsed = checkRecord(encoder.decision(decisionEvent(5), 6));
  assert.equal(parsed['seq'], 6);
  assert.equal(parsed['time'], '2026-11-22T10:00:00.000685Z');
  assert.equal(parsed['decision'], 'allow');
  assert.deepEqual(parsed['obligations'], { credential_ttl_s: 3600, valid_until: '2026-11-22T11:00:00.000685Z' });
  const principal = parsed['principal'] as Record<string, unknown>;
  assert.equal(principal['workload_id'], 'spiffe://prod.acme.com/ns/payments/sa/api');
  assert.equal(principal['environment'], 'production');
  assert.deepEqual(parsed['action'], { name: 'read', names: ['read', 'http:GET'], protocol: 'http', method: 'GET' });
  assert.equal((parsed['http'] as Record<string, unknown>)['path'], '/v1/payments/5');
  assert.equal(parsed['masked'], undefined);
});

test('caches nothing that differs: principal, network, resource, decision and action change the record', () => {
  const event = decisionEvent(1);
  const { request } = event;
  const before = encoder.decision(event, 1);
  const changes: readonly Partial<DecisionEvent['request']>[] = [
    { principal: { ...request.principal, namespace: 'other' } },
    { network: { ...request.network, sourceIp: '192.0.2.1' } },
    { tls: { ...request.tls, sni: 'other' } },
    { resource: { ...request.resource, name: 'other' } },
    { resource: { ...request.resource, owner: 'other' } },
    { actions: [{ ...action, name: 'other' }] },
  ];
  for (const change of changes) {
    const line = encoder.decision({ ...event, request: { ...request, ...change } }, 1);
    assert.notEqual(line, before);
    assert.match(line, /other|192\.0\.2\.1/);
    assert.equal(encoder.decision(event, 1), before);
  }
});

test('a value of the wrong type is named in masked, not guessed', () => {
  const event = decisionEvent(1);
  const resource = { ...event.request.resource, namespace: MISTYPED, port: MISTYPED } as const;
  const parsed = checkRecord(encoder.decision({ ...event, request: { ...event.request, resource } }, 1));
  assert.deepEqual(parsed['masked'], ['/resource/namespace', '/resource/port']);
});

test('with redact.path: template the path never reaches the record, and the record says so', () => {
  const template = new EncodedLines({ proxy, redactPath: 'template', streamId: 's' });
  const line = template.decision(decisionEvent(4711), 1);
  assert.doesNotMatch(line, /payments\/4711/);
  assert.match(line, /"route":"\/v1\/payments\/\{id\}"/);
  assert.deepEqual((JSON.parse(line) as Record<string, unknown>)['masked'], ['/http/path']);
});

test('no action at all still makes a valid record', () => {
  const event = decisionEvent(1);
  checkRecord(encoder.decision({ ...event, request: { ...event.request, actions: [] } }, 1));
});

test('the field table of the docs has a row for each field', () => {
  const markdown = recordFieldsMarkdown();
  for (const fields of Object.values(recordFields)) {
    for (const field of fields) assert.ok(markdown.includes(`\`${field.path}\``), field.path);
  }
  assert.ok(markdown.includes('**`principal.workload_id`**'));
});
