// Two readers of YAML must never disagree about a policy. Oracle: whatever text `yaml-plain` reads, the library reads to the
// same tree, with the same positions, and finds nothing wrong with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readFullYaml } from '../../src/lib/yaml-full.ts';
import { readPlainYaml } from '../../src/lib/yaml-plain.ts';
import { anyCondition, policiesOf, policyText } from './policy-arbitrary.ts';
import { seedText } from './seed-policy.ts';

/** True if the text is plain; fails where the two readers differ. */
function isPlain(text: string, linesBefore = 0): boolean {
  const plain = readPlainYaml(text, 'p.yaml', linesBefore);
  if (plain === null) return false;
  assert.deepEqual({ roots: [plain], faults: [] }, readFullYaml(text, 'p.yaml', linesBefore));
  return true;
}

const inRule = (fields: string) => `policy p:\n  rules:\n    - name: r\n      effect: allow\n      ${fields}\n`;

const plainTexts: Readonly<Record<string, string>> = {
  'the policy of the documents': seedText,
  'comments everywhere':
    '# a\n\npolicy p: # b\n  # c\n# d\n  rules:   # e\n      # f\n    - name: r # g\n# h\n      effect: deny\n\n',
  'a list at the column of its key':
    'policy p:\n  rules:\n  - name: r\n    actions:\n    - read\n    - write\n    effect: allow\n  mode: shadow\n',
  'flow collections': inRule('resources: { type: database, name: [a, "b c", \'d\'], attributes: {} } # x'),
  'words, numbers and booleans': inRule(
    'priority: 100\n      a: 007x\n      b: 30m\n      c: True\n      d: -5\n      e: on',
  ),
  'quoted values': inRule(`description: "a: b # c"\n      conditions: ['x == "y"', '']`),
  'quotes in quoted values': inRule(`description: "a \\"b\\" \\\\ c"\n      conditions: ['a''b', '''']`),
  'a timestamp': inRule('expires: 2026-12-31T00:00:00Z'),
  'no line break at the end': 'policy p: { rules: [] }',
};

for (const [what, text] of Object.entries(plainTexts)) {
  test(`${what}: read without the library, to the same tree`, () => {
    assert.ok(isPlain(text));
    assert.ok(isPlain(text, 41));
  });
}

const othersTexts: Readonly<Record<string, string>> = {
  nothing: '',
  'only a comment': '# a\n',
  'a key given twice': 'policy p:\n  rules: []\n  rules: []\n',
  'a key given twice in a flow mapping': inRule('resources: { a: b, a: c }'),
  'an empty value': inRule('resources:'),
  null: inRule('resources: null'),
  'null as a key': inRule('null: a'),
  'an anchor': inRule('actions: &a [read]'),
  'an alias': inRule('actions: *a'),
  'a tag': inRule('actions: !!set [read]'),
  'a merge key': inRule('<<: { a: b }'),
  'a tab': inRule('actions:\t[read]'),
  'a carriage return': 'policy p:\r\n  rules: []\r\n',
  'letters beyond ASCII': inRule('description: grün'),
  'an escape': inRule('description: "a\\tb"'),
  'a value of several lines': inRule('description: a\n        b'),
  'a quoted value of several lines': inRule('description: "a\n        b"'),
  'a flow list of several lines': inRule('actions: [a,\n        b]'),
  'a block scalar': inRule('description: |\n        a'),
  'a number that is no decimal integer': inRule('priority: 0x10'),
  'a leading zero': inRule('priority: 007'),
  'a fraction': inRule('priority: 1.5'),
  'two documents': 'a: b\n---\nc: d\n',
  'a directive': '%YAML 1.1\n---\na: b\n',
  'a list at the top': '- a\n',
  'a complex key': '? a\n: b\n',
  'a list in a list': 'a:\n  - - b\n',
  'a line that is indented less than the first of its list': 'a:\n    - b\n  - c\n',
  'a value with `: `': inRule('description: a: b'),
};

for (const [what, text] of Object.entries(othersTexts)) {
  test(`${what}: left to the library`, () => assert.equal(readPlainYaml(text, 'p.yaml', 0), null));
}

test('policies with any conditions, as a generator writes them, come out the same', () => {
  let plainCount = 0;
  const style = fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE');
  fc.assert(
    fc.property(policiesOf(anyCondition), style, (policies, defaultStringType) => {
      const text = stringify(JSON.parse(policyText(policies)), {
        lineWidth: 0,
        defaultStringType,
        defaultKeyType: 'PLAIN',
      });
      if (isPlain(text)) plainCount++;
    }),
    { numRuns: 300 },
  );
  assert.ok(plainCount > 100, `${plainCount} of 300 were plain`);
});

/** What stands between bars; an arrow is a tab. */
function wordsOf(row: string): readonly string[] {
  return row.split(' ¦ ').map((word) => word.replaceAll('→', '\t'));
}

