// Each lint rule finds what it is for, at its line and level, and is silent about its neighbour.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CatalogueResource, LintContext } from '../../src/authz/lint/lint-rule.ts';
import { cleanRule, found, lintText, policyWith } from './lint-text.ts';
import { seedText } from './seed-policy.ts';

interface Row {
  readonly id: string;
  readonly what: string;
  readonly text: string;
  readonly context?: Partial<LintContext>;
  /** `line level` of each finding of the rule; empty: silent. */
  readonly expected: readonly string[];
}

const prod = { isProduction: true };
const credential = (fields: string) =>
  policyWith(`${cleanRule}\ncredential: { type: short_lived_certificate, ${fields} }`);
const condition = (text: string) => policyWith(`${cleanRule}\nconditions:\n  - ${text}`);
const anybody = (rule: string) =>
  `policy "p":\n  principals: { type: workload }\n  rules:\n    - ${rule.replaceAll('\n', '\n      ')}\n`;

const queue: CatalogueResource = {
  place: 'listener `in`',
  type: 'message_queue',
  name: 'audit',
  topic: undefined,
  namespace: 'payments',
  environment: undefined,
  perRequest: ['topic'],
};
const catalogue = (difference: Partial<CatalogueResource>) => ({ resources: [{ ...queue, ...difference }] });

