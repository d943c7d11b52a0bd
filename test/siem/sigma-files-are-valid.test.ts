// The Sigma files are what the published schemas ask for, and name only fields, codes and files that exist.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { recordFields } from '../../src/audit/record-fields.ts';
import { refusalCauses } from '../../src/identity/refusal-causes.ts';
import { tokenRefusals } from '../../src/identity/tokens/token-refusals.ts';
import { judgeCondition } from './sigma-condition.ts';
import { type SigmaCorrelation, type SigmaRule, siemFolder, sigmaDocuments } from './sigma-rules.ts';
import { searchHolds } from './sigma-search.ts';

type Document = SigmaRule &
  SigmaCorrelation & {
    readonly id: string;
    readonly title: string;
    readonly level: string;
    readonly references: readonly string[];
    readonly fields?: readonly string[];
  };

const schemas = JSON.parse(readFileSync(join(import.meta.dirname, 'schemas/sigma.json'), 'utf8')) as {
  readonly [kind in 'rule' | 'correlation']: Parameters<typeof z.fromJSONSchema>[0];
};
const documents = sigmaDocuments<Document>('rules');
const fields = new Set(Object.values(recordFields).flatMap((list) => list.map(({ path }) => path)));
const root = join(siemFolder, '../..');

for (const document of documents) {
  const { file, ...written } = document;
  test(`${file} is what the schema of Sigma asks for`, () => {
    const schema = z.fromJSONSchema(schemas[written.correlation === undefined ? 'rule' : 'correlation']);
    const { error } = schema.safeParse(written);
    assert.deepEqual(error?.issues ?? [], []);
    assert.match(file, /^[a-z0-9_]{10,66}\.yml$/);
    assert.match(written.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    for (const reference of written.references) assert.ok(existsSync(join(root, reference)), reference);
  });

  test(`${file} names only fields that records have`, () => {
    for (const field of [...fieldsOf(written), ...(written.fields ?? [])]) assert.ok(fields.has(field), field);
  });
}

function fieldsOf({ detection, correlation }: Pick<Document, 'detection' | 'correlation'>): readonly string[] {
  if (correlation !== undefined)
    return [...correlation['group-by'], correlation.condition.field ?? correlation['group-by'][0]!];
  const { condition: _condition, ...searches } = detection;
  return Object.values(searches).flatMap((search) => Object.keys(search as object).map((key) => key.split('|')[0]!));
}

test('ids and titles are each given once, and a name is that of the file', () => {
  for (const key of ['id', 'title'] as const) {
    assert.equal(new Set(documents.map((document) => document[key])).size, documents.length, key);
  }
  for (const { file, name, correlation } of documents) if (correlation === undefined) assert.equal(`${name}.yml`, file);
});

test('the causes of a refusal that rules name are ones that Postern gives', () => {
  const known = new Set([...Object.keys(refusalCauses), ...Object.keys(tokenRefusals)]);
  const revoked = documents.find(({ name }) => name === 'postern_revoked_identity_tried')!;
  const { 'authn_failure.cause': causes } = revoked.detection['revoked'] as Record<string, string[]>;
  for (const cause of causes!) assert.ok(known.has(cause), cause);
});

test('a schema refuses what is wrong', () => {
  const schema = z.fromJSONSchema(schemas.rule);
  const { file: _file, ...rule } = documents.find(({ detection }) => detection !== undefined)!;
  const { logsource: _logsource, ...without } = rule as typeof rule & { logsource: unknown };
  for (const wrong of [
    without,
    { ...rule, level: 'dire' },
    { ...rule, date: '23.11.2026' },
    { ...rule, detection: {} },
  ]) {
    assert.equal(schema.safeParse(wrong).success, false);
  }
});

const conditions: readonly (readonly [string, boolean])[] = [
  ['yes', true],
  ['no or yes', true],
  ['yes and no', false],
  ['not no and yes', true],
  ['not (no or yes)', false],
  ['no and yes or yes', true],
  ['no and (yes or yes)', false],
  ['1 of them', true],
  ['all of them', false],
  ['all of y*', true],
];
test('the matcher of these tests reads conditions as Sigma has them, and refuses others', () => {
  const judge = (condition: string) => judgeCondition(condition, ['yes', 'no'], (name) => name === 'yes');
  for (const [condition, expected] of conditions) assert.equal(judge(condition), expected, condition);
  for (const wrong of ['', 'maybe', 'yes and', '(yes', 'yes no', 'yes | count() > 5', '1 of z*']) {
    assert.throws(() => judge(wrong), wrong);
  }
});

const searches: readonly (readonly [unknown, boolean])[] = [
  [{ a: 'X' }, true],
  [{ a: 'xy' }, false],
  [{ 'b.c': 5 }, true],
  [{ 'b.c': '5' }, true],
  [{ a: ['y', 'x'] }, true],
  [{ a: 'x', 'b.c': 6 }, false],
  [[{ a: 'y' }, { 'b.c': 5 }], true],
  [{ list: 'two' }, true],
  [{ star: 'a*c' }, true],
  [{ star: 'a\\*c' }, true],
  [{ a: '\\*' }, false],
  [{ a: '?' }, true],
  [{ 'star|startswith': 'A' }, true],
  [{ 'star|endswith': 'a' }, false],
  [{ 'star|contains': '\\*' }, true],
  [{ 'gone|exists': false }, true],
  [{ 'a|exists': true }, true],
  [{ gone: '*' }, false],
  [{ yes: true }, true],
];
test('the matcher of these tests reads values as Sigma has them, and refuses modifiers that it does not know', () => {
  const event = { a: 'x', b: { c: 5 }, list: ['one', 'two'], star: 'a*c', yes: true };
  const holds = (search: unknown) => searchHolds(search, event, (field) => field);
  for (const [search, expected] of searches) assert.equal(holds(search), expected, JSON.stringify(search));
  assert.throws(() => holds({ 'a|re': 'x' }));
  assert.throws(() => holds({ 'a|contains|all': ['x'] }));
  assert.throws(() => holds('keyword'));
});
