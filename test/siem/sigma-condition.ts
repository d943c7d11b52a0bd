// The condition of a Sigma rule, read and judged: `and`, `or`, `not`, parentheses, and `1 of` or `all of` a pattern of names.

import assert from 'node:assert/strict';

/** Judges a condition; `holds` says whether the search of that name matches. */
export function judgeCondition(condition: string, names: readonly string[], holds: (name: string) => boolean): boolean {
  const words = condition.match(/[()]|[\w*]+/g) ?? [];
  assert.equal(words.join(''), condition.replaceAll(/\s/g, ''), `a condition that cannot be read: ${condition}`);
  const reader = new ConditionReader(words, names, holds);
  return reader.whole();
}

class ConditionReader {
  readonly #words: readonly string[];
  readonly #names: readonly string[];
  readonly #holds: (name: string) => boolean;
  #at = 0;

  constructor(words: readonly string[], names: readonly string[], holds: (name: string) => boolean) {
    this.#words = words;
    this.#names = names;
    this.#holds = holds;
  }

  whole(): boolean {
    const value = this.#anyOf();
    assert.equal(this.#at, this.#words.length, `more than a condition: ${this.#words.join(' ')}`);
    return value;
  }

  // Both sides are always read, so that a wrong name is found wherever it stands.
  #anyOf(): boolean {
    let value = this.#allOf();
    while (this.#take('or')) value = this.#allOf() || value;
    return value;
  }

  #allOf(): boolean {
    let value = this.#one();
    while (this.#take('and')) value = this.#one() && value;
    return value;
  }

  #one(): boolean {
    if (this.#take('not')) return !this.#one();
    if (this.#take('(')) {
      const value = this.#anyOf();
      assert.ok(this.#take(')'), 'a parenthesis is not closed');
      return value;
    }
    const word = this.#next();
    if ((word === '1' || word === 'all') && this.#take('of')) return this.#several(word, this.#next());
    assert.ok(this.#names.includes(word), `the condition names ${word}, which is no search`);
    return this.#holds(word);
  }

  #several(how: string, pattern: string): boolean {
    const prefix = pattern === 'them' ? '' : pattern.replace(/\*$/, '');
    const named = this.#names.filter((name) => name.startsWith(prefix));
    assert.ok(named.length > 0, `no search is called ${pattern}`);
    return how === '1' ? named.some(this.#holds) : named.every(this.#holds);
  }

  #next(): string {
    const word = this.#words[this.#at++];
    assert.ok(word !== undefined, 'a condition that ends too early');
    return word;
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at += 1;
    return true;
  }
}