const rows: readonly Row[] = [
  { id: 'E-YAML', what: 'an alias', text: 'policy "p":\n  rules: *x\n', expected: ['2 error'] },
  {
    id: 'E-YAML-1',
    what: 'a condition that YAML made a mapping',
    text: condition('resource.name == "a: b"'),
    expected: ['10 error'],
  },
  {
    id: 'L-KEY',
    what: 'a misspelt restriction',
    text: policyWith(cleanRule.replace('actions', 'action')),
    expected: ['7 error'],
  },
  {
    id: 'L-ATTR',
    what: 'an attribute that does not exist',
    text: condition('principal.namespce == "x"'),
    expected: ['10 error'],
  },
  { id: 'L-TYPE', what: 'an order of strings', text: condition('resource.name < "x"'), expected: ['10 error'] },
  {
    id: 'L-TIME',
    what: 'a window without a zone',
    text: condition('\'request.time within "Mon-Fri 08:00-18:00"\''),
    expected: ['10 error'],
  },

  {
    id: 'L-ALLOW-ALL',
    what: 'no resources and no actions',
    text: policyWith('name: r\neffect: allow'),
    expected: ['5 warning'],
  },
  {
    id: 'L-ALLOW-ALL',
    what: 'the same in production',
    text: policyWith('name: r\neffect: allow'),
    context: prod,
    expected: ['5 error'],
  },
  { id: 'L-ALLOW-ALL', what: 'any workload', text: anybody(cleanRule), expected: ['4 warning'] },
  {
    id: 'L-ALLOW-ALL',
    what: 'an identity that only has to exist',
    text: anybody(`${cleanRule}\nconditions: [exists principal.spiffe_id]`),
    expected: ['4 warning'],
  },
  {
    id: 'L-ALLOW-ALL',
    what: 'one alternative of two that lets everybody in',
    text: anybody(`${cleanRule}\nprincipals: [{ namespace: x }, { type: user }]`),
    expected: ['4 warning'],
  },
  {
    id: 'L-ALLOW-ALL',
    what: 'any workload with a condition on identity',
    text: anybody(`${cleanRule}\nconditions: [principal.namespace == "x"]`),
    expected: [],
  },
  {
    id: 'L-ALLOW-ALL',
    what: 'a condition on the resource in place of a target',
    text: policyWith('name: r\neffect: allow\nconditions: [resource.name == "x"]'),
    expected: [],
  },
  { id: 'L-ALLOW-ALL', what: 'a deny of everything', text: anybody('name: r\neffect: deny'), expected: [] },
  {
    id: 'L-ALLOW-ALL',
    what: 'a rule that is disabled',
    text: policyWith('name: r\neffect: allow\nmode: disabled'),
    expected: [],
  },

  {
    id: 'L-DEFAULT-ALLOW',
    what: 'a default of allow',
    text: `policy "p":\n  default_decision: allow\n  rules: []\n`,
    expected: ['1 warning'],
  },
  {
    id: 'L-DEFAULT-ALLOW',
    what: 'the same in production',
    text: `policy "p":\n  default_decision: allow\n  rules: []\n`,
    context: prod,
    expected: ['1 error'],
  },
  {
    id: 'L-DEFAULT-ALLOW',
    what: 'a default of deny',
    text: `policy "p":\n  default_decision: deny\n  rules: []\n`,
    context: prod,
    expected: [],
  },

  {
    id: 'L-TD',
    what: 'a trust domain without a bundle',
    text: policyWith(cleanRule),
    context: { trustDomains: new Set(['b.example']) },
    expected: ['3 error'],
  },
  {
    id: 'L-TD',
    what: 'the same in a condition',
    text: condition('principal.trust_domain in ["a.example", "c.example"]'),
    context: { trustDomains: new Set(['a.example']) },
    expected: ['10 error'],
  },
  {
    id: 'L-TD',
    what: 'any trust domain',
    text: condition('principal.spiffe_id matches "spiffe://*/ns/x/y"'),
    context: { trustDomains: new Set(['a.example']) },
    expected: ['10 warning'],
  },
  {
    id: 'L-TD',
    what: 'a trust domain with a bundle',
    text: policyWith(cleanRule),
    context: { trustDomains: new Set(['a.example']) },
    expected: [],
  },
  { id: 'L-TD', what: 'bundles that are not known', text: policyWith(cleanRule), expected: [] },

  {
    id: 'L-RESOURCE-NS',
    what: 'a resource in another namespace than all callers',
    text: seedText,
    context: catalogue({ namespace: 'audit' }),
    expected: ['34 warning'],
  },
  {
    id: 'L-RESOURCE-NS',
    what: 'a resource without a namespace',
    text: seedText,
    context: catalogue({ namespace: undefined }),
    expected: ['34 warning'],
  },
  {
    id: 'L-RESOURCE-NS',
    what: 'a resource in the namespace of the callers',
    text: seedText,
    context: catalogue({}),
    expected: [],
  },
  {
    id: 'L-RESOURCE-NS',
    what: 'a namespace taken from each request',
    text: seedText,
    context: catalogue({ namespace: undefined, perRequest: ['namespace'] }),
    expected: [],
  },
  {
    id: 'L-RESOURCE-NS',
    what: 'a resource that nothing allows anyhow',
    text: seedText,
    context: catalogue({ type: 'http_endpoint', namespace: 'audit' }),
    expected: [],
  },
  {
    id: 'L-RESOURCE-NS',
    what: 'an allow that outranks the deny',
    text: seedText.replace('priority: 100', 'priority: -1'),
    context: catalogue({ namespace: 'audit' }),
    expected: [],
  },

  { id: 'L-TTL', what: 'two hours', text: credential('ttl: 2h'), expected: ['9 warning'] },
  { id: 'L-TTL', what: 'two days', text: credential('ttl: 2d'), expected: ['9 error'] },
  { id: 'L-TTL', what: 'no rotation', text: credential('ttl: 1h, auto_rotate: false'), expected: ['9 warning'] },
  { id: 'L-TTL', what: 'one hour, rotated', text: credential('ttl: 1h, auto_rotate: true'), expected: [] },
  { id: 'L-TTL', what: 'twenty-four hours to the second', text: credential('ttl: 24h'), expected: ['9 warning'] },

  {
    id: 'L-ATTEST',
    what: 'a retired attestor',
    text: condition('principal.attestation == "k8s_sat"'),
    expected: ['10 info'],
  },
  {
    id: 'L-ATTEST',
    what: 'an unknown attestor in a list',
    text: condition('principal.attestation in ["k8s_psat", "k8s_pst"]'),
    expected: ['10 info'],
  },
  {
    id: 'L-ATTEST',
    what: 'attestation that nothing gives',
    text: condition('principal.attestation == "k8s_psat"'),
    context: { givenAttributes: new Set() },
    expected: ['10 info'],
  },
  {
    id: 'L-ATTEST',
    what: 'a current attestor that is given',
    text: condition('principal.attestation == "k8s_psat"'),
    context: { givenAttributes: new Set(['attestation']) },
    expected: [],
  },

  {
    id: 'L-ABSENT',
    what: 'a label that nobody is given',
    text: condition('principal.labels["team"] == "a"'),
    context: { givenAttributes: new Set(['labels.teams']) },
    expected: ['10 warning'],
  },
  {
    id: 'L-ABSENT',
    what: 'an environment that nobody is given, on the right side',
    text: condition('resource.environment != principal.environment'),
    context: { givenAttributes: new Set() },
    expected: ['10 warning'],
  },
  {
    id: 'L-ABSENT',
    what: 'a label that the registry gives, and one whose existence is asked',
    text: condition('principal.labels["team"] == "a" or exists principal.labels["x"]'),
    context: { givenAttributes: new Set(['labels.team']) },
    expected: [],
  },
];

for (const id of new Set(rows.map((row) => row.id))) {
  describe(id, () => {
    for (const { what, text, context, expected } of rows.filter((row) => row.id === id)) {
      test(`${expected.length === 0 ? 'is silent about' : 'finds'} ${what}`, () => {
        assert.deepEqual(found(id, text, context), expected);
      });
    }
  });
}

test('a rule without a doubt gives no finding at all, in production either', () => {
  assert.deepEqual(lintText(policyWith(cleanRule), { isProduction: true, trustDomains: new Set(['a.example']) }), []);
});
