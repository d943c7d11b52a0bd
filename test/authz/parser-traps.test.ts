// What YAML makes of what an author writes (policy.md 1.1): each trap is a refusal that names its place, never a rule that
// is wider than it looks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDefaults } from '../../src/authz/check-options.ts';
import { readPolicyFile } from '../../src/authz/policy-reader.ts';

interface Trap {
  readonly text: string;
  readonly code: string;
  readonly message: RegExp;
  readonly mend?: RegExp;
  /** line:column */
  readonly at?: string;
}

function inCondition(condition: string): string {
  return `policy p:\n  rules:\n    - name: r\n      effect: allow\n      conditions:\n        - ${condition}\n`;
}

function inRule(fields: string): string {
  return `policy p:\n  rules:\n    - name: r\n      effect: allow\n      ${fields}\n`;
}

const traps: Readonly<Record<string, Trap>> = {
  'an unquoted `: ` makes a mapping': {
    text: inCondition('principal.namespace == "a: b"'),
    code: 'E-YAML-1',
    message: /the condition is a mapping: quote the whole condition/,
    at: '6:11',
  },
  'an unquoted ` #` cuts the condition': {
    text: inCondition('resource.path == "/a #b"'),
    code: 'L-TYPE',
    message: /the string does not end/,
    mend: /` #`/,
    at: '6:28',
  },
  '`!exists` is a tag': { text: inCondition('!exists(resource.name)'), code: 'E-YAML', message: /tags/, mend: /not/ },
  '`! exists` is a tag too': {
    text: inCondition('! exists resource.name'),
    code: 'E-YAML',
    message: /tags|not valid YAML/,
  },
  '`*foo` is an alias': { text: inCondition('*foo'), code: 'E-YAML', message: /aliases/ },
  '`[a] == b` is a flow list': {
    text: inCondition('["a"] contains resource.name'),
    code: 'E-YAML',
    message: /not valid YAML/,
    mend: /quote/,
  },
  'a condition that is a list': { text: inCondition('["a"]'), code: 'E-YAML-1', message: /a list/ },
  '`"x" == y` ends at its quote': {
    text: inCondition('"admin" in principal.claims["roles"]'),
    code: 'E-YAML',
    message: /not valid YAML/,
    mend: /quote/,
  },
  '`true` is no condition': { text: inCondition('true'), code: 'L-TYPE', message: /expected a condition/ },
  'an empty condition': { text: inCondition(''), code: 'L-TYPE', message: /expected a condition, found nothing/ },
  'a number as an action': { text: inRule('actions: [read, 1]'), code: 'L-KEY', message: /name of an action/ },
  'true as an action': { text: inRule('actions: [true]'), code: 'L-KEY', message: /name of an action/ },
  'a star beside an action': { text: inRule('actions: [read, "*"]'), code: 'L-KEY', message: /no name of an action/ },
  'a pattern as an action': { text: inRule('actions: ["http:*"]'), code: 'L-KEY', message: /no name of an action/ },
  '`actions: read` is no list': { text: inRule('actions: read'), code: 'L-KEY', message: /list of actions/ },
  '`ttl: 1:30` is not 90': { text: inRule('credential: { type: x, ttl: 1:30 }'), code: 'L-TYPE', message: /`1:30`/ },
  '`ttl: 1_0` is not 10': { text: inRule('credential: { type: x, ttl: 1_0 }'), code: 'L-TYPE', message: /`1_0`/ },
  '`ttl: 3600` has no unit': {
    text: inRule('credential: { type: x, ttl: 3600 }'),
    code: 'L-TYPE',
    message: /`3600`/,
    mend: /1h/,
  },
  'a deny that grants a credential': {
    text: inRule('credential: { type: x }').replace('allow', 'deny'),
    code: 'L-KEY',
    message: /grants nothing/,
  },
  '`action:` is not `actions:`': {
    text: inRule('action: [read]'),
    code: 'L-KEY',
    message: /unknown key `action`/,
    mend: /`actions`/,
    at: '5:7',
  },
  '`resource:` is not `resources:`': {
    text: inRule('resource: { type: x }'),
    code: 'L-KEY',
    message: /unknown key/,
    mend: /`resources`/,
  },
  'a misspelt attribute in a target': {
    text: inRule('resources: { typ: x }'),
    code: 'L-ATTR',
    message: /`resource.typ`/,
    mend: /`type`/,
  },
  'a misspelt attribute in a condition': {
    text: inCondition('resource.namspace == "x"'),
    code: 'L-ATTR',
    message: /`resource.namspace`/,
    mend: /`resource.namespace`/,
    at: '6:11',
  },
  'a misspelt type of principal': {
    text: inRule('principals: { type: wokload }'),
    code: 'L-TYPE',
    message: /none of/,
    mend: /workload/,
  },
  'a number where text belongs': {
    text: inRule('resources: { name: 007 }'),
    code: 'L-TYPE',
    message: /found the number/,
    mend: /quotes/,
  },
  'text where a number belongs': {
    text: inRule('resources: { port: "5432" }'),
    code: 'L-TYPE',
    message: /never a number/,
  },
  'no actions at all': { text: inRule('actions: []'), code: 'L-KEY', message: /empty list/, mend: /absent means any/ },
  'no resources at all': { text: inRule('resources: {}'), code: 'L-KEY', message: /empty mapping/ },
  'an empty list of resources': { text: inRule('resources: []'), code: 'L-KEY', message: /empty list/ },
  'an empty mapping of attributes': {
    text: inRule('resources: { attributes: {} }'),
    code: 'L-KEY',
    message: /empty mapping/,
  },
  'an empty list of values': { text: inRule('resources: { name: [] }'), code: 'L-KEY', message: /empty list/ },
  'an empty value': { text: inRule('resources: { name: }'), code: 'L-KEY', message: /is empty/ },
  'no conditions at all': { text: inRule('conditions: []'), code: 'L-KEY', message: /empty list/ },
  'no conditions in `any`': { text: inCondition('{ any: [] }'), code: 'L-KEY', message: /empty list/ },
  'a key without a value': {
    text: inRule('resources:'),
    code: 'L-KEY',
    message: /`resources` is empty/,
    mend: /empty is not absent/,
  },
  'an attribute given twice': {
    text: inRule('resources: { name: a, attributes: { name: b } }'),
    code: 'L-KEY',
    message: /`resource.name` is given twice/,
  },
  'a key given twice': {
    text: inRule('actions: [read]\n      actions: [write]'),
    code: 'E-YAML',
    message: /`actions` is given twice/,
    at: '6:7',
  },
  'a policy given twice': {
    text: 'policy p: { rules: [] }\npolicy p: { rules: [] }\n',
    code: 'E-YAML',
    message: /given twice/,
  },
  'two rules of one name': {
    text: 'policy p: { rules: [{ name: r, effect: allow }, { name: r, effect: deny }] }',
    code: 'L-KEY',
    message: /two rules named `r`/,
  },
  'an anchor': { text: inRule('actions: &a [read]'), code: 'E-YAML', message: /anchors/ },
  'a merge key': { text: inRule('<<: { actions: [read] }'), code: 'E-YAML', message: /merge keys/ },
  'a tag': { text: inRule('actions: !!set [read]'), code: 'E-YAML', message: /tags/ },
  'another YAML version': { text: '%YAML 1.1\n---\npolicy p: { rules: [] }\n', code: 'E-YAML', message: /YAML 1\.2/ },
  'indent by tab': { text: 'policy p:\n\trules: []\n', code: 'E-YAML', message: /not valid YAML/ },
  'a top-level key that is no policy': {
    text: 'polcy p: { rules: [] }',
    code: 'L-KEY',
    message: /unknown key/,
    mend: /policy/,
  },
  'a list at the top': { text: '- a\n', code: 'L-KEY', message: /found a list/ },
  'a policy without rules': {
    text: 'policy p: { default_decision: deny }',
    code: 'L-KEY',
    message: /`rules` is missing/,
  },
  'a rule without a name': {
    text: 'policy p: { rules: [{ effect: allow }] }',
    code: 'L-KEY',
    message: /`name` is missing/,
  },
  'a misspelt effect': {
    text: 'policy p: { rules: [{ name: r, effect: alow }] }',
    code: 'L-KEY',
    message: /`alow`/,
    mend: /`allow`/,
  },
  'a priority that is a fraction': { text: inRule('priority: 1.5'), code: 'L-KEY', message: /whole number/ },
  'a mode twice': { text: inRule('mode: shadow\n      dry_run: true'), code: 'L-KEY', message: /another word/ },
  'an end that is no timestamp': { text: inRule('expires: 2026-13-01T00:00:00Z'), code: 'L-TYPE', message: /RFC 3339/ },
  'a wildcard trust domain': {
    text: inRule('principals: { spiffe_id: "spiffe://*/ns/a" }'),
    code: 'L-TD',
    message: /any trust domain/,
  },
  'a whole SPIFFE ID of stars': {
    text: inRule('principals: { spiffe_id: "**" }'),
    code: 'L-TD',
    message: /any trust domain/,
  },
  'a wildcard in principal.trust_domain': {
    text: inCondition('principal.trust_domain matches "*.acme.com"'),
    code: 'L-TD',
    message: /any trust domain/,
  },
  'an upper-case trust domain': {
    text: inRule('principals: { spiffe_id: "spiffe://PROD.acme.com/a" }'),
    code: 'L-TYPE',
    message: /lower-case/,
  },
  'a window without a zone': {
    text: inCondition('request.time within "Mon-Fri 08:00-18:00"'),
    code: 'L-TIME',
    message: /time zone/,
    mend: /Europe\/Berlin/,
  },
  'too many conditions': {
    text: `${inRule('conditions:')}${'        - network.is_internal\n'.repeat(65)}`,
    code: 'E-LIMIT',
    message: /64 conditions/,
  },
  'too long a condition': {
    text: inCondition(`'resource.name == "${'x'.repeat(4096)}"'`),
    code: 'E-LIMIT',
    message: /4096/,
  },
  'too deep a condition': {
    text: inCondition(`'${'('.repeat(33)}network.is_internal${')'.repeat(33)}'`),
    code: 'E-LIMIT',
    message: /32 levels/,
  },
  'too deep a file': { text: '['.repeat(100_000), code: 'E-YAML', message: /32 levels/ },
  'too deep a list of lists': { text: `${'- '.repeat(20_000)}x`, code: 'E-YAML', message: /32 levels/ },
  'too large a file': { text: `# ${'x'.repeat(4 * 1024 * 1024)}`, code: 'E-LIMIT', message: /4 MiB/ },
};

