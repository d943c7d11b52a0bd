// The YAML that nearly every policy is written in, read at a tenth of the cost of a whole YAML parser: block mappings and
// lists of one-line values, in ASCII. Anything else, and anything doubtful, is null: the library reads it (yaml-full.ts).
// INVARIANT: where this gives a tree, the library gives the same tree, positions included, and no fault.

import { isNullWord, type PlainLine, positionAt, readRestOfLine } from './yaml-plain-value.ts';
import type { YamlEntry, YamlList, YamlMap, YamlNode } from './yaml-tree.ts';

const plainText = /^[\x20-\x7e\n]*$/;
const key = /([A-Za-z_](?:[A-Za-z0-9_./ "-]{0,300}[A-Za-z0-9_."-])?):(?: +|$)/y;
const maxBlockDepth = 16;

/** Reads a text of one block mapping; null if it is, or may be, anything else. */
export function readPlainYaml(text: string, file: string, linesBefore: number): YamlMap | null {
  if (!plainText.test(text)) return null;
  const reader = new PlainReader(text, file, linesBefore);
  return reader.root();
}

class PlainReader {
  readonly #lines: readonly string[];
  readonly #file: string;
  readonly #linesBefore: number;
  /** Of the line after the current one. */
  #next = 0;
  #line: PlainLine;
  /** Spaces before the current line's content; -1 after the last line. */
  #indent = -1;

  constructor(text: string, file: string, linesBefore: number) {
    this.#lines = text.split('\n');
    this.#file = file;
    this.#linesBefore = linesBefore;
    this.#line = { text: '', file, number: 0 };
    this.#advance();
  }

  root(): YamlMap | null {
    const root = this.#indent === 0 ? this.#map(0, 0) : null;
    return this.#indent === -1 ? root : null;
  }

  /** Goes to the next line with anything but a comment on it. */
  #advance(): void {
    while (this.#next < this.#lines.length) {
      const text = this.#lines[this.#next++]!;
      let indent = 0;
      while (text.charCodeAt(indent) === 0x20) indent++;
      if (indent === text.length || text.charCodeAt(indent) === 0x23) continue;
      this.#line = { text, file: this.#file, number: this.#linesBefore + this.#next };
      this.#indent = indent;
      return;
    }
    this.#indent = -1;
  }

  /** Reads entries as long as lines begin at a column; the first begins on the current line. */
  #map(column: number, depth: number): YamlMap | null {
    if (depth > maxBlockDepth) return null;
    const position = positionAt(this.#line, column);
    const entries: YamlEntry[] = [];
    const seen = new Set<string>();
    do {
      const entry = this.#entry(column, depth);
      if (entry === null || seen.has(entry.key)) return null;
      seen.add(entry.key);
      entries.push(entry);
    } while (this.#indent === column);
    // Deeper: the value of an entry goes on there.
    return this.#indent > column ? null : { kind: 'map', entries, position };
  }

  #entry(column: number, depth: number): YamlEntry | null {
    const { text } = this.#line;
    key.lastIndex = column;
    const name = key.exec(text)?.[1];
    if (name === undefined || isNullWord(name)) return null;
    const keyPosition = positionAt(this.#line, column);
    const isAlone = key.lastIndex === text.length || text[key.lastIndex] === '#';
    const value = isAlone ? this.#below(column, depth) : this.#inline(key.lastIndex);
    return value === null ? null : { key: name, keyPosition, value };
  }

  #inline(column: number): YamlNode | null {
    const value = readRestOfLine(this.#line, column);
    this.#advance();
    return value;
  }

  /** The value of a key that is alone on its line. A list may begin at the column of its key (YAML 1.2 §8.2.1). */
  #below(column: number, depth: number): YamlNode | null {
    this.#advance();
    if (this.#isItem()) return this.#indent >= column ? this.#list(this.#indent, depth + 1) : null;
    return this.#indent > column ? this.#map(this.#indent, depth + 1) : null;
  }

  #isItem(): boolean {
    return this.#indent >= 0 && this.#line.text.startsWith('- ', this.#indent);
  }

  #list(column: number, depth: number): YamlList | null {
    if (depth > maxBlockDepth) return null;
    const position = positionAt(this.#line, column);
    const items: YamlNode[] = [];
    do {
      const item = this.#item(depth);
      if (item === null) return null;
      items.push(item);
    } while (this.#indent === column && this.#isItem());
    return this.#indent > column ? null : { kind: 'list', items, position };
  }

  #item(depth: number): YamlNode | null {
    const { text } = this.#line;
    let column = this.#indent + 2;
    while (text.charCodeAt(column) === 0x20) column++;
    key.lastIndex = column;
    return key.test(text) ? this.#map(column, depth + 1) : this.#inline(column);
  }
}
