// Values of plain YAML (see yaml-plain.ts) that stand on one line: scalars, and flow collections of them. Each function
// gives null for whatever is not plain; the position of what was read is the caller's to check.

import type { YamlEntry, YamlNode, YamlScalar } from './yaml-tree.ts';

/** One line of a text, and where it is. */
export interface PlainLine {
  readonly text: string;
  readonly file: string;
  /** Counts from 1. */
  readonly number: number;
}

const wholeNumber = /^(?:0|-?[1-9][0-9]{0,14})$/;
// More than the numbers of the core schema (YAML 1.2 §10.3.2): what looks like one is left to the library.
const numberLike = /^(?:[0-9.]*(?:[eE][-+]?[0-9]*)?|0[ox].*)$/;
const trueWords: ReadonlySet<string> = new Set(['true', 'True', 'TRUE']);
const falseWords: ReadonlySet<string> = new Set(['false', 'False', 'FALSE']);
const nullWords: ReadonlySet<string> = new Set(['null', 'Null', 'NULL']);

const blockTextStart = /^(?:[A-Za-z0-9_/]|-[0-9])/;
const quoted = /"((?:[^"\\]|\\["\\])*)"|'((?:[^']|'')*)'/y;
const flowText = /[A-Za-z0-9_/](?:[A-Za-z0-9_./=<>!()*"-]| +(?=[A-Za-z0-9_./=<>!()*"-])|:(?=[A-Za-z0-9/]))*/y;
const flowKey = /([A-Za-z_][A-Za-z0-9_.-]*): +/y;
const maxFlowDepth = 8;

/** True for a word that is null where text is meant. */
export function isNullWord(text: string): boolean {
  return text.length === 4 && nullWords.has(text);
}

/** Reads the value that fills the rest of a line, but for a comment. */
export function readRestOfLine(line: PlainLine, column: number): YamlNode | null {
  const first = line.text[column];
  if (first !== '"' && first !== "'" && first !== '[' && first !== '{') return readBlockText(line, column);
  const reader = new FlowReader(line, column);
  const value = reader.value(0);
  return value !== null && /^ *$|^ +#/.test(line.text.slice(reader.column)) ? value : null;
}

function readBlockText(line: PlainLine, column: number): YamlScalar | null {
  const comment = line.text.indexOf(' #', column);
  const text = line.text.slice(column, comment < 0 ? line.text.length : comment).trimEnd();
  if (!blockTextStart.test(text) || text.includes(': ') || text.endsWith(':')) return null;
  return plainScalar(text, { line, column, commented: comment >= 0 });
}

function plainScalar(
  text: string,
  { line, column, commented }: { readonly line: PlainLine; readonly column: number; readonly commented: boolean },
): YamlScalar | null {
  const value = plainValue(text);
  if (value === null) return null;
  return { kind: 'scalar', value, source: text, plain: true, commented, position: positionAt(line, column) };
}

/** What the core schema makes of a plain scalar; null where the library has to say. */
function plainValue(text: string): string | number | boolean | null {
  const first = text.charCodeAt(0);
  if (first < 0x3a && first !== 0x2f) {
    if (wholeNumber.test(text)) return Number(text);
    return first === 0x2d || numberLike.test(text) ? null : text;
  }
  // Of the words that are no text the longest has five letters: most need no look.
  if (text.length > 5) return text;
  if (trueWords.has(text)) return true;
  if (falseWords.has(text)) return false;
  return nullWords.has(text) ? null : text;
}

/** The position of a column that counts from 0. */
export function positionAt({ file, number }: PlainLine, column: number) {
  return { file, line: number, column: column + 1 };
}

class FlowReader {
  column: number;
  readonly #line: PlainLine;

  constructor(line: PlainLine, column: number) {
    this.#line = line;
    this.column = column;
  }

  value(depth: number): YamlNode | null {
    const first = this.#line.text[this.column];
    if (first === '[' || first === '{') {
      if (depth >= maxFlowDepth) return null;
      return first === '[' ? this.#list(depth) : this.#map(depth);
    }
    return first === '"' || first === "'" ? this.#quoted() : this.#text();
  }

  #quoted(): YamlScalar | null {
    const at = this.column;
    const match = this.#take(quoted);
    if (match === null) return null;
    const value = match[1]?.replaceAll(/\\(.)/g, '$1') ?? match[2]?.replaceAll("''", "'") ?? '';
    return { kind: 'scalar', value, source: value, plain: false, commented: false, position: this.#position(at) };
  }

  #text(): YamlScalar | null {
    const column = this.column;
    const match = this.#take(flowText);
    return match === null ? null : plainScalar(match[0], { line: this.#line, column, commented: false });
  }

  #list(depth: number): YamlNode | null {
    const position = this.#position(this.column);
    const items: YamlNode[] = [];
    const isWhole = this.#each(']', () => {
      const item = this.value(depth + 1);
      if (item !== null) items.push(item);
      return item !== null;
    });
    return isWhole ? { kind: 'list', items, position } : null;
  }

  #map(depth: number): YamlNode | null {
    const position = this.#position(this.column);
    const entries: YamlEntry[] = [];
    const seen = new Set<string>();
    const isWhole = this.#each('}', () => {
      const entry = this.#entry(depth);
      if (entry === null || seen.has(entry.key)) return false;
      seen.add(entry.key);
      entries.push(entry);
      return true;
    });
    return isWhole ? { kind: 'map', entries, position } : null;
  }

  #entry(depth: number): YamlEntry | null {
    const keyPosition = this.#position(this.column);
    const key = this.#take(flowKey)?.[1];
    if (key === undefined || isNullWord(key)) return null;
    const value = this.value(depth + 1);
    return value === null ? null : { key, keyPosition, value };
  }

  /** Reads what stands between brackets, the opening one ahead. False where something is not plain. */
  #each(end: string, readOne: () => boolean): boolean {
    const { text } = this.#line;
    this.column++;
    this.#skipSpaces();
    if (this.#skip(end)) return true;
    for (;;) {
      if (!readOne()) return false;
      this.#skipSpaces();
      if (this.#skip(end)) return true;
      if (text[this.column] !== ',' || text[this.column + 1] !== ' ') return false;
      this.column++;
      this.#skipSpaces();
    }
  }

  #skipSpaces(): void {
    while (this.#line.text.charCodeAt(this.column) === 0x20) this.column++;
  }

  #skip(letter: string): boolean {
    const isThere = this.#line.text[this.column] === letter;
    if (isThere) this.column++;
    return isThere;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.column;
    const match = pattern.exec(this.#line.text);
    if (match !== null) this.column = pattern.lastIndex;
    return match;
  }

  #position(column: number) {
    return positionAt(this.#line, column);
  }
}
