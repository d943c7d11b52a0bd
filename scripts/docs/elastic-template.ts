// deploy/siem/elastic/index-template.json: a type for each field of a record as ECS. Types of ECS fields are those of its
// published schema, of our own fields those of the table of record fields. Nothing is mapped by what comes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { targetsOf } from '../../src/audit/encode/field-tree.ts';
import { type RecordField, recordFields } from '../../src/audit/record-fields.ts';

interface Mapping {
  readonly type?: string;
  readonly ignore_above?: number;
  readonly properties?: Record<string, Mapping>;
}

const schemaFile = '../../test/audit/schemas/ecs-9.4.0.json';

/** Fields that the encoder makes without a field of the table. */
const made = [
  'ecs.version',
  'event.action',
  'event.category',
  'event.code',
  'event.dataset',
  'event.ingested',
  'event.kind',
  'event.module',
  'event.outcome',
  'event.provider',
  'event.severity',
  'event.type',
  'observer.product',
  'observer.type',
  'observer.vendor',
  'related.hosts',
  'tags',
  'tls.client.issuer',
  'tls.version_protocol',
  'user.name',
];

/** Elasticsearch refuses terms of more than 32,766 bytes; an identity has at most 2,048 characters. */
const keyword: Mapping = { type: 'keyword', ignore_above: 8191 };

const ownTypes: Readonly<Record<RecordField['type'], Mapping>> = {
  string: keyword,
  'text list': keyword,
  integer: { type: 'long' },
  boolean: { type: 'boolean' },
  time: { type: 'date' },
  map: { type: 'flattened' },
};

/** The template as JSON. */
export function elasticTemplate(): string {
  const template = {
    index_patterns: ['logs-postern.authz-*'],
    data_stream: {},
    priority: 300,
    template: {
      settings: { index: { default_pipeline: 'postern-authz' } },
      mappings: { dynamic: false, date_detection: false, properties: sorted(fieldMappings()) },
    },
    _meta: { description: 'Decision records of Postern as ECS. Generated of the table of fields: npm run docs' },
  };
  // As the formatter of this repository has lists of one text.
  return `${JSON.stringify(template, null, 2).replace(/\[\s+("[^"]*")\s+\]/g, '[$1]')}\n`;
}

function fieldMappings(): Record<string, Mapping> {
  const { fields } = JSON.parse(readFileSync(join(import.meta.dirname, schemaFile), 'utf8')) as {
    readonly fields: Readonly<Record<string, string>>;
  };
  const root: Record<string, Mapping> = {
    data_stream: {
      properties: Object.fromEntries(
        ['type', 'dataset', 'namespace'].map((name) => [name, { type: 'constant_keyword' }]),
      ),
    },
  };
  for (const path of made) put(root, path, ecsType(fields, path, keyword));
  for (const field of Object.values(recordFields).flat()) {
    for (const target of targetsOf(field.path, 'ecs')) {
      const path = target.replaceAll('[]', '');
      put(root, path, ecsType(fields, path, ownTypes[field.type]));
    }
  }
  return root;
}

function ecsType(fields: Readonly<Record<string, string>>, path: string, otherwise: Mapping): Mapping {
  const type = fields[path]?.replace('[]', '');
  if (type === undefined || type === 'keyword') return type === undefined ? otherwise : keyword;
  return { type };
}

function put(properties: Record<string, Mapping>, path: string, mapping: Mapping): void {
  const [first, ...rest] = path.split('.') as [string, ...string[]];
  if (rest.length === 0) properties[first] = mapping;
  else {
    properties[first] ??= { properties: {} };
    put(properties[first].properties!, rest.join('.'), mapping);
  }
}

function sorted(properties: Record<string, Mapping>): Record<string, Mapping> {
  const names = Object.keys(properties).sort();
  return Object.fromEntries(
    names.map((name) => {
      const mapping = properties[name]!;
      return [name, mapping.properties === undefined ? mapping : { properties: sorted(mapping.properties) }];
    }),
  );
}
