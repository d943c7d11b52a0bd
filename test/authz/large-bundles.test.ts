// A large file is read policy by policy; that must not show in what is read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkDefaults } from '../../src/authz/check-options.ts';
import { compileSources, compileSourcesInTurns } from '../../src/authz/loader.ts';
import { readPolicyFile } from '../../src/authz/policy-reader.ts';
import { policyTexts } from '../../src/authz/policy-texts.ts';
import { readYaml } from '../../src/lib/yaml-document.ts';
import { seedText } from './seed-policy.ts';

const other =
  'policy b:\n  rules:\n    - name: r\n      effect: allow\n      description: |\n        policy x:\n\n        more\n';

test('the parts of a file are the file, each beginning with a policy', () => {
  const text = `# head\n\n${seedText}# between\n${other}`;
  const parts = policyTexts(text);
  assert.equal(parts.map((part) => part.text).join(''), text);
  assert.equal(parts.length, 3);
  for (const { text: part, linesBefore } of parts) {
    assert.equal(text.split('\n').slice(linesBefore, linesBefore + 1)[0], part.split('\n')[0]);
  }
});

test('positions count from the start of the file', () => {
  const { policies } = readPolicyFile(`${seedText}${other}`, 'p.yaml', checkDefaults);
  const line = `${seedText}${other}`.split('\n').indexOf('policy b:') + 1;
  assert.deepEqual(
    policies.map(({ position }) => position.line),
    [1, line],
  );
  assert.equal(policies[1]?.rules[0]?.position.line, line + 2);
});

test('a fault in one policy is reported at its place, with the faults of the others', () => {
  const text = `${other}policy c:\n  rules: [{ name: r }]\npolicy d:\n  rule: []\n`;
  const { policies, findings } = readPolicyFile(text, 'p.yaml', checkDefaults);
  assert.deepEqual(policies, []);
  assert.deepEqual(
    [...new Set(findings.map(({ policy, position }) => `${policy}:${position.line}`))],
    ['c:10', 'd:12'],
  );
});

const lines = fc.constantFrom(
  'policy a:',
  'policy "b": { rules: [] }',
  'policy c: { rules: [',
  '  rules: []',
  ' ] }',
  '---',
  '...',
  '# policy',
  '',
  '  description: "x',
  'policy d: "',
  '"',
  "  description: 'y",
  "'",
  '  description: |',
  'policy e: |',
  '  text',
  'policy f',
  '? policy g',
  ': { rules: [] }',
  '{ policy h: {',
  'policy i: { rules: [] } }',
  '%YAML 1.2',
  '\tx',
  'policy j: &x { rules: [] }',
  'policy k: { rules: [] } # c',
);

test('a directive after the end of a document is refused in a file of several policies as it is in one', () => {
  const text = 'policy first: { rules: [] }\n...\n%YAML 1.2\npolicy b: { rules: [] }\n';
  const read = readPolicyFile(text, 'p.yaml', checkDefaults);
  assert.deepEqual(read.policies, []);
  assert.equal(read.findings[0]?.position?.line, 4);
});

test('whatever the lines are, a file that is cut and loads also loads whole, with the same policies', () => {
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 8 }), (parts) => {
      const text = `policy first: { rules: [] }\n${parts.join('\n')}\n`;
      const cut = readPolicyFile(text, 'p.yaml', checkDefaults);
      if (cut.findings.length > 0) return;
      const whole = readYaml(text, 'p.yaml');
      assert.deepEqual(whole.faults, []);
      const keys = whole.roots.flatMap((root) =>
        root.kind === 'map' ? root.entries.map((entry) => entry.keyPosition.line) : [],
      );
      assert.deepEqual(
        cut.policies.map(({ position }) => position.line),
        keys,
      );
    }),
    { numRuns: 2000 },
  );
});

test('what one rule says of a resource is never taken for what another one says in the same letters', () => {
  const rule = (name: string, resources: string) => `    - { name: ${name}, effect: allow, resources: ${resources} }\n`;
  const texts = ['{ name: "7" }', '{ name: "*7" }', '{ id: "7" }', '{ name: "7" }'];
  const text = `policy p:\n  rules:\n${texts.map((one, at) => rule(`r${at}`, one)).join('')}`;
  const { policies, findings } = readPolicyFile(text, 'p.yaml', checkDefaults);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    policies[0]?.rules.map(({ resources }) => resources?.alternatives[0]?.[0]?.expression.text),
    ['resource.name == "7"', 'resource.name matches "*7"', 'resource.id == "7"', 'resource.name == "7"'],
  );
  for (const wrong of ['{ name: 7 }', '{ name: true }']) {
    const mixed = readPolicyFile(`${text}${rule('w', wrong)}`, 'p.yaml', checkDefaults);
    assert.deepEqual(
      mixed.findings.map(({ code, rule: where }) => `${code} ${where}`),
      ['L-TYPE w'],
      wrong,
    );
  }
});

test('in turns with the loop the same bundle comes out, and the loop turns', async () => {
  const text = Array.from({ length: 60 }, (_, n) => seedText.replace('payment-service-access', `p${n}`)).join('');
  let turns = 0;
  const tick = setInterval(() => turns++, 0);
  const result = await compileSourcesInTurns([{ file: 'p.yaml', text }]);
  clearInterval(tick);
  const atOnce = compileSources([{ file: 'p.yaml', text }]);
  assert.ok(result.ok && atOnce.ok);
  assert.equal(result.set.digest, atOnce.set.digest);
  assert.equal(result.set.ruleCount, 180);
  assert.ok(turns > 3, `the loop turned ${turns} times`);
});
