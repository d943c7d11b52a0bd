// The table of attributes in docs/policy-language.md, from the schema.

import type { AttributeSpec } from './attribute-schema.ts';
import { attributeSchema } from './attribute-schema.ts';

/** A Markdown table of every attribute, one line each. */
export function attributeTableMarkdown(): string {
  const head = ['| attribute | type | present | who vouches for it | meaning |', '| --- | --- | --- | --- | --- |'];
  return [...head, ...attributeSchema.map(rowOf)].join('\n');
}

function rowOf(spec: AttributeSpec): string {
  const name = spec.keyed ? `${spec.path}["key"]` : spec.path;
  const values = spec.values === null ? '' : `; one of ${spec.values.map((value) => `\`${value}\``).join(', ')}`;
  return `| \`${name}\` | ${spec.type} | ${spec.presence} | ${spec.provenance} | ${spec.meaning}${values} |`;
}
