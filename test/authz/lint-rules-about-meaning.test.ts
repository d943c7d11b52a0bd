// Lint rules about what rules mean together or allow too widely: each finds what it is for and is silent about its neighbour.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cleanRule, found, policyWith } from './lint-text.ts';

const condition = (text: string) => policyWith(`${cleanRule}\nconditions:\n  - ${text}`);
const deny = (text: string) => policyWith(`name: d\neffect: deny\nconditions:\n  - ${text}`);
const rule = (fields: string) => `{ ${fields} }`;
const wide = (pattern: string) => policyWith(cleanRule).replace('spiffe://a.example/ns/x/**', pattern);
const denyFor = (pattern: string) => policyWith('name: d\neffect: deny').replace('spiffe://a.example/ns/x/**', pattern);
const read = 'effect: allow, actions: [read], resources: { type: service }';

/** Rule, what it is about, the policy, `line level` of each finding. */
const rows: readonly (readonly [id: string, what: string, text: string, expected: readonly string[]])[] = [
  ['L-NEVER', 'one attribute with two values', condition('resource.name == "other"'), ['5 warning']],
  [
    'L-NEVER',
    'a caller outside of the policy',
    condition('principal.spiffe_id == "spiffe://a.example/ns/y/z"'),
    ['5 warning'],
  ],
  ['L-NEVER', 'values that meet in one', condition('resource.name in ["s", "t"]'), []],
  ['L-NEVER', 'a caller inside of the policy', condition('principal.spiffe_id == "spiffe://a.example/ns/x/z"'), []],
  ['L-NEVER', 'two values of which either will do', condition('resource.id == "a" or resource.id == "b"'), []],
  ['L-NEVER', 'a value that is excluded, not required', condition('resource.name != "other"'), []],
  ['L-NEVER', 'an allow that has ended', policyWith(`${cleanRule}\nexpires: 2025-12-31T00:00:00Z`), ['5 warning']],
  ['L-EXPIRES', 'an allow that ends next week', policyWith(`${cleanRule}\nexpires: 2026-01-08T00:00:00Z`), ['5 info']],
  ['L-EXPIRES', 'an allow that ends next month', policyWith(`${cleanRule}\nexpires: 2026-02-08T00:00:00Z`), []],

  [
    'L-DUP',
    'the same under another name, in another order',
    policyWith(rule(`name: a, ${read}`), rule(`resources: { type: service }, actions: [read], name: b, effect: allow`)),
    ['6 warning'],
  ],
  [
    'L-DUP',
    'another action',
    policyWith(rule(`name: a, ${read}`), rule(`name: b, ${read.replace('read', 'write')}`)),
    [],
  ],
  [
    'L-DUP',
    'other alternatives',
    policyWith(
      rule('name: a, effect: allow, actions: [read], resources: [{ type: a }, { type: b }]'),
      rule('name: b, effect: allow, actions: [read], resources: [{ type: c }, { type: d }]'),
    ),
    [],
  ],

  [
    'L-SHADOWED',
    'an allow under a wider deny',
    policyWith(rule(`name: a, ${read}`), rule('name: d, effect: deny, resources: { type: service }')),
    ['5 warning'],
  ],
  [
    'L-SHADOWED',
    'an allow above the deny',
    policyWith(rule(`name: a, priority: 1, ${read}`), rule('name: d, effect: deny, resources: { type: service }')),
    [],
  ],
  [
    'L-SHADOWED',
    'a deny of something else',
    policyWith(rule(`name: a, ${read}`), rule('name: d, effect: deny, resources: { type: database }')),
    [],
  ],
  [
    'L-SHADOWED',
    'a deny of one action of two',
    policyWith(
      rule(`name: a, ${read.replace('[read]', '[read, write]')}`),
      rule('name: d, effect: deny, actions: [read], resources: { type: service }'),
    ),
    [],
  ],

  [
    'L-OVERRIDE',
    'an allow that outranks a deny',
    policyWith(rule(`name: a, priority: 1, ${read}`), rule('name: d, effect: deny, resources: { type: service }')),
    ['5 warning'],
  ],
  [
    'L-OVERRIDE',
    'the same action by two names',
    policyWith(rule(`name: a, priority: 1, ${read}`), rule('name: d, effect: deny, actions: ["http:GET"]')),
    ['5 warning'],
  ],
  [
    'L-OVERRIDE',
    'an allow and a deny that never meet',
    policyWith(rule(`name: a, priority: 1, ${read}`), rule('name: d, effect: deny, resources: { type: database }')),
    [],
  ],
  [
    'L-OVERRIDE',
    'actions that never meet',
    policyWith(rule(`name: a, priority: 1, ${read}`), rule('name: d, effect: deny, actions: [write]')),
    [],
  ],

  ['L-GLOB', 'a whole trust domain', wide('spiffe://a.example/**'), ['3 warning']],
  ['L-GLOB', 'every namespace', wide('spiffe://a.example/ns/**'), ['3 warning']],
  ['L-GLOB', 'one namespace', wide('spiffe://a.example/ns/x/**'), []],
  [
    'L-GLOB',
    'a whole trust domain that the rule narrows',
    policyWith(`${cleanRule}\nprincipals: { namespace: x }`).replace('ns/x/**', '**'),
    [],
  ],
  ['L-GLOB', 'any name', policyWith(cleanRule.replace('name: s }', 'name: "*" }')), ['8 warning']],
  ['L-GLOB-DENY', 'a deny for one segment', denyFor('spiffe://a.example/ns/x/*'), ['3 warning']],
  ['L-GLOB-DENY', 'a deny for all segments', denyFor('spiffe://a.example/ns/x/**'), []],
  ['L-GLOB-DENY', 'an allow for one segment', wide('spiffe://a.example/ns/x/*'), []],

  ['L-INDET', 'a deny that reads what may be missing', deny('resource.owner == "x"'), ['8 warning']],
  ['L-INDET', 'a deny that asks whether it is there', deny('exists resource.owner and resource.owner == "x"'), []],
  ['L-INDET', 'a deny that reads what is always there', deny('resource.type == "x"'), []],
  ['L-INDET', 'an allow', condition('resource.owner == "x"'), []],

  ['L-HEADER', 'an allow by a header', condition('request.http.headers["x-role"] == "admin"'), ['10 warning']],
  ['L-HEADER', 'a deny by a header', deny('request.http.headers["x-role"] == "admin"'), []],
  [
    'L-EXISTS-CALLER',
    'an allow if a header is missing',
    condition('missing request.http.headers["x-external"]'),
    ['10 warning'],
  ],
  ['L-EXISTS-CALLER', 'an allow if a verified attribute exists', condition('exists principal.service_account'), []],
  ['L-PREFIX', 'the beginning of a path', condition('resource.path startsWith "/admin"'), ['10 warning']],
  ['L-PREFIX', 'the beginning of a name', condition('resource.id startsWith "a"'), []],

  [
    'L-UNICODE',
    'a Cyrillic letter in a Latin word',
    policyWith(cleanRule.replace('name: s', 'name: p\u0430yments')),
    ['8 warning'],
  ],
  ['L-UNICODE', 'an invisible character', condition('\'resource.id == "a\u200bb"\''), ['10 warning']],
  ['L-UNICODE', 'a word of one alphabet', condition('resource.id == "платежи"'), []],
];

for (const id of new Set(rows.map(([of]) => of))) {
  describe(id, () => {
    for (const [, what, text, expected] of rows.filter(([of]) => of === id)) {
      test(`${expected.length === 0 ? 'is silent about' : 'finds'} ${what}`, () => {
        assert.deepEqual(found(id, text), expected);
      });
    }
  });
}
