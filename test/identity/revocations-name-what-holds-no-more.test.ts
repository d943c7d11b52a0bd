// The list of revocations: what a row takes the right from, and that a damaged list is refused rather than shortened.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { withRevocation } from '../../src/identity/revocations-edit.ts';
import { parseRevocations } from '../../src/identity/revocations-file.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';

const print = 'ab'.repeat(32);
const authorityPrint = 'cd'.repeat(32);
const nowMs = Date.parse('2026-11-22T10:00:00Z');

function list(...rows: readonly string[]): RevocationList {
  return new RevocationList(parseRevocations(`revocations:\n${rows.map((row) => `  - ${row}\n`).join('')}`, 'r.yaml'));
}

function reasonFor(of: RevocationList, id = 'spiffe://prod.acme.com/ns/payments/api'): string | null {
  const path = [
    { serial: '0A1B2C', fingerprintSha256: print },
    { serial: '7F', fingerprintSha256: authorityPrint },
  ];
  return of.ofPeer(SpiffeId.parse(id), path, nowMs)?.reason ?? null;
}

const taking: readonly (readonly [what: string, row: string])[] = [
  ['the ID itself', '{ spiffe_id: "spiffe://prod.acme.com/ns/payments/api", reason: x }'],
  ['a pattern of one segment', '{ spiffe_id: "spiffe://prod.acme.com/ns/payments/*", reason: x }'],
  ['a pattern of all below', '{ spiffe_id: "spiffe://prod.acme.com/**", reason: x }'],
  ['a pattern over trust domains', '{ spiffe_id: "spiffe://*/ns/payments/api", reason: x }'],
  ['the serial', '{ serial: "0A1B2C", reason: x }'],
  ['the serial as openssl writes it', '{ serial: "a:1b:2c", reason: x }'],
  ['the serial with a prefix', '{ serial: "0x0a1b2c", reason: x }'],
  ['the serial in its trust domain', '{ serial: "A1B2C", trust_domain: prod.acme.com, reason: x }'],
  ['the fingerprint', `{ fingerprint_sha256: "${print}", reason: x }`],
  [
    'the fingerprint in colons',
    `{ fingerprint_sha256: "sha256:${print.match(/../g)!.join(':').toUpperCase()}", reason: x }`,
  ],
  ['the fingerprint of its CA', `{ fingerprint_sha256: "${authorityPrint}", reason: x }`],
  ['the serial of its CA', '{ serial: "7f", reason: x }'],
  ['a row that is not over', '{ serial: "a1b2c", reason: x, until: "2026-11-22T10:00:00.001Z" }'],
];
describe('a right is taken by', () => {
  for (const [what, row] of taking) test(what, () => assert.equal(reasonFor(list(row)), 'x'));
});

const leaving: readonly (readonly [what: string, row: string])[] = [
  ['another ID', '{ spiffe_id: "spiffe://prod.acme.com/ns/payments/ap", reason: x }'],
  ['an ID that is longer', '{ spiffe_id: "spiffe://prod.acme.com/ns/payments/api/v2", reason: x }'],
  ['a pattern of one segment that would need two', '{ spiffe_id: "spiffe://prod.acme.com/*", reason: x }'],
  ['another serial', '{ serial: "A1B2C0", reason: x }'],
  ['the serial in another trust domain', '{ serial: "A1B2C", trust_domain: other.example, reason: x }'],
  ['a token', '{ jti: "0A1B2C", reason: x }'],
  ['a row that is over', '{ serial: "a1b2c", reason: x, until: "2026-11-22T10:00:00Z" }'],
];
describe('a right is left by', () => {
  for (const [what, row] of leaving) test(what, () => assert.equal(reasonFor(list(row)), null));
});

test('an expired row does not hide one for good', () => {
  const both = list(
    '{ serial: "a1b2c", reason: over, until: "2026-01-01T00:00:00Z" }',
    '{ serial: "a1b2c", reason: good }',
  );
  assert.equal(reasonFor(both), 'good');
});

test('a token is revoked by its id', () => {
  const tokens = list('{ jti: "t-1", reason: x, until: "2026-11-23T00:00:00Z" }');
  assert.equal(tokens.ofToken('t-1', nowMs)?.reason, 'x');
  assert.equal(tokens.ofToken('t-2', nowMs), null);
  assert.equal(tokens.ofToken('t-1', Date.parse('2026-11-23T00:00:00Z')), null);
});

