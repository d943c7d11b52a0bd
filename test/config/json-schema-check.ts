// A check of JSON values against the keywords of JSON Schema that our schema uses. An unknown keyword throws, so that
// the schema cannot come to use one that this would silently ignore.

import type { JsonSchema } from '../../src/config/json-schema.ts';

type Keywords = JsonSchema & {
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly propertyNames?: JsonSchema;
};

const known = new Set(
  '$schema type description default examples enum const pattern minimum maximum properties required additionalProperties items anyOf not x-form x-range maxItems minItems propertyNames'.split(
    ' ',
  ),
);

/** What is wrong with `value`, as `place: why`; empty where it is valid. */
export function schemaFaults(value: unknown, schema: JsonSchema, place = '$'): string[] {
  const keywords = schema as Keywords;
  for (const keyword of Object.keys(keywords))
    if (!known.has(keyword)) throw new TypeError(`unknown keyword ${keyword}`);
  if (keywords.not !== undefined) return [`${place}: not allowed`];
  if (keywords.anyOf !== undefined) {
    const branches = keywords.anyOf.map((branch) => schemaFaults(value, branch, place));
    return branches.some((faults) => faults.length === 0)
      ? []
      : [`${place}: no branch fits: ${branches.flat().join(', ')}`];
  }
  return [...scalarFaults(value, keywords, place), ...partFaults(value, keywords, place)];
}

function scalarFaults(value: unknown, schema: Keywords, place: string): string[] {
  const faults: string[] = [];
  if (schema.type !== undefined && schema.type !== typeOf(value, schema.type))
    faults.push(`${place}: not ${schema.type}`);
  if (schema.enum !== undefined && !schema.enum.includes(value)) faults.push(`${place}: not in enum`);
  if (schema.const !== undefined && schema.const !== value) faults.push(`${place}: not ${schema.const}`);
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    faults.push(`${place}: does not match ${schema.pattern}`);
  }
  if (typeof value === 'number' && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value))) {
    faults.push(`${place}: out of range`);
  }
  return faults;
}

function partFaults(value: unknown, schema: Keywords, place: string): string[] {
  if (Array.isArray(value)) {
    const tooFew = value.length < (schema.minItems ?? 0) ? [`${place}: too few items`] : [];
    return [...tooFew, ...value.flatMap((item, at) => schemaFaults(item, schema.items ?? {}, `${place}[${at}]`))];
  }
  if (typeof value !== 'object' || value === null) return [];
  const missing = (schema.required ?? [])
    .filter((key) => !Object.hasOwn(value, key))
    .map((key) => `${place}: lacks ${key}`);
  const parts = Object.entries(value).flatMap(([key, part]) => {
    const property = schema.properties?.[key] ?? schema.additionalProperties;
    if (property === false) return [`${place}: unknown key ${key}`];
    return typeof property === 'object' ? schemaFaults(part, property, `${place}.${key}`) : [];
  });
  return [...missing, ...parts];
}

function typeOf(value: unknown, wanted: unknown): unknown {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  if (wanted === 'integer' && Number.isInteger(value)) return 'integer';
  return typeof value;
}
