// Attributes drawn from SPIFFE IDs: captures are whole segments or labels, the first match wins, and the default namespace is
// anchored.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { type AttributeRule, compileAttributeRules, defaultAttributes } from '../../src/identity/attributes.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';

const seed = { match: 'spiffe://{environment}.acme.com/ns/{namespace}/{service}', set: { attestation: 'k8s_sat' } };

function read(rules: readonly AttributeRule[], id: string): Record<string, unknown> {
  const { labels, ...fixed } = compileAttributeRules(rules)(SpiffeId.parse(id));
  const present = Object.entries(fixed).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(present),
    ...Object.fromEntries([...labels].map(([name, value]) => [`labels.${name}`, value])),
  };
}

test('a row gives what it captures and what it sets; other captures are labels', () => {
  assert.deepEqual(read([seed], 'spiffe://prod.acme.com/ns/payments/api'), {
    environment: 'prod',
    namespace: 'payments',
    attestation: 'k8s_sat',
    'labels.service': 'api',
  });
});

test('the first row that matches wins', () => {
  const rows = [
    { match: 'spiffe://{environment}.acme.com/ns/payments/{service}', set: { attestation: 'first' } },
    { match: 'spiffe://{environment}.acme.com/ns/{namespace}/{service}', set: { attestation: 'second' } },
  ];
  assert.equal(read(rows, 'spiffe://prod.acme.com/ns/payments/api')['attestation'], 'first');
  assert.equal(read(rows, 'spiffe://prod.acme.com/ns/orders/api')['attestation'], 'second');
});

test('a capture is exactly one segment or label', () => {
  const misses = [
    'spiffe://prod.acme.com/ns/payments/api/v2',
    'spiffe://prod.acme.com/ns/payments',
    'spiffe://a.prod.acme.com/ns/payments/api',
    'spiffe://acme.com/ns/payments/api',
    'spiffe://prod.acme.com.evil/ns/payments/api',
    'spiffe://prodxacme.com/ns/payments/api',
    'spiffe://.acme.com/ns/payments/api',
    'spiffe://prod.acme.com/NS/payments/api',
    'spiffe://prod.acme.com',
  ];
  for (const id of misses) assert.equal(read([seed], id)['attestation'], undefined, id);
});

test('without a match: the namespace of /ns/<x>/ and the service account of /ns/<x>/sa/<y>, anchored', () => {
  const rows: readonly [path: string, expected: object][] = [
    ['/ns/payments/api', { namespace: 'payments' }],
    ['/ns/payments/sa/api', { namespace: 'payments', serviceAccount: 'api' }],
    ['/ns/payments/sa/api/x', { namespace: 'payments' }],
    ['/ns/payments/sa', { namespace: 'payments' }],
    ['/ns/payments', {}],
    ['/tenant/ns/evil/ns/payments/x', {}],
    ['/NS/payments/api', {}],
    ['', {}],
  ];
  for (const [path, expected] of rows) assert.deepEqual(read([], `spiffe://td${path}`), expected, path);
});

test('a value may be made of captures, and labels may be named', () => {
  const rule = {
    match: 'spiffe://td/{labels.team}/{namespace}',
    set: { environment: 'env-{namespace}', 'labels.both': '{labels.team}/{namespace}' },
  };
  assert.deepEqual(read([rule], 'spiffe://td/red/pay'), {
    namespace: 'pay',
    environment: 'env-pay',
    'labels.team': 'red',
    'labels.both': 'red/pay',
  });
});

test('a captured value is never read as a template again, nor as a replacement pattern', () => {
  const rule = { match: 'spiffe://td/{namespace}/{service}', set: { environment: '{service}' } };
  assert.equal(read([rule], 'spiffe://td/x/namespace')['environment'], 'namespace');
});

test('names from outside stay names: __proto__ and constructor are labels', () => {
  const rules = compileAttributeRules([{ match: 'spiffe://td/{__proto__}/{constructor}', set: {} }]);
  const { labels } = rules(SpiffeId.parse('spiffe://td/a/b'));
  assert.deepEqual(
    [...labels],
    [
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ],
  );
});

