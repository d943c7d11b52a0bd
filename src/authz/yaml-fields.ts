// Reads the fields of a mapping whose keys are known. Every other key, every empty value and every wrong type is
// reported: in this language absent means *any*, so nothing written may count as absent (policy.md 1.1).

import { nearestWord } from '../lib/nearest-word.ts';
import type { YamlEntry, YamlMap, YamlNode } from '../lib/yaml-tree.ts';
import { clip } from './condition-lexer.ts';
import type { Place } from './policy-finding.ts';
import { didYouMean, reportError } from './policy-finding.ts';

/** What a node is, for messages. */
export function kindText(node: YamlNode): string {
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string' ? 'text' : `the ${typeof node.value} \`${clip(node.source)}\``;
}

/** Reports that a node is not what is wanted. */
export function reportWrong(place: Place, node: YamlNode, wanted: string): void {
  const mend =
    node.kind === 'scalar' && typeof node.value !== 'string' && node.value !== null ? 'quote it if it is text' : null;
  reportError(place, {
    code: 'L-KEY',
    message: `expected ${wanted}, found ${kindText(node)}`,
    mend,
    position: node.position,
  });
}

/** The fields of one mapping. */
export class YamlFields {
  readonly #map: YamlMap;
  readonly #place: Place;

  constructor(map: YamlMap, known: readonly string[], place: Place) {
    this.#map = map;
    this.#place = place;
    for (const entry of map.entries) this.#check(entry, known);
  }

  #check(entry: YamlEntry, known: readonly string[]): void {
    const { key, keyPosition: position, value } = entry;
    if (!known.includes(key)) {
      const mend = didYouMean(nearestWord(key, known)) || `known keys: ${known.join(', ')}`;
      reportError(this.#place, { code: 'L-KEY', message: `unknown key \`${clip(key)}\``, mend, position });
    } else if (value.kind === 'scalar' && value.value === null) {
      const mend = 'give it a value or take the key out: empty is not absent';
      reportError(this.#place, { code: 'L-KEY', message: `\`${key}\` is empty`, mend, position });
    }
  }

  /** The node under a key; null if the key is absent or empty. */
  node(key: string): YamlNode | null {
    const value = this.#entry(key)?.value;
    return value === undefined || (value.kind === 'scalar' && value.value === null) ? null : value;
  }

  /** A mapping has a dozen keys at most: to look through them costs less than an index for each rule of a large bundle. */
  #entry(key: string): YamlEntry | undefined {
    return this.#map.entries.find((entry) => entry.key === key);
  }

  /** Like `node`, but absence is reported. */
  required(key: string): YamlNode | null {
    if (this.#entry(key) === undefined) {
      const message = `\`${key}\` is missing`;
      reportError(this.#place, { code: 'L-KEY', message, position: this.#map.position });
    }
    return this.node(key);
  }

  /** Text under a key; null if absent. */
  text(key: string): string | null {
    const node = this.node(key);
    if (node === null) return null;
    if (node.kind === 'scalar' && typeof node.value === 'string') return node.value;
    reportWrong(this.#place, node, `text for \`${key}\``);
    return null;
  }

  /** One of some words under a key; null if absent. */
  word<W extends string>(key: string, words: readonly W[]): W | null {
    const node = this.node(key);
    if (node === null) return null;
    const found = node.kind === 'scalar' ? words.find((word) => word === node.value) : undefined;
    if (found === undefined) this.#reportNoWord(key, node, words);
    return found ?? null;
  }

  #reportNoWord(key: string, node: YamlNode, words: readonly string[]): void {
    const written = node.kind === 'scalar' ? `\`${clip(node.source)}\`` : kindText(node);
    const near = node.kind === 'scalar' ? nearestWord(node.source, words) : null;
    const message = `\`${key}\` is one of ${words.join(', ')}, not ${written}`;
    reportError(this.#place, { code: 'L-KEY', message, mend: didYouMean(near), position: node.position });
  }

  /** True or false under a key; null if absent. */
  flag(key: string): boolean | null {
    const node = this.node(key);
    if (node === null) return null;
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
    reportWrong(this.#place, node, `true or false for \`${key}\``);
    return null;
  }

  /** Whole number under a key; null if absent. */
  integer(key: string): number | null {
    const node = this.node(key);
    if (node === null) return null;
    if (node.kind === 'scalar' && typeof node.value === 'number' && Number.isSafeInteger(node.value)) return node.value;
    reportWrong(this.#place, node, `a whole number for \`${key}\``);
    return null;
  }
}
