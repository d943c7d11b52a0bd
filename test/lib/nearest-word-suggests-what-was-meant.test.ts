// Suggestions for mistyped keys and commands: near words are found, far ones are not guessed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearestWord } from '../../src/lib/nearest-word.ts';

const known = ['listen', 'forward', 'routes', 'limits', 'health_passthrough', 'mode'];

const cases: readonly (readonly [typed: string, meant: string | null])[] = [
  ['lisen', 'listen'],
  ['lsiten', 'listen'],
  ['Listen', 'listen'],
  ['forwards', 'forward'],
  ['health_passtrough', 'health_passthrough'],
  ['healthPassthrough', 'health_passthrough'],
  ['mod', 'mode'],
  ['x', null],
  ['upstream', null],
  ['', null],
];

for (const [typed, meant] of cases) {
  test(`\`${typed}\` ${meant === null ? 'is near to nothing' : `suggests \`${meant}\``}`, () => {
    assert.equal(nearestWord(typed, known), meant);
  });
}

test('a known word suggests itself whatever stands beside it', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (others) => {
      assert.equal(
        nearestWord('listen', [...others.filter((word) => word.toLowerCase() !== 'listen'), 'listen']),
        'listen',
      );
    }),
  );
});

test('a word of a megabyte is answered at once', () => {
  assert.equal(nearestWord('a'.repeat(1_000_000), known), null);
});
