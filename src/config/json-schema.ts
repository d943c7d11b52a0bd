// The JSON Schema (draft 2020-12) of the written form, for editors, for docs/configuration.md and for naming the
// nearest known key.

import * as z from 'zod';
import { configSchema } from './config-schema.ts';

/** The keywords that our schemas use. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly 'x-form'?: string;
  readonly 'x-range'?: string;
}

/** The JSON Schema of the configuration file. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input', unrepresentable: 'any' });
  return { ...(schema as JsonSchema) };
}

/** The part of a schema that speaks of the value at `path`; undefined where it knows no such place. */
export function schemaAt(schema: JsonSchema, path: readonly (string | number)[]): JsonSchema | undefined {
  if (path.length === 0) return schema;
  const [step, ...rest] = path;
  for (const branch of schema.anyOf ?? [schema]) {
    const next = childOf(branch, step!);
    const found = next === undefined ? undefined : schemaAt(next, rest);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The keys that a mapping described by `schema` may have. */
export function knownKeys(schema: JsonSchema): readonly string[] {
  return (schema.anyOf ?? [schema]).flatMap((branch) => Object.keys(branch.properties ?? {}));
}

function childOf(schema: JsonSchema, step: string | number): JsonSchema | undefined {
  if (typeof step === 'number') return schema.items;
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, step)) return schema.properties[step];
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}
