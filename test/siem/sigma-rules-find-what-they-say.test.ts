// Each detection rule of deploy/siem is run as it stands over journals that our own recorder wrote, as they stand and as ECS: one that it must
// find something in, and one that comes near and must not.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { authnFailedEvent, connection, deny } from '../audit/sample-events.ts';
import { asEcs, call, ecsForm, type Happening, nativeForm, recorded } from './recorded-journal.ts';
import { correlated, found, type SigmaCorrelation, type SigmaRule, sigmaDocuments } from './sigma-rules.ts';

const documents = sigmaDocuments<SigmaRule & Partial<SigmaCorrelation>>('rules');
const rules = documents.filter((document) => document.detection !== undefined);
const correlations = documents.filter((document): document is typeof document & SigmaCorrelation => {
  return document.correlation !== undefined;
});

/** How many events, or groups of them, a rule finds in a journal. */
async function countIn(t: TestContext, file: string, happenings: readonly Happening[]): Promise<number> {
  const records = await recorded(t, happenings);
  const native = countBy(file, records, nativeForm);
  assert.equal(countBy(file, asEcs(records), ecsForm), native, 'as ECS the rule finds something else');
  return native;
}

function countBy(file: string, events: Parameters<typeof found>[1], form: typeof nativeForm): number {
  const correlation = correlations.find((document) => document.file === `${file}.yml`);
  if (correlation !== undefined) return correlated(correlation, rules, { events, form }).length;
  const rule = rules.find((document) => document.file === `${file}.yml`);
  assert.ok(rule, `${file} is no rule`);
  return found(rule, events, form).length;
}

const refused = (cause: string, shown: string): Happening => ({
  kind: 'refused',
  event: authnFailedEvent({ cause, shown, connection: { ...connection, credential: { ...connection.credential } } }),
});
const row = (count: number, make: (n: number) => Happening) => Array.from({ length: count }, (_, n) => make(n));
const peer = (n: number) => `spiffe://prod.acme.com/ns/shop/sa/s${n}`;
const oneToken = { jtiSha256: 'c'.repeat(64), isReplayed: false };

interface Case {
  readonly file: string;
  readonly finds: readonly Happening[];
  /** How many events or groups. */
  readonly count: number;
  readonly passesBy: readonly Happening[];
}

const cases: readonly Case[] = [
  {
    file: 'postern_staging_touches_production',
    finds: [
      call({ environment: 'staging' }),
      call({ environment: 'dev', isDenied: true }),
      call({ environment: 'staging', resourceEnvironment: 'unknown', change: { environmentBoundary: 'deny' } }),
      call({ environment: 'staging', resourceEnvironment: 'unknown', change: { environmentBoundary: 'alarm' } }),
    ],
    count: 4,
    passesBy: [
      call(),
      call({ environment: 'staging', resourceEnvironment: 'staging' }),
      call({ environment: 'production', change: { environmentBoundary: 'deny' } }),
      call({ environment: 'staging-like' }),
    ],
  },
  {
    file: 'postern_revoked_identity_tried',
    finds: [
      refused('revoked', peer(1)),
      call({ change: { authnFailure: { cause: 'token_revoked', detail: 'revoked', shown: peer(2) } } }),
    ],
    count: 2,
    passesBy: [
      refused('certificate_expired', 'spiffe://prod.acme.com/revoked'),
      call({ caller: peer(1), isDenied: true }),
    ],
  },
  {
    file: 'postern_credential_lives_too_long',
    finds: [
      call({ change: { credentialLifetimeAlarm: true } }),
      call({ change: { decision: { ...deny, reason: 'credential_too_long' } } }),
    ],
    count: 2,
    passesBy: [call(), call({ isDenied: true })],
  },
  {
    file: 'postern_token_in_two_hands',
    finds: [call({ token: { ...oneToken, isReplayed: true } })],
    count: 1,
    passesBy: [call({ token: oneToken }), call()],
  },
  {
    file: 'postern_records_missing',
    finds: [call(), { ...call(), kind: 'unwritten' } as Happening, call()],
    count: 1,
    passesBy: [call(), call({ isDenied: true })],
  },
  {
    file: 'postern_request_denied',
    finds: [call({ isDenied: true }), refused('revoked', peer(1))],
    count: 2,
    passesBy: [call()],
  },
  { file: 'postern_token_shown', finds: [call({ token: oneToken })], count: 1, passesBy: [call()] },
  {
    file: 'postern_dormant_identity_awake',
    finds: [call({ caller: peer(1) }), call({ caller: peer(2), isDenied: true })],
    count: 2,
    passesBy: [refused('revoked', peer(1))],
  },
  {
    file: 'postern_new_caller_resource_pair',
    finds: [call({ caller: peer(1), resource: 'ledger' })],
    count: 1,
    passesBy: [call({ isDenied: true }), refused('revoked', peer(1))],
  },
  {
    file: 'mr_postern_deny_burst',
    finds: [
      ...row(20, (n) => call({ n, atS: n * 15, isDenied: true })),
      ...row(19, (n) => call({ n, caller: peer(1), isDenied: true })),
    ],
    count: 1,
    passesBy: [
      ...row(20, (n) => call({ n, atS: n * 16, isDenied: true })),
      ...row(20, (n) => call({ n, caller: peer(n), isDenied: true })),
      ...row(30, (n) => call({ n, caller: peer(99) })),
    ],
  },
  {
    file: 'mr_postern_deny_burst_of_a_source',
    finds: [
      ...row(10, (n) => call({ n, caller: peer(n), isDenied: true, sourceIp: '10.0.0.66' })),
      ...row(10, (n) => ({
        kind: 'refused' as const,
        event: authnFailedEvent({ timeUs: 1_795_341_600_000_000 + n, sourceIp: '10.0.0.66' }),
      })),
    ],
    count: 1,
    passesBy: row(40, (n) => call({ n, isDenied: true, sourceIp: `10.0.0.${n % 3}` })),
  },
  {
    file: 'mr_postern_many_resources_denied',
    finds: row(5, (n) => call({ n, resource: `db${n}`, isDenied: true })),
    count: 1,
    passesBy: [
      ...row(30, (n) => call({ n, resource: `db${n % 4}`, isDenied: true })),
      ...row(9, (n) => call({ n, caller: peer(1), resource: `db${n}` })),
    ],
  },
  {
    file: 'mr_postern_token_from_two_addresses',
    finds: [call({ token: oneToken }), call({ atS: 3_500, token: oneToken, sourceIp: '10.9.9.9' })],
    count: 1,
    passesBy: [
      call({ token: oneToken }),
      call({ token: oneToken }),
      call({ atS: 3_601, token: oneToken, sourceIp: '10.9.9.9' }),
      call({ token: { ...oneToken, jtiSha256: 'd'.repeat(64) }, sourceIp: '10.9.9.8' }),
    ],
  },
];

for (const { file, finds, count, passesBy } of cases) {
  test(`${file} finds what it is for in a recorded journal, and nothing in one that comes near`, async (t) => {
    assert.equal(await countIn(t, file, finds), count);
    assert.equal(await countIn(t, file, passesBy), 0);
  });
}

test('every rule and correlation has its journals', () => {
  assert.deepEqual(
    cases.map(({ file }) => `${file}.yml`).sort(),
    documents.map(({ file }) => file),
  );
});