const scalars = fc.constantFrom(
  ...[
    String.raw`'a''b' ¦ '''' ¦ ''' ¦ "\\" ¦ "\"" ¦ "a\nb" ¦ "\ ¦ "\\\" ¦ 'a'' b' ¦ a ¦ a b ¦ read ¦ true ¦ False ¦ null ¦ ~`,
    `0 ¦ -1 ¦ -0 ¦ 1e3 ¦ 0o7 ¦ 0x1f ¦ 1.5 ¦ .5 ¦ 12h ¦ 1_0 ¦ 1:30 ¦ 2026-12-31T00:00:00Z ¦ "a" ¦ 'b' ¦ "a: b"`,
    `'a # b' ¦ " ¦ ' ¦ "" ¦ "a"b ¦ '' ¦ a "b" ¦ x == "y" ¦ a:b ¦ a: b ¦ a #c ¦ a#c ¦ # ¦ a: ¦ :a ¦ - ¦ -a ¦ - a`,
    `? ¦ ? a ¦ &a ¦ *a ¦ !a ¦ | ¦ > ¦ @a ¦ %a ¦ , ¦ a,b ¦ a, b ¦ http:GET ¦ spiffe://a/b ¦ not (a in ["b"])`,
    `a != b ¦ /x ¦ = ¦ << ¦ é ¦ a→b ¦ →a ¦ nan ¦ y ¦ 1.2.3.4 ¦ 08 ¦ +1 ¦ [a] ¦ [] ¦ {} ¦ [a, b] ¦ [a,b]`,
    `[ a , b ] ¦ [a, ] ¦ [, a] ¦ { a: b } ¦ {a: b, c: [d]} ¦ { a } ¦ { a: } ¦ [a: b] ¦ { "a": b } ¦ { a:b }`,
    `['x == "y"', z] ¦ [a] == b ¦ [[a], {b: c}] ¦ [true, 1, null] ¦ [a ¦ a] ¦ [http:GET, a:] ¦ { a: b, a: c }`,
    `[a b, c  d] ¦ [a #b] ¦ ["a" b] ¦ ["a", 'b'] # c ¦ [x != y, (z)] ¦ [a*, *a] ¦ [-a] ¦ [a - b] ¦ [a -]`,
  ].flatMap(wordsOf),
);
const keys = fc.constantFrom(
  ...[
    `a ¦ b ¦ c ¦ policy a ¦ policy "b" ¦ policy "c d" ¦ rules ¦ null ¦ true ¦ << ¦ "q" ¦ a-b ¦ a:b ¦ a b  ¦ 1`,
    `- a ¦ a" ¦ a, b ¦ a.b ¦ ? a ¦ &a a ¦ [a] ¦ __proto__ ¦ `,
  ].flatMap(wordsOf),
);
const endings = fc.constantFrom('', '', '', '', ' ', ' # c', '# c', '\r', '\t', '  #');
const line = fc
  .record({
    indent: fc.constantFrom(0, 0, 2, 2, 2, 3, 4, 4, 4, 6, 6, 8),
    shape: fc.constantFrom(
      'entry',
      'entry',
      'open',
      'open',
      'item',
      'item entry',
      'scalar',
      'blank',
      'comment',
      'mark',
    ),
    key: keys,
    scalar: scalars,
    ending: endings,
    mark: fc.constantFrom('---', '...', '%YAML 1.2', '-', '- ', '\ufeff', '--- a'),
  })
  .map(({ indent, shape, key, scalar, ending, mark }) => {
    const content = {
      entry: `${key}: ${scalar}`,
      open: `${key}:`,
      item: `- ${scalar}`,
      'item entry': `- ${key}: ${scalar}`,
      scalar,
      blank: '',
      comment: '# c: d',
      mark,
    }[shape];
    return `${' '.repeat(indent)}${content}${ending}`;
  });

test('lines of every kind, at any indent, come out the same', () => {
  let plainCount = 0;
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), fc.boolean(), (lines, opens) => {
      if (isPlain(`${opens ? 'policy p:\n' : ''}${lines.join('\n')}\n`)) plainCount++;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(plainCount > 150, `${plainCount} of 20,000 were plain`);
});

test('one value of every kind, wherever a value may stand, comes out the same', () => {
  let plainCount = 0;
  const places = fc.constantFrom(
    (value: string) => `a: ${value}\nb: c\n`,
    (value: string) => `a:\n  - ${value}\n  - c\n`,
    (value: string) => `a:\n  b:   ${value}\n`,
    (value: string) => `a: [${value}, b]\n`,
    (value: string) => `a: { b: ${value} }\n`,
    (value: string) => `a:\n- b: ${value}\n  c: d\n`,
    (value: string) => `${value}: a\n`,
  );
  const pieces = fc.array(fc.oneof(scalars, fc.constantFrom(...' \t#:-?,[]{}"\'&*!|>%@`=<.0159ae+'.split(''))), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(places, pieces, endings, (place, parts, ending) => {
      if (isPlain(place(`${parts.join('')}${ending}`))) plainCount++;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(plainCount > 1000, `${plainCount} of 20,000 were plain`);
});

const mutation = fc.record({
  at: fc.nat(seedText.length),
  remove: fc.nat(6),
  insert: fc.oneof(
    fc.constantFrom(...' \n:#-"\'[]{},&*!|>%@`?\t\\~é'.split(''), '\n  ', ': ', ' #', '- ', '', '', '', '---\n'),
    scalars,
  ),
});

test('the policy of the documents with slips of the pen comes out the same', () => {
  let plainCount = 0;
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), (changes) => {
      const text = changes.reduce(
        (now, { at, remove, insert }) => now.slice(0, at) + insert + now.slice(at + remove),
        seedText,
      );
      if (isPlain(text)) plainCount++;
    }),
    { numRuns: 3000 },
  );
  assert.ok(plainCount > 300, `${plainCount} of 3,000 were plain`);
});
