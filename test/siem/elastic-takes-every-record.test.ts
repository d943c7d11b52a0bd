// The index template has the type of ECS for every field that the encoder can write, and the ingest pipeline leaves a record as it is. The pipeline is
// run by a small interpreter of the processors that it uses.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeEcs } from '../../src/audit/encode/ecs.ts';
import { recordFields } from '../../src/audit/record-fields.ts';
import { siemFolder } from './sigma-rules.ts';
import { valuesAt } from './sigma-search.ts';

type Members = Record<string, unknown>;
type Processor = Readonly<Record<string, { readonly if?: string; readonly field?: string; readonly value?: string }>>;

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Members;
const template = readJson(join(siemFolder, 'elastic/index-template.json')) as {
  readonly template: { readonly settings: unknown; readonly mappings: { readonly properties: Members } };
};
const pipeline = readJson(join(siemFolder, 'elastic/ingest-pipeline.json')) as { readonly processors: Processor[] };
const ecs = readJson(join(import.meta.dirname, '../audit/schemas/ecs-9.4.0.json')) as {
  fields: Record<string, string>;
};

/** A record of each type with a value in every field of the table. */
const records = Object.entries(recordFields).map(([type, fields]) => {
  const record: Members = { schema: 'postern.decision/1', type };
  for (const { path, type: kind } of fields)
    if (path !== 'type' && path !== 'schema') putValue(record, path, sampleOf(path, kind));
  return record;
});

function putValue(members: Members, path: string, value: unknown): void {
  const [first, ...rest] = path.split('.') as [string, ...string[]];
  const name = first.replace('[]', '');
  if (rest.length === 0) members[name] = value;
  else {
    members[name] ??= first.endsWith('[]') ? [{}] : {};
    const next = members[name] as Members | Members[];
    putValue(Array.isArray(next) ? next[0]! : next, rest.join('.'), value);
  }
}

function sampleOf(path: string, kind: string): unknown {
  if (path.endsWith('_ip')) return '10.0.0.7';
  if (path === 'decision') return 'deny';
  const samples: Members = {
    integer: 5,
    boolean: false,
    time: '2026-11-23T00:00:00.000000Z',
    'text list': ['x'],
    map: { a: 'x' },
  };
  return samples[kind] ?? 'x';
}

/** Dotted paths of all that an indexer would see, each with one value. */
function* leavesOf(value: unknown, at: string): Generator<readonly [path: string, value: unknown]> {
  if (Array.isArray(value)) for (const item of value) yield* leavesOf(item, at);
  else if (typeof value === 'object' && value !== null && at !== 'postern.http.header_hashes') {
    for (const [name, member] of Object.entries(value)) yield* leavesOf(member, at === '' ? name : `${at}.${name}`);
  } else yield [at, value];
}

const fits: Readonly<Record<string, (value: unknown) => boolean>> = {
  long: Number.isSafeInteger,
  boolean: (value) => typeof value === 'boolean',
  flattened: (value) => typeof value === 'object',
  date: (value) => !Number.isNaN(Date.parse(String(value))),
  ip: (value) => /^[\d.]+$/.test(String(value)),
};

function mappingOf(path: string): { readonly type?: string } | undefined {
  const [mapping] = valuesAt(template.template.mappings.properties, path.split('.').join('.properties.').split('.'));
  return mapping as { readonly type?: string } | undefined;
}

for (const record of records) {
  const line = encodeEcs(record);
  if (line === null) continue;
  test(`every field of a record of the type ${record['type']} has a mapping of its type`, () => {
    const leaves = [...leavesOf(JSON.parse(line), '')];
    assert.ok(leaves.length > 15);
    for (const [path, value] of leaves) {
      const type = mappingOf(path)?.type;
      assert.ok(type !== undefined, `${path} is not mapped`);
      if (ecs.fields[path] !== undefined) assert.equal(type, ecs.fields[path].replace('[]', ''), path);
      assert.ok(fits[type]?.(value) ?? typeof value === 'string', `${path}: ${JSON.stringify(value)} is no ${type}`);
    }
  });
}

test('nothing that comes adds to the mapping, and the pipeline is the one of the template', () => {
  const { settings, mappings } = template.template as typeof template.template & { mappings: Members };
  assert.equal(mappings['dynamic'], false);
  assert.deepEqual(settings, { index: { default_pipeline: 'postern-authz' } });
});

/** What the pipeline makes of a document. @throws where a processor fails it */
function ingest(document: Members): Members {
  const ctx = structuredClone(document);
  for (const processor of pipeline.processors) {
    const [[name, options]] = Object.entries(processor) as [[string, Processor[string] & { message?: string }]];
    // Of Painless the conditions use only what JavaScript has too.
    if (options.if !== undefined && !(new Function('ctx', `return ${options.if}`)(ctx) as boolean)) continue;
    runProcessor(name, options, ctx);
  }
  return ctx;
}

function runProcessor(
  name: string,
  { field = '', value = '', message }: Processor[string] & { message?: string },
  ctx: Members,
) {
  const filled = value.replaceAll(/\{\{\{([\w.]+)\}\}\}/g, (_, path: string) =>
    path === '_ingest.timestamp' ? '2026-11-23T00:00:00Z' : String(valuesAt(ctx, path.split('.'))[0]),
  );
  if (name === 'json') Object.assign(ctx, JSON.parse(String(ctx[field])));
  else if (name === 'remove') delete ctx[field];
  else if (name === 'set') putValue(ctx, field, filled);
  else if (name === 'append') putValue(ctx, field, [...valuesAt(ctx, field.split('.')), filled]);
  else if (name === 'fail') throw new Error(message);
  else assert.fail(`a processor that this test does not know: ${name}`);
}

test('the pipeline adds to a record and changes nothing in it, shipped or from a file', () => {
  for (const record of records) {
    const line = encodeEcs(record);
    if (line === null) continue;
    const shipped = ingest(JSON.parse(line) as Members);
    assert.deepEqual(ingest({ message: line, '@timestamp': 'when it was read' }), shipped);
    const { ingested, ...event } = shipped['event'] as Members;
    assert.equal(typeof ingested, 'string');
    const { tags: _tags, related, ...rest } = { ...shipped, event } as Members;
    const before = JSON.parse(line) as Members;
    assert.deepEqual(rest, (({ related: _related, ...others }) => others)(before));
    assert.deepEqual({ ...(before['related'] as Members), ...(related as Members) }, related ?? {});
  }
});

test('the pipeline marks what was not enforced and what is missing, and fails what is no record', () => {
  const shippedOf = (type: string) =>
    ingest(JSON.parse(encodeEcs(records.find((one) => one['type'] === type)!)!) as Members);
  assert.deepEqual(shippedOf('decision')['tags'], ['postern_not_enforced']);
  assert.deepEqual(shippedOf('gap')['tags'], ['postern_records_missing']);
  assert.equal(shippedOf('outcome')['tags'], undefined);
  assert.throws(() => ingest({ message: '{"event":{"dataset":"other"}}' }), /no record/);
  assert.throws(() => ingest({}), /no record/);
});
