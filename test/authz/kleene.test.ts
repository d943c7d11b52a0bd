import assert from 'node:assert/strict';
import { test } from 'node:test';
import { and, FALSE, not, or, TRUE, type Truth, truthText, UNKNOWN } from '../../src/authz/kleene.ts';

const all: readonly Truth[] = [FALSE, TRUE, UNKNOWN];
const triples = all.flatMap((a) => all.flatMap((b) => all.map((c) => [a, b, c] as const)));

test('false wins over unknown in a conjunction, true in a disjunction, and unknown stays unknown', () => {
  assert.equal(and(FALSE, UNKNOWN), FALSE);
  assert.equal(and(TRUE, UNKNOWN), UNKNOWN);
  assert.equal(or(TRUE, UNKNOWN), TRUE);
  assert.equal(or(FALSE, UNKNOWN), UNKNOWN);
  assert.equal(not(UNKNOWN), UNKNOWN);
  assert.deepEqual(all.map(truthText), ['false', 'true', 'unknown']);
});

test('on booleans the connectives are the usual ones', () => {
  for (const a of [false, true])
    for (const b of [false, true]) {
      assert.equal(and(Number(a) as Truth, Number(b) as Truth), Number(a && b));
      assert.equal(or(Number(a) as Truth, Number(b) as Truth), Number(a || b));
    }
  assert.deepEqual([not(TRUE), not(FALSE)], [FALSE, TRUE]);
});

test('over all 27 triples the connectives commute, associate, distribute and obey De Morgan', () => {
  for (const [a, b, c] of triples) {
    assert.equal(and(a, b), and(b, a));
    assert.equal(or(a, b), or(b, a));
    assert.equal(and(a, and(b, c)), and(and(a, b), c));
    assert.equal(or(a, or(b, c)), or(or(a, b), c));
    assert.equal(and(a, or(b, c)), or(and(a, b), and(a, c)));
    assert.equal(not(and(a, b)), or(not(a), not(b)));
    assert.equal(not(or(a, b)), and(not(a), not(b)));
    assert.equal(not(not(a)), a);
  }
});
