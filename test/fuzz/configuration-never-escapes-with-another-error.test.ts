// Whatever stands in a configuration file, loading it ends in a configuration or in our coded error with findings.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from '../../src/config/load-config.ts';
import { isPosternError } from '../../src/errors.ts';
import { formatFinding } from '../../src/lib/finding.ts';

const origin = { file: 'x.yaml', absoluteFile: '/x.yaml', env: { A: 'a' } };
const example = readFileSync('docs/examples/postern.yaml', 'utf8');
const words =
  'version identity source files cert key inbound name listen forward routes match path limits idle policy paths audit journal off admin workers __proto__ constructor'.split(
    ' ',
  );

function holds(text: string): void {
  try {
    parseConfig(text, origin);
  } catch (error) {
    if (!isPosternError(error, 'ERR_CONFIG_INVALID')) throw error;
    assert.ok(error.findings.length > 0);
    for (const finding of error.findings) {
      assert.ok(finding.position !== undefined && finding.position.line >= 1 && finding.position.column >= 1);
      assert.doesNotMatch(formatFinding(finding), /[\u0000-\u001f\u007f]/);
    }
  }
}

test('any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), holds), { numRuns: 100 });
});

test('any text made of the pieces of YAML', () => {
  const piece = fc.constantFrom(
    ...words,
    ': ',
    '\n',
    '\n  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '"',
    "'",
    '&a ',
    '*a',
    '!!x ',
    '|',
    '>',
    '#',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the syntax under test
    '${A}',
    '${',
    '\t',
    '---\n',
    '? ',
    '<<',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => holds(pieces.join(''))),
    { numRuns: 100 },
  );
});

test('any values under the keys that exist', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('off', 'auto', 'files', '1h', '64KiB', '127.0.0.1:1', 'unix:/a', '/a/{b}'),
      fc.jsonValue(),
      tie('map'),
      tie('list'),
    ),
    map: fc.dictionary(fc.constantFrom(...words), tie('any'), { maxKeys: 6 }),
    list: fc.array(tie('any'), { maxLength: 4 }),
  })).map;
  fc.assert(
    fc.property(value, (data) => holds(JSON.stringify(data))),
    { numRuns: 100 },
  );
});

test('keys that are called as what a library looks up', () => {
  for (const value of ['[]', '{}', '[{}]', '{name: [{}]}', '{name: {toString: 1}}']) {
    for (const name of ['constructor', '__proto__', 'toString', 'valueOf', 'toJSON', 'then']) {
      holds(`version: {${name}: ${value}}`);
      holds(`version: 1\nworkers: {${name}: {name: ${value}}}\ninbound: [{${name}: ${value}}]`);
    }
  }
});

test('the example with any piece of it cut out or doubled', () => {
  const at = fc.integer({ min: 0, max: example.length });
  fc.assert(
    fc.property(at, fc.integer({ min: 1, max: 40 }), fc.boolean(), (start, length, doubled) => {
      holds(
        example.slice(0, start) +
          (doubled ? example.slice(start, start + length) : '') +
          example.slice(doubled ? start : start + length),
      );
    }),
    { numRuns: 100 },
  );
});

for (const [what, text] of [
  ['a megabyte of opening brackets', '['.repeat(1_000_000)],
  ['a megabyte of opening braces', '{a: '.repeat(250_000)],
  ['deep indentation', Array.from({ length: 1_400 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
  ['a megabyte of dashes', '- '.repeat(500_000)],
  ['a hundred thousand keys', Array.from({ length: 100_000 }, (_, at) => `k${at}: 1`).join('\n')],
  ['one key of a megabyte', `${'k'.repeat(1_000_000)}: 1`],
  ['a million dollars', `version: ${'$'.repeat(1_000_000)}`],
  ['a million open variables', `version: "${'${'.repeat(400_000)}"`],
] as const) {
  test(`${what} ends within twenty seconds`, () => {
    const started = performance.now();
    holds(text);
    assert.ok(performance.now() - started < 20_000);
  });
}