for (const [what, trap] of Object.entries(traps)) {
  test(`${what}: refused with ${trap.code}`, () => {
    const { policies, findings } = readPolicyFile(trap.text, 'p.yaml', checkDefaults);
    assert.deepEqual(policies, []);
    const finding = findings.find(({ code, message }) => code === trap.code && trap.message.test(message));
    assert.ok(finding, JSON.stringify(findings));
    assert.equal(finding.severity, 'error');
    if (trap.mend !== undefined) assert.match(finding.mend, trap.mend);
    if (trap.at !== undefined) assert.equal(`${finding.position.line}:${finding.position.column}`, trap.at);
  });
}

test('words that YAML 1.1 took for booleans and numbers are text', () => {
  const { policies, findings } = readPolicyFile(inRule('actions: [on, no, 1_0, 1:30]'), 'p.yaml', checkDefaults);
  assert.deepEqual(findings, []);
  assert.deepEqual(policies[0]?.rules[0]?.actions, ['on', 'no', '1_0', '1:30']);
});

test('all faults of a file are reported together', () => {
  const text =
    'policy p:\n  rules:\n    - { name: a, efect: allow }\n    - { name: b, effect: allow, actions: [] }\n    - { name: c, effect: allow, conditions: [x] }\n';
  const { findings } = readPolicyFile(text, 'p.yaml', checkDefaults);
  assert.deepEqual([...new Set(findings.map(({ rule }) => rule))], ['a', 'b', 'c']);
});

test('`__proto__` is a key like any other, and unknown', () => {
  const { findings } = readPolicyFile(inRule('__proto__: { actions: [read] }'), 'p.yaml', checkDefaults);
  assert.match(findings[0]?.message ?? '', /unknown key `__proto__`/);
});

test('an unquoted policy name, a quoted one and several documents load', () => {
  const text = 'policy "one two": { rules: [] }\n---\npolicy three.four-5: { rules: [] }\n';
  const { policies } = readPolicyFile(text, 'p.yaml', checkDefaults);
  assert.deepEqual(
    policies.map(({ name }) => name),
    ['one two', 'three.four-5'],
  );
});

test('a wildcard trust domain loads where configuration allows it', () => {
  const { findings } = readPolicyFile(inRule('principals: { spiffe_id: "spiffe://*/ns/a" }'), 'p.yaml', {
    allowAnyTrustDomain: true,
  });
  assert.deepEqual(findings, []);
});
