// docs/configuration.md: every key with type, default and meaning, from the schema.

import { describeForm } from '../../src/config/issue-findings.ts';
import { configJsonSchema, type JsonSchema } from '../../src/config/json-schema.ts';
import { cell } from './generated-section.ts';

interface KeyRow {
  readonly key: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/** A section for each top-level key, with a table of all keys below it. */
export function configurationMarkdown(): string {
  const root = configJsonSchema();
  const required = new Set(root.required);
  return Object.entries(root.properties ?? {})
    .map(([name, schema]) => section({ key: name, schema, isRequired: required.has(name) }))
    .join('\n\n');
}

function section(row: KeyRow): string {
  const { key, schema } = row;
  const below = rowsBelow(key, schema);
  const head = `### \`${key}\`\n\n${schema.description ?? ''}`;
  const own = below.length === 0 ? [row] : below;
  const lines = own.map((each) => `| ${columns(each).map(cell).join(' | ')} |`);
  return `${head}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n${lines.join('\n')}`;
}

function rowsBelow(prefix: string, schema: JsonSchema): KeyRow[] {
  const branches = schema.anyOf ?? [schema];
  return branches.flatMap((branch) => {
    if (branch.items?.properties !== undefined) return rowsBelow(`${prefix}[]`, branch.items);
    const required = new Set(branch.required);
    return Object.entries(branch.properties ?? {}).flatMap(([name, property]) => {
      const key = `${prefix}.${name}`;
      return [{ key, schema: property, isRequired: required.has(name) }, ...rowsBelow(key, property)];
    });
  });
}

function columns({ key, schema, isRequired }: KeyRow): string[] {
  const name = `\`${key}\``;
  if (schema.not !== undefined) return [name, 'not in this version', '', schema.description ?? ''];
  return [name, typeOf(schema), isRequired ? '**required**' : defaultOf(schema), schema.description ?? ''];
}

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(', or ');
  if (schema.enum !== undefined || schema.const !== undefined || schema.type === 'boolean') return describeForm(schema);
  if (schema.type === 'array') return `list of: ${schema.items === undefined ? 'any' : typeOf(schema.items)}`;
  if (schema.type === 'object') {
    return typeof schema.additionalProperties === 'object'
      ? `mapping to: ${typeOf(schema.additionalProperties)}`
      : 'mapping';
  }
  return `${schema['x-form'] ?? 'text'}${range(schema)}${exampleOf(schema)}`;
}

function range(schema: JsonSchema): string {
  if (schema['x-range'] !== undefined) return `, ${schema['x-range']}`;
  return schema.minimum === undefined ? '' : `, ${schema.minimum} to ${schema.maximum}`;
}

/** An example where the default is none. */
function exampleOf(schema: JsonSchema): string {
  const example = schema.examples?.[0];
  return example === undefined || schema.default !== undefined ? '' : `, such as \`${String(example)}\``;
}

function defaultOf(schema: JsonSchema): string {
  const value = schema.default;
  if (value === undefined) return schema.anyOf === undefined && schema.type === 'object' ? '' : 'none';
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
    return Array.isArray(value) ? '`[]`' : '';
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``;
}
