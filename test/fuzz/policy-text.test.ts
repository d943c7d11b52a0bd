// Hostile and careless policy text. Oracle: only findings or PosternError come out; and a policy with a slip of the pen in
// it either does not load, or allows nothing that the right one did not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkDefaults } from '../../src/authz/check-options.ts';
import { ConditionError } from '../../src/authz/condition-lexer.ts';
import { readCondition } from '../../src/authz/condition-types.ts';
import { createAuthorizer } from '../../src/authz/engine.ts';
import { compileSources } from '../../src/authz/loader.ts';
import { readPolicyFile } from '../../src/authz/policy-reader.ts';
import { requestFromJson } from '../../src/authz/request-json.ts';
import { isPosternError } from '../../src/errors.ts';
import { anyCondition, anyRequest, policiesOf, policyText } from '../authz/policy-arbitrary.ts';
import { queue, requestFor, seedRequest, seedText } from '../authz/seed-policy.ts';

const fragments = [
  '!',
  '&a ',
  '*a',
  '|',
  '>',
  '%',
  '@',
  '`',
  '{',
  '}',
  '[',
  ']',
  ': ',
  ' #',
  '- ',
  '\n',
  '\t',
  '"',
  "'",
  '\\',
  '\u0000',
  '\u2028',
  '<<: ',
  '? ',
  '---\n',
  '...\n',
  '!!str ',
  '🦊',
  '\ud800',
  ',',
  'null',
  '~',
  'policy x:\n',
];

const mutation = fc.record({
  at: fc.nat(seedText.length),
  remove: fc.nat(12),
  insert: fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 4 })),
});

function mutated(text: string, changes: readonly { at: number; remove: number; insert: string }[]): string {
  return changes.reduce((now, { at, remove, insert }) => now.slice(0, at) + insert + now.slice(at + remove), text);
}

function readsWithoutThrowing(text: string): void {
  const { policies, findings } = readPolicyFile(text, 'fuzz.yaml', checkDefaults);
  if (findings.length > 0) assert.equal(policies.length, 0);
  for (const { message, position } of findings) {
    assert.ok(!message.includes('\n'), 'one line');
    assert.ok(position.line >= 1 && position.column >= 1);
  }
}

test('mutated policy text gives findings and never an exception', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (changes) =>
      readsWithoutThrowing(mutated(seedText, changes)),
    ),
    { numRuns: 500 },
  );
});

test('text made of the pieces that YAML treats specially gives findings and never an exception', () => {
  const pieces = fc.array(fc.constantFrom(...fragments, ' ', 'a', 'policy p:', '  rules:', 'name: r'), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(pieces, (parts) => readsWithoutThrowing(parts.join(''))),
    { numRuns: 400 },
  );
});

const questions = [
  ...['read', 'write', 'delete'].flatMap((action) =>
    [{}, { principal: { attestation: 'x' } }, { network: { is_internal: false } }].map((difference) =>
      seedRequest({ ...difference, action }),
    ),
  ),
  seedRequest({ resource: { name: 'ledger_db' } }),
  seedRequest({ resource: { namespace: 'ledger' } }),
  seedRequest({ resource: { namespace: undefined } }),
  seedRequest({ principal: { spiffe_id: 'spiffe://prod.acme.com/ns/payments/worker' } }),
  seedRequest({ principal: { spiffe_id: 'spiffe://prod.acme.com/ns/orders/api' } }),
  requestFor(queue('audit.payments.card'), { action: 'publish' }),
  requestFor(queue('audit.orders.card'), { action: 'publish' }),
  requestFor(queue('audit.payments.card'), { action: 'consume' }),
];

function allowed(text: string): readonly boolean[] | null {
  const result = compileSources([{ file: 'p.yaml', text }]);
  if (!result.ok) return null;
  const authorizer = createAuthorizer();
  authorizer.replace(result.set);
  return questions.map((request) => authorizer.planFor(request.principal).decide(request).effect === 'allow');
}