const refused: readonly (readonly [what: string, text: string, finding: RegExp])[] = [
  ['an empty file, as one that was cut off', '', /r\.yaml:1:1: no list `revocations`/],
  ['a file with another key', 'revoked: []\n', /no list/],
  [
    'an unknown key beside',
    'revocations: []\nrevocation: []\n',
    /2:1: unknown key `revocation`.*did you mean `revocations`/,
  ],
  ['a misspelt key of a row', 'revocations:\n  - { serail: "1", reason: x }\n', /did you mean `serial`/],
  ['a row without a reason', 'revocations:\n  - { serial: "1" }\n', /2:5: `reason` is no text; add `reason`/],
  ['a row of two credentials', 'revocations:\n  - { serial: "1", jti: a, reason: x }\n', /exactly one credential/],
  ['a row of none', 'revocations:\n  - { reason: x }\n', /exactly one credential/],
  [
    'a serial that YAML reads as a number',
    'revocations:\n  - { serial: 0123, reason: x }\n',
    /`serial` is no text; write it in quotes/,
  ],
  ['a serial that is not hex', 'revocations:\n  - { serial: "zz", reason: x }\n', /is not hex/],
  ['a short fingerprint', 'revocations:\n  - { fingerprint_sha256: "abcd", reason: x }\n', /not hex of 32 bytes/],
  ['an ID that is none', 'revocations:\n  - { spiffe_id: "https://a/b", reason: x }\n', /no ID can match/],
  [
    'a time without a zone',
    'revocations:\n  - { serial: "1", reason: x, until: "2026-12-24T18:00:00" }\n',
    /is no time/,
  ],
  ['a day that is none', 'revocations:\n  - { serial: "1", reason: x, until: "2026-13-24T18:00:00Z" }\n', /is no time/],
  [
    'a trust domain beside an ID',
    'revocations:\n  - { spiffe_id: "spiffe://a/b", trust_domain: a, reason: x }\n',
    /narrows a serial/,
  ],
  ['a key twice', 'revocations: []\nrevocations: []\n', /unique/],
  ['an alias in place of a row', 'revocations:\n  - &a { serial: "1", reason: x }\n  - *a\n', /a row that is no map/],
  ['brackets without end', `revocations: ${'['.repeat(100_000)}`, /r\.yaml:1/],
];
describe('a list is refused whole for', () => {
  for (const [what, text, finding] of refused) {
    test(what, () => {
      assert.throws(
        () => parseRevocations(text, 'r.yaml'),
        (error) => {
          assert.ok(isPosternError(error, 'ERR_REVOCATIONS_INVALID'));
          const shown = error.findings.map(
            ({ position: p, message, mend }) => `${p!.file}:${p!.line}:${p!.column}: ${message}; ${mend}`,
          );
          assert.match(shown.join('\n'), finding);
          return true;
        },
      );
    });
  }
});

test('whatever a file holds, only the coded error escapes', () => {
  const piece = fc.constantFrom(
    'revocations',
    ':',
    ' ',
    '\n',
    '-',
    '{',
    '}',
    '[',
    ']',
    '"',
    'serial',
    'reason',
    '&a',
    '*a',
    '!!',
    '#',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 40 }).map((all) => all.join('')),
      ),
      (text) => {
        try {
          parseRevocations(text, 'r.yaml');
        } catch (error) {
          assert.ok(isPosternError(error, 'ERR_REVOCATIONS_INVALID'), String(error));
        }
      },
    ),
  );
});

test('a row is added without touching what people wrote', () => {
  const before = '# ours\nrevocations:\n  - { serial: "1", reason: old } # INC-1\n';
  const row = {
    by: 'serial',
    value: '2',
    trustDomain: 'a.example',
    reason: 'key: leaked',
    until: '2026-12-24T18:00:00Z',
  } as const;
  const after = withRevocation(before, row, 'r.yaml');
  assert.ok(after.startsWith('# ours\nrevocations:\n  - { serial: "1", reason: old } # INC-1\n'));
  const [, added] = parseRevocations(after, 'r.yaml');
  assert.equal(added?.reason, 'key: leaked');
  assert.equal(added?.trustDomain, 'a.example');
  assert.equal(parseRevocations(withRevocation(null, row, 'r.yaml'), 'r.yaml').length, 1);
  assert.throws(() => withRevocation('nonsense', row, 'r.yaml'), /no list/);
  assert.throws(() => withRevocation(null, { ...row, value: 'zz' }, 'r.yaml'), /not hex/);
});
