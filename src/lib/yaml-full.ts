// Any YAML 1.2 text, by the library `yaml`: what `yaml-plain` leaves, and everything with a fault in it.

import type { Document, Node, ParsedNode, Range } from 'yaml';
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { SourcePosition } from './source-position.ts';
import type { YamlEntry, YamlFault, YamlList, YamlMap, YamlNode, YamlReading, YamlScalar } from './yaml-tree.ts';

/** Reads all documents of a text that nests no deeper than `maxDepth`. Never throws. */
export function readFullYaml(text: string, file: string, linesBefore: number): YamlReading {
  const reader = new Reader(text, file, linesBefore);
  return { roots: reader.roots(), faults: reader.faults };
}

class Reader {
  readonly faults: YamlFault[] = [];
  readonly #text: string;
  readonly #file: string;
  readonly #linesBefore: number;
  readonly #lines = new LineCounter();

  constructor(text: string, file: string, linesBefore: number) {
    this.#text = text;
    this.#file = file;
    this.#linesBefore = linesBefore;
  }

  roots(): YamlNode[] {
    const roots: YamlNode[] = [];
    for (const document of this.#documents()) {
      this.#faultsOf(document);
      const root = document.contents;
      if (root !== null && !(isScalar(root) && root.value === null)) roots.push(this.#node(root));
    }
    return roots;
  }

  #documents(): readonly Document.Parsed[] {
    const documents = parseAllDocuments(this.#text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      // Its own check compares each key with all before it; `#map` does it with a set.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      lineCounter: this.#lines,
    });
    return Array.isArray(documents) ? documents : [];
  }

  #faultsOf(document: Document.Parsed): void {
    if (document.directives.yaml.explicit && document.directives.yaml.version !== '1.2') {
      this.#fault('the file is read as YAML 1.2', 0, 'take the %YAML line out');
    }
    for (const error of document.errors) {
      this.#fault(`not valid YAML: ${oneLine(error.message)}`, error.pos[0], mendOf(error.code));
    }
    // An unresolved tag is only a warning to the parser; `#node` reports every tag, so warnings add nothing.
  }

  #node(node: Node): YamlNode {
    const at = (node.range as Range | null | undefined)?.[0] ?? 0;
    this.#forbid(node, at);
    if (isMap(node)) return this.#map(node.items as readonly unknown[], at);
    if (isSeq(node)) return this.#list(node.items as readonly unknown[], at);
    if (isScalar(node)) return this.#scalar(node as ParsedNode & { value: unknown }, at);
    return this.#nothing(at);
  }

  #forbid(node: Node, at: number): void {
    if (isAlias(node)) {
      this.#fault('aliases (`*name`) are not allowed', at, 'quote the value if the star is part of it');
      return;
    }
    if ((node as { anchor?: string }).anchor !== undefined) {
      this.#fault('anchors (`&name`) are not allowed', at, 'quote the value if the & is part of it');
    }
    if (node.tag !== undefined) {
      this.#fault(
        `tags (\`${clip(node.tag)}\`) are not allowed`,
        at,
        'for a negation write `not …`, or quote the value',
      );
    }
  }

  #map(items: readonly unknown[], at: number): YamlMap {
    const entries: YamlEntry[] = [];
    const seen = new Set<string>();
    for (const item of items) {
      if (!isPair(item)) continue;
      const entry = this.#entry(item.key as Node | null, item.value as Node | null, at);
      if (seen.has(entry.key))
        this.#faultAt(`\`${clip(entry.key)}\` is given twice`, entry.keyPosition, 'keep one of the two');
      seen.add(entry.key);
      entries.push(entry);
    }
    return { kind: 'map', entries, position: this.#position(at) };
  }

  #entry(key: Node | null, value: Node | null, mapAt: number): YamlEntry {
    const at = (key?.range as Range | null | undefined)?.[0] ?? mapAt;
    if (key !== null) this.#forbid(key, at);
    const name = isScalar(key) ? keyText(key.value, (key as { source?: string }).source) : null;
    if (name === null) this.#fault('a key must be plain text', at, null);
    if (name === '<<') this.#fault('merge keys (`<<`) are not allowed', at, 'write the keys out');
    return {
      key: name ?? '',
      keyPosition: this.#position(at),
      value: value === null ? this.#nothing(at) : this.#node(value),
    };
  }

  #list(items: readonly unknown[], at: number): YamlList {
    return {
      kind: 'list',
      // In a flow list `[a: b]` is a list of pairs; as a map it gets the same treatment as everywhere.
      items: items.map((item) => (isPair(item) ? this.#map([item], at) : this.#node(item as Node))),
      position: this.#position(at),
    };
  }

  #scalar(node: ParsedNode & { value: unknown }, at: number): YamlScalar {
    const { value } = node;
    const { source, type } = node as { source?: string; type?: string };
    const end = (node.range as Range)[1];
    const written = this.#text.slice(at, end);
    return {
      kind: 'scalar',
      value: typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null,
      source: source ?? written,
      plain: type === 'PLAIN' && !written.includes('\n'),
      commented: type === 'PLAIN' && /^[ \t]+#/.test(this.#text.slice(end, end + 64)),
      position: this.#position(at),
    };
  }

  #nothing(at: number): YamlScalar {
    return { kind: 'scalar', value: null, source: '', plain: false, commented: false, position: this.#position(at) };
  }

  #fault(message: string, offset: number, mend: string | null): void {
    this.#faultAt(message, this.#position(offset), mend);
  }

  #faultAt(message: string, position: SourcePosition, mend: string | null): void {
    this.faults.push({ message, mend, position });
  }

  #position(offset: number): SourcePosition {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(1, line) + this.#linesBefore, column: Math.max(1, col) };
  }
}

function keyText(value: unknown, source: string | undefined): string | null {
  if (typeof value === 'string') return value;
  // `404:` or `true:` as a key is text all the same.
  return value === null || value === undefined ? null : (source ?? String(value));
}

function mendOf(code: string): string | null {
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  return code === 'UNEXPECTED_TOKEN' ? 'quote the whole value, with single quotes around a condition' : null;
}

function oneLine(message: string): string {
  return clip(message.replaceAll(/\s+/g, ' ').replace(/^[A-Z]/, (letter) => letter.toLowerCase()));
}

function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