// Words that say what is meant: keys, roots and names of attributes, operators. A slip in a value is a different policy.
const words = [...new Set(seedText.replaceAll(/"[^"\n]*"/g, '').match(/[a-z_]{3,}/g))].filter(
  (word) =>
    ![
      'payments_db',
      'payment',
      'access',
      'control',
      'for',
      'microservice',
      'database',
      'audit',
      'log',
      'write',
      'read',
      'cross',
    ].includes(word),
);

test('a slip in a key, an attribute or an operator does not load, or allows nothing new', () => {
  const right = allowed(seedText);
  assert.ok(right);
  const slips = fc.tuple(
    fc.constantFrom(...words),
    fc.nat(),
    fc.nat(),
    fc.constantFrom('drop', 'double', 'swap', 'case'),
  );
  fc.assert(
    fc.property(slips, ([word, nth, seed, kind]) => {
      const places = [...seedText.matchAll(new RegExp(`\\b${word}\\b`, 'g'))].map(({ index }) => index);
      const at = places[nth % places.length]! + (seed % word.length);
      const [here, next] = [seedText[at]!, seedText[at + 1] ?? ''];
      const written = { drop: '', double: here + here, swap: next + here, case: here.toUpperCase() }[kind];
      const text = seedText.slice(0, at) + written + seedText.slice(at + (kind === 'swap' ? 2 : 1));
      const after = allowed(text);
      if (after === null) return;
      for (const [n, now] of after.entries()) assert.ok(!now || right[n], `allows more: ${kind} in \`${word}\``);
    }),
    { numRuns: 120 },
  );
});

test('random conditions parse or fail with a place inside the text', () => {
  const pieces = fc.constantFrom(
    'principal',
    'resource',
    'context',
    '.',
    'namespace',
    '[',
    ']',
    '"a"',
    '"',
    '==',
    '!=',
    '<',
    'in',
    'not',
    'and',
    'or',
    '(',
    ')',
    'matches',
    '5',
    '1h',
    '-',
    'true',
    'exists',
    'within',
    '"Mon UTC"',
    ',',
    ' ',
    '!',
    '\\*',
    '\u0000',
    'é',
    '9'.repeat(400),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(' ')),
        fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join('')),
        fc.string({ unit: 'binary', maxLength: 40 }),
      ),
      (text) => {
        try {
          readCondition(text, checkDefaults);
        } catch (error) {
          assert.ok(error instanceof ConditionError, String(error));
          assert.ok(error.fault.at >= 0 && error.fault.at <= text.length);
        }
      },
    ),
    { numRuns: 1200 },
  );
});

test('every random condition that loads is decided without an engine_error, whatever the request holds', () => {
  const context = fc.dictionary(fc.constantFrom('left', 'right', 'level', 'roles'), fc.jsonValue({ maxDepth: 2 }), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(policiesOf(anyCondition), anyRequest, context, (policies, json, wild) => {
      const result = compileSources([{ file: 'p.yaml', text: policyText(policies) }]);
      assert.ok(result.ok);
      const authorizer = createAuthorizer();
      authorizer.replace(result.set);
      const request = requestFromJson({ ...json, context: wild }, 0);
      assert.notEqual(authorizer.planFor(request.principal).decide(request).reason, 'engine_error');
    }),
    { numRuns: 300 },
  );
});

test('an evaluation request of any JSON is read or refused with ERR_POLICY_REQUEST', () => {
  const sections = fc.dictionary(
    fc.constantFrom('principal', 'action', 'resource', 'network', 'tls', 'request', 'context', 'x'),
    fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('read', { name: 'x' }, { type: 'y' })),
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(sections, (json) => {
      try {
        requestFromJson(json, 0);
      } catch (error) {
        assert.ok(isPosternError(error, 'ERR_POLICY_REQUEST'), String(error));
      }
    }),
    { numRuns: 400 },
  );
});