const set = (more: Record<string, string>) => ({ match: 'spiffe://td/{namespace}', set: more });
const faults: readonly [what: string, rule: AttributeRule, message: RegExp][] = [
  ['no scheme', { match: 'td/{x}', set: {} }, /start with spiffe:/],
  ['a part of a segment', { match: 'spiffe://td/pay{x}', set: {} }, /one whole label or segment/],
  ['two in a segment', { match: 'spiffe://td/{x}{y}', set: {} }, /one whole label or segment/],
  ['a star', { match: 'spiffe://td/*', set: {} }, /one whole label or segment/],
  ['a rest capture', { match: 'spiffe://td/{x...}', set: {} }, /capture name/],
  ['an empty name', { match: 'spiffe://td/{}', set: {} }, /capture name/],
  ['an unclosed brace', { match: 'spiffe://td/{x', set: {} }, /one whole label or segment/],
  ['a name twice', { match: 'spiffe://{x}/{x}', set: {} }, /captures `x` twice/],
  ['an upper-case trust domain', { match: 'spiffe://TD/{x}', set: {} }, /no ID can match/],
  ['an empty segment', { match: 'spiffe://td//{x}', set: {} }, /no ID can match/],
  ['a trailing slash', { match: 'spiffe://td/{x}/', set: {} }, /no ID can match/],
  ['an unknown attribute', set({ environmnet: 'x' }), /`environmnet`, which is no attribute/],
  ['an attribute that is captured', set({ namespace: 'x' }), /gives `namespace` twice/],
  [
    'a label in two spellings',
    { match: 'spiffe://td/{team}', set: { 'labels.team': 'x' } },
    /gives `labels.team` twice/,
  ],
  ['an unknown capture in a value', set({ environment: '{x}' }), /uses `x`/],
  ['an empty value', set({ environment: '' }), /to nothing/],
  ['a lone brace', set({ environment: 'a}b' }), /lone brace/],
];

for (const [what, rule, message] of faults) {
  test(`refuses a row with ${what}, and names the row`, () => {
    assert.throws(
      () => compileAttributeRules([seed, rule]),
      (error) =>
        isPosternError(error, 'ERR_IDENTITY_ATTRIBUTES') && message.test(error.message) && /row 2/.test(error.message),
    );
  });
}

test('a misspelt attribute is told what was meant', () => {
  assert.throws(() => compileAttributeRules([set({ environmnet: 'x' })]), { mend: 'write environment' });
});

const segment = fc.stringMatching(/^[a-zA-Z0-9_-]{1,6}$/);

test('property: a template of captures gives back just the segments, for any ID', () => {
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
      const match = `spiffe://td/${segments.map((_, at) => `{c${at}}`).join('/')}`;
      const { labels } = compileAttributeRules([{ match, set: {} }])(
        SpiffeId.parse(`spiffe://td/${segments.join('/')}`),
      );
      assert.deepEqual([...labels.values()], segments);
    }),
  );
});

test('property: any template is compiled or refused with a code, and never matches an ID of another length', () => {
  const text = fc.array(fc.constantFrom('spiffe://', 'td', '/', '.', '{', '}', '{a}', '{b}', 'ns', '*', '\0'), {
    maxLength: 9,
  });
  fc.assert(
    fc.property(
      text.map((parts) => parts.join('')),
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      (match, segments) => {
        const id = SpiffeId.parse(`spiffe://td/${segments.join('/')}`);
        try {
          const found = compileAttributeRules([{ match, set: { attestation: 'hit' } }])(id);
          if (found.attestation === 'hit') assert.equal(match.split('/').length, id.toString().split('/').length);
          else assert.deepEqual(found, defaultAttributes(id));
        } catch (error) {
          assert.ok(isPosternError(error, 'ERR_IDENTITY_ATTRIBUTES'), String(error));
        }
      },
    ),
    { numRuns: 1000 },
  );
});
