// From what zod says about a configuration to findings that an operator can act on: a place, a sentence, a mend.

import type * as z from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Finding } from '../lib/finding.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import { printable } from '../lib/printable-text.ts';
import type { ConfigSource, DataPath } from './config-source.ts';
import type { RefusalParams } from './fields.ts';
import { type JsonSchema, knownKeys, schemaAt } from './json-schema.ts';

type Issue = z.core.$ZodIssue;

/** Most unknown keys of one mapping that are told one by one. */
const mostUnknownKeys = 50;

/** Everything that is wrong, as findings. `schema` describes the value that the issues are about. */
export function describeIssues(issues: readonly Issue[], source: ConfigSource, schema: JsonSchema): Finding[] {
  const describer = new IssueDescriber(source, schema);
  for (const issue of issues) describer.describe(issue, []);
  return describer.findings();
}

class IssueDescriber {
  readonly #findings: (Finding & { readonly missing?: string })[] = [];
  /** Paths of keys that an unknown one was taken for. */
  readonly #suggested = new Set<string>();
  readonly #source: ConfigSource;
  readonly #schema: JsonSchema;

  constructor(source: ConfigSource, schema: JsonSchema) {
    this.#source = source;
    this.#schema = schema;
  }

  /** A key that is missing because it was misspelt is told once, where it is misspelt. */
  findings(): Finding[] {
    const told = this.#findings.filter(({ missing }) => missing === undefined || !this.#suggested.has(missing));
    return told.map(({ missing: _, ...finding }) => finding);
  }

  describe(issue: Issue, base: DataPath): void {
    const path: DataPath = [...base, ...(issue.path as (string | number)[])];
    switch (issue.code) {
      case 'unrecognized_keys':
        this.#unknownKeys(issue.keys, path);
        return;
      case 'invalid_union':
        this.#union(issue, path);
        return;
      case 'invalid_key':
        for (const inner of issue.issues) this.#atKey(inner, path);
        return;
      case 'custom':
        this.#refused(issue, path);
        return;
      default:
        this.#otherwise(issue, path);
    }
  }

  #unknownKeys(keys: readonly string[], path: DataPath): void {
    const known = knownKeys(schemaAt(this.#schema, path) ?? {});
    const place = path.length === 0 ? '' : ` in ${quote(formatPath(path))}`;
    for (const key of keys.slice(0, mostUnknownKeys)) this.#unknownKey(key, { path, known, place });
    if (keys.length <= mostUnknownKeys) return;
    const message = `${keys.length - mostUnknownKeys} further unknown keys${place}`;
    this.#add('ERR_CONFIG_KEY', { message, mend: 'is it the right file?', path });
  }

  #unknownKey(
    key: string,
    { path, known, place }: { readonly path: DataPath; readonly known: readonly string[]; readonly place: string },
  ): void {
    const nearest = nearestWord(key, known);
    const mend = nearest === null ? `known here: ${known.map(quote).join(', ')}` : `did you mean \`${nearest}\`?`;
    if (nearest !== null) this.#suggested.add(formatPath([...path, nearest]));
    this.#add('ERR_CONFIG_KEY', {
      message: `unknown key ${quote(key)}${place}`,
      mend,
      path: [...path, key],
      atKey: true,
    });
  }

  /** The branch that was meant is the one that at least takes this type of value. */
  #union(issue: Extract<Issue, { code: 'invalid_union' }>, path: DataPath): void {
    const isWrongType = (inner: Issue) => inner.path.length === 0 && /^invalid_(type|value)$/.test(inner.code);
    const meant = issue.errors.find((branch) => !branch.some(isWrongType));
    if (meant === undefined) this.#otherwise(issue, path);
    else for (const inner of meant) this.describe(inner, path);
  }

  #atKey(issue: Issue, path: DataPath): void {
    const params = paramsOf(issue);
    const code = params?.code ?? 'ERR_CONFIG_KEY';
    this.#add(code, { message: issue.message, mend: params?.mend ?? 'write another key', path, atKey: true });
  }

  #refused(issue: Extract<Issue, { code: 'custom' }>, path: DataPath): void {
    const params = paramsOf(issue);
    const code = params?.code ?? 'ERR_CONFIG_VALUE';
    const atKey = code === 'ERR_CONFIG_NOT_YET' && schemaAt(this.#schema, path)?.not !== undefined;
    this.#add(code, { message: issue.message, mend: params?.mend ?? this.#mendAt(path), path, atKey });
  }

  #otherwise(issue: Issue, path: DataPath): void {
    if (issue.input === undefined && issue.code === 'invalid_type') {
      const message = `the key ${quote(formatPath(path))} is missing`;
      const form = describeForm(schemaAt(this.#schema, path) ?? {});
      this.#add('ERR_CONFIG_KEY', { message, mend: `add ${quote(String(path.at(-1)))}: ${form}`, path, missing: true });
      return;
    }
    this.#add('ERR_CONFIG_VALUE', { message: sentence(issue, path), mend: this.#mendAt(path), path });
  }

  #mendAt(path: DataPath): string {
    const schema = schemaAt(this.#schema, path);
    return schema === undefined ? 'see docs/configuration.md' : `write ${describeForm(schema)}`;
  }

  #add(
    code: ErrorCode,
    fault: {
      readonly message: string;
      readonly mend: string;
      readonly path: DataPath;
      readonly atKey?: boolean;
      readonly missing?: boolean;
    },
  ): void {
    const { path } = fault;
    const position = fault.atKey === true ? this.#source.keyPositionOf(path) : this.#source.positionOf(path);
    const message = this.#source.conceal(fault.message, path);
    const mend = this.#source.conceal(fault.mend, path);
    const missing = fault.missing === true ? { missing: formatPath(path) } : {};
    this.#findings.push({ code, severity: 'error', message, mend, position, ...missing });
  }
}

function paramsOf(issue: Issue): RefusalParams | undefined {
  return issue.code === 'custom' ? (issue.params as RefusalParams | undefined) : undefined;
}

function sentence(issue: Issue, path: DataPath): string {
  const at = path.length === 0 ? 'the configuration' : quote(formatPath(path));
  if (issue.code === 'too_small') return `${at} is empty`;
  if (issue.code === 'too_big') return `${at} has more than ${issue.maximum} entries`;
  return `${at} is ${nameType(issue.input)}`;
}

function nameType(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string'
    ? 'text'
    : `${typeof value === 'number' ? 'the number' : 'the word'} ${quote(String(value))}`;
}

/** What a value of a schema looks like: `a duration such as `10s``. */
export function describeForm(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(describeForm).join(', or ');
  if (schema.const !== undefined) return quote(String(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((word) => quote(String(word))).join(' or ');
  if (schema.type === 'object') return `a mapping${keysHint(schema)}`;
  if (schema.type === 'array') return 'a list';
  if (schema.type === 'boolean') return '`true` or `false`';
  const form = schema['x-form'] ?? 'text';
  const article = /^[aeiou]/i.test(form) ? 'an' : 'a';
  const example = schema.default === 'unlimited' ? schema.examples?.[0] : (schema.default ?? schema.examples?.[0]);
  return example === undefined ? `${article} ${form}` : `${article} ${form} such as ${quote(String(example))}`;
}

function keysHint(schema: JsonSchema): string {
  const keys = schema.required ?? [];
  return keys.length === 0 ? '' : ` with ${keys.map(quote).join(', ')}`;
}

/** `inbound[0].limits.idle` */
export function formatPath(path: DataPath): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
}

function quote(text: string): string {
  const clipped = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return `\`${printable(clipped)}\``;
}
