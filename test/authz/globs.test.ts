import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { referenceGlobMatch } from '../../src/authz/reference-glob.ts';
import { escapeGlob, type Glob, type GlobOptions, isGlobFault, matchesGlob, parseGlob } from '../../src/lib/glob.ts';

const topic: GlobOptions = { separator: '.', foldCase: false };
const path: GlobOptions = { separator: '/', foldCase: false };
const dns: GlobOptions = { separator: '.', foldCase: true };
const plain: GlobOptions = { separator: null, foldCase: false };

function glob(pattern: string, options: GlobOptions): Glob {
  const parsed = parseGlob(pattern, options);
  assert.ok(!isGlobFault(parsed), `\`${pattern}\` does not parse`);
  return parsed;
}

const table: readonly (readonly [GlobOptions, string, readonly string[], readonly string[]])[] = [
  [
    topic,
    'audit.payments.*',
    ['audit.payments.card'],
    ['audit.payments', 'audit.payments.', 'audit.payments.a.b', 'AUDIT.payments.card', 'xaudit.payments.card'],
  ],
  [
    path,
    'spiffe://td/ns/payments/**',
    ['spiffe://td/ns/payments/sa/api', 'spiffe://td/ns/payments/api'],
    ['spiffe://td/ns/payments', 'spiffe://td/ns/payments/', 'spiffe://td/ns/paymentsx/api'],
  ],
  [path, 'spiffe://td/ns/*/api', ['spiffe://td/ns/a/api'], ['spiffe://td/ns/a/b/api', 'spiffe://td/ns//api']],
  [plain, 'pay*-db', ['pay-db', 'payments-db', 'pay/x.y-db'], ['pa-db', 'payments-dbx', 'pay-d']],
  [plain, '*', ['x', 'a.b/c'], ['']],
  [plain, 'a*b*c', ['abc', 'axbxc', 'abbc', 'abcc'], ['acb', 'ab', 'abcx']],
  [topic, 'a.**.z', ['a.b.z', 'a.b.c.z'], ['a.z', 'a..z', 'a.b.zz']],
  [topic, '**', ['a', 'a.b'], ['']],
  [path, '/admin/**', ['/admin/x', '/admin/x/', '/admin//x'], ['/admin', '/admin/', '/administrator']],
  [path, '/a/', ['/a/'], ['/a', '/a/b']],
  [topic, 'a.\\*', ['a.*'], ['a.b', 'a.\\*']],
  [topic, 'a.\\\\*', ['a.\\', 'a.\\b'], ['a.*', 'a.b']],
  [topic, 'a.b#.>', ['a.b#.>'], ['a.b.c', 'a.b#.x']],
  [dns, '*.Acme.com', ['db.acme.COM'], ['acme.com', 'a.b.acme.com']],
  [topic, 'pay*.x', ['pay.x', 'payments.x'], ['pay.y.x', 'ay.x']],
];

for (const [options, pattern, inside, outside] of table) {
  test(`\`${pattern}\` takes ${inside.join(', ')} and not ${outside.map((value) => JSON.stringify(value)).join(', ')}`, () => {
    for (const value of inside) assert.equal(matchesGlob(glob(pattern, options), value), true, value);
    for (const value of outside) assert.equal(matchesGlob(glob(pattern, options), value), false, value);
  });
}

test('a pattern without a wildcard is the value itself', () => {
  assert.equal(glob('a.b', topic).literal, 'a.b');
  assert.equal(glob('a.\\*', topic).literal, 'a.*');
  assert.equal(glob('a.*', topic).literal, null);
});

for (const [options, pattern] of [
  [topic, 'a.**.b.**'],
  [topic, 'a**'],
  [topic, 'a.b***c'],
  [plain, '**'],
  [plain, 'a**b'],
] as const) {
  test(`\`${pattern}\` is refused ${options.separator === null ? 'without' : 'with'} segments`, () => {
    assert.ok(isGlobFault(parseGlob(pattern, options)));
  });
}

const letters = fc.constantFrom('a', 'b', '.', '*', '**', '\\*', '\\\\', '/', '');
const patterns = fc.array(letters, { maxLength: 8 }).map((parts) => parts.join(''));
const values = fc
  .array(fc.constantFrom('a', 'b', 'B', '.', '/', '*', '\\'), { maxLength: 8 })
  .map((parts) => parts.join(''));

test('matching by index equals the plain recursive matcher on random patterns and values', () => {
  fc.assert(
    fc.property(patterns, values, fc.constantFrom(topic, path, dns, plain), (pattern, value, options) => {
      const parsed = parseGlob(pattern, options);
      if (isGlobFault(parsed)) return;
      assert.equal(matchesGlob(parsed, value), referenceGlobMatch(parsed, value));
    }),
    { numRuns: 20_000 },
  );
});

test('an escaped value matches itself and nothing else', () => {
  fc.assert(
    fc.property(values, values, fc.constantFrom(topic, path, plain), (value, other, options) => {
      const escaped = glob(escapeGlob(value), options);
      assert.equal(matchesGlob(escaped, value), true);
      assert.equal(matchesGlob(escaped, other), value === other);
    }),
    { numRuns: 3000 },
  );
});

test('a pattern of many stars is matched in time linear in the value', () => {
  const many = glob(`${'*a'.repeat(200)}*b`, plain);
  const started = performance.now();
  assert.equal(matchesGlob(many, 'a'.repeat(100_000)), false);
  assert.ok(performance.now() - started < 2_000);
});
