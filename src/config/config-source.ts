// From the text of a configuration file to plain data, with `${VARIABLE}` expanded in values and the place of every key
// and value kept for later findings.

import type { ErrorCode, SourcePosition } from '../errors.ts';
import type { Finding } from '../lib/finding.ts';
import { readYaml } from '../lib/yaml-document.ts';
import type { YamlMap, YamlNode, YamlScalar } from '../lib/yaml-tree.ts';

export type DataPath = readonly (string | number)[];

/** What was read. `data` is meaningless where `findings` has errors. */
export interface ConfigSource {
  readonly data: unknown;
  readonly findings: readonly Finding[];
  /** Place of the value at a path, or of the nearest thing above it that exists. */
  positionOf(path: DataPath): SourcePosition;
  /** Place of the key at a path; for list items the item. */
  keyPositionOf(path: DataPath): SourcePosition;
  /** Everything that came out of a `${VARIABLE}`: it may be a secret. */
  readonly expandedValues: readonly string[];
  /** Puts `${VARIABLE}` back in place of what it stood for: a variable may hold a secret. */
  conceal(text: string, path: DataPath): string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a file's text. Never throws: every fault is a finding. */
export function readConfigSource(text: string, file: string, env: Environment): ConfigSource {
  const { roots, faults } = readYaml(text, file);
  const reader = new SourceReader(env);
  for (const fault of faults) reader.fault('ERR_CONFIG_SYNTAX', fault, fault.mend);
  const [root, second] = roots;
  const start: SourcePosition = { file, line: 1, column: 1 };
  if (second !== undefined) {
    reader.fault(
      'ERR_CONFIG_SYNTAX',
      { message: 'a second document begins here', position: second.position },
      'keep one document a file',
    );
  }
  if (root === undefined && faults.length === 0) {
    reader.fault(
      'ERR_CONFIG_SYNTAX',
      { message: 'the file holds no configuration', position: start },
      'begin with `version: 1`',
    );
  }
  const data = root === undefined ? {} : reader.read(root, []);
  return {
    data,
    findings: reader.findings,
    expandedValues: reader.expandedValues,
    positionOf: (path) => reader.place(path, 'value') ?? start,
    keyPositionOf: (path) => reader.place(path, 'key') ?? start,
    conceal: (message, path) => reader.conceal(message, path),
  };
}

interface Place {
  readonly key: SourcePosition;
  readonly value: SourcePosition;
  /** The text before expansion, where a variable was expanded. */
  readonly expanded: { readonly from: string; readonly to: string } | null;
}

class SourceReader {
  readonly expandedValues: string[] = [];
  readonly findings: Finding[] = [];
  readonly #env: Environment;
  readonly #places = new Map<string, Place>();

  constructor(env: Environment) {
    this.#env = env;
  }

  fault(
    code: ErrorCode,
    at: { readonly message: string; readonly position: SourcePosition },
    mend: string | null,
  ): void {
    const text = mend ?? 'write plain YAML 1.2 or JSON';
    this.findings.push({ code, severity: 'error', message: at.message, mend: text, position: at.position });
  }

  read(node: YamlNode, path: DataPath, key: SourcePosition = node.position): unknown {
    const expanded = node.kind === 'scalar' ? this.#expand(node) : null;
    this.#places.set(keyOf(path), { key, value: node.position, expanded });
    if (node.kind === 'list') return node.items.map((item, at) => this.read(item, [...path, at]));
    if (node.kind === 'map') return this.#map(node, path);
    if (expanded === null) return node.value === null ? node.value : withoutEscapes(node.value);
    return node.plain ? plainValue(expanded.to) : expanded.to;
  }

  #map(node: YamlMap, path: DataPath): Record<string, unknown> {
    const data: Record<string, unknown> = Object.create(null);
    for (const entry of node.entries) {
      data[entry.key] = this.read(entry.value, [...path, entry.key], entry.keyPosition);
    }
    return data;
  }

  #expand(node: YamlScalar): Place['expanded'] {
    const from = node.value;
    if (typeof from !== 'string' || !from.includes('${')) return null;
    let found = false;
    const to = from.replaceAll(variable, (whole, name: string | undefined) => {
      if (whole === '$${') return '${';
      found = true;
      return this.#variable(whole, name, node.position);
    });
    if (found) this.expandedValues.push(to);
    return found ? { from, to } : null;
  }

  #variable(whole: string, name: string | undefined, position: SourcePosition): string {
    if (name === undefined) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the syntax that the message speaks of
      const mend = 'write `${NAME}` with letters, digits and `_`, or `$${` for a literal `${`';
      this.fault('ERR_CONFIG_VARIABLE', { message: `\`${whole}\` is not the name of a variable`, position }, mend);
      return '';
    }
    const value = Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    if (value !== undefined) return value;
    const mend = `set ${name}, or write \`$\${${name}}\` for the literal text`;
    this.fault('ERR_CONFIG_VARIABLE', { message: `the environment variable \`${name}\` is not set`, position }, mend);
    return '';
  }

  place(path: DataPath, part: 'key' | 'value'): SourcePosition | undefined {
    const exact = this.#places.get(keyOf(path));
    if (exact !== undefined) return exact[part];
    return path.length === 0 ? undefined : this.place(path.slice(0, -1), 'key');
  }

  conceal(text: string, path: DataPath): string {
    const expanded = this.#places.get(keyOf(path))?.expanded;
    return expanded == null || expanded.to === '' ? text : text.replaceAll(expanded.to, expanded.from);
  }
}

/** `$${` is a literal `${`; a `${` without a well-formed name is a fault, not text. */
const variable = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\}|[^}]*\}?)/g;

function withoutEscapes(value: string | number | boolean): string | number | boolean {
  return typeof value === 'string' ? value.replaceAll('$${', '${') : value;
}

/** An unquoted `${PORT}` is what the variable would be if it stood there itself. */
function plainValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function keyOf(path: DataPath): string {
  return JSON.stringify(path);
}
