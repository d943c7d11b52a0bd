// Waivers: they hide what they name, where they stand, for a reason; and are found themselves when they do not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintText, policyWith } from './lint-text.ts';

const longLived = 'credential: { type: short_lived_certificate, ttl: 2h }';
const rule = `name: r\neffect: allow\nactions: [read]\nresources: { type: service, name: s }\n${longLived}`;
const plain = policyWith(rule);

function withComment(line: string, comment: string): string {
  return plain.replace(line, `${line} ${comment}`);
}

const rows: readonly (readonly [what: string, text: string, expected: readonly string[]])[] = [
  ['without a waiver the finding stands', plain, ['L-TTL:9 warning']],
  [
    'a waiver at the end of the line hides it',
    withComment(longLived, '# lint-allow: L-TTL batch jobs, see PAY-12'),
    [],
  ],
  [
    'a waiver on the line before hides it',
    plain.replace(longLived, `# lint-allow: L-TTL batch jobs\n      ${longLived}`),
    [],
  ],
  ['a waiver of the whole rule hides it', withComment('- name: r', '# lint-allow: L-TTL batch jobs'), []],
  [
    'a waiver without a reason hides nothing',
    withComment(longLived, '# lint-allow: L-TTL'),
    ['L-TTL:9 warning', 'L-WAIVER:9 warning'],
  ],
  [
    'a waiver of another rule hides nothing',
    withComment(longLived, '# lint-allow: L-ATTEST why not'),
    ['L-TTL:9 warning', 'L-WAIVER:9 warning'],
  ],
  [
    'a waiver of an unknown rule is found',
    withComment(longLived, '# lint-allow: L-TLL typo'),
    ['L-TTL:9 warning', 'L-WAIVER:9 warning'],
  ],
  [
    'a waiver elsewhere hides nothing',
    withComment('rules:', '# lint-allow: L-TTL batch jobs'),
    ['L-WAIVER:4 warning', 'L-TTL:9 warning'],
  ],
  [
    'a waiver of a rule that could not run here is left alone',
    withComment(longLived.replace('2h', '1h'), '')
      .replace('2h', '1h')
      .replace('rules:', 'rules: # lint-allow: L-RESOURCE-NS shared queue'),
    [],
  ],
  [
    'a waiver in a string is none',
    plain.replace('name: s }', "name: 's # lint-allow: L-TTL reason' }"),
    ['L-TTL:9 warning'],
  ],
  [
    'a waiver in a block of text is none',
    plain.replace('rules:', 'description: |\n    # lint-allow: L-TTL reason\n  rules:'),
    ['L-TTL:11 warning'],
  ],
  [
    'what does not load cannot be waived',
    plain.replace('actions: [read]', 'action: [read] # lint-allow: L-KEY please'),
    ['L-KEY:7 error'],
  ],
];

for (const [what, text, expected] of rows) {
  test(what, () => {
    assert.deepEqual(lintText(text), expected);
  });
}

test('in a file of several policies a waiver hides what stands on its own line of the file, and nothing of the others', () => {
  const policies = ['p', 'q', 'r'].map((name) => plain.replace('policy "p"', `policy "${name}"`));
  assert.deepEqual(lintText(policies.join('')), ['L-TTL:9 warning', 'L-TTL:18 warning', 'L-TTL:27 warning']);
  const waived = policies.map((text, at) =>
    at === 1 ? text.replace(longLived, `${longLived} # lint-allow: L-TTL batch`) : text,
  );
  assert.deepEqual(lintText(waived.join('')), ['L-TTL:9 warning', 'L-TTL:27 warning']);
});

test('a waiver at the end of one policy speaks of the line that the next one begins with', () => {
  const text = `${plain}# lint-allow: L-TTL batch jobs\n${plain.replace('policy "p"', 'policy "q"')}`;
  assert.deepEqual(lintText(text), ['L-TTL:9 warning', 'L-WAIVER:10 warning', 'L-TTL:19 warning']);
});
