// Metrics that documents, dashboards and alerts name are ones that exist.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { metricCatalog } from '../../src/telemetry/metric-catalog.ts';

const root = path.resolve(import.meta.dirname, '../..');

function textFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:md|ya?ml|json)$/.test(name))
    .map((name) => path.join(folder, name));
}

const known = new Set(
  Object.entries(metricCatalog).flatMap(([name, { type }]) =>
    type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);

for (const file of ['README.md', ...textFiles('docs'), ...textFiles('deploy')]) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const named = [
    ...text.matchAll(/\bpostern_[a-z]+(?:_[a-z]+)*_(?:total|seconds|bytes|bucket|ready|info|open|idle)\b/g),
  ];
  if (named.length === 0) continue;
  test(`${file} names only metrics that exist`, () => {
    for (const [name] of named) assert.ok(known.has(name), name);
  });
}

test('each YAML example of the operations guide is YAML, and the alerts have what Prometheus wants', () => {
  const guide = readFileSync(path.join(root, 'docs/operations.md'), 'utf8');
  const examples = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    (match) => parse(match[1]!) as Record<string, unknown>,
  );
  assert.ok(examples.length >= 4);
  const groups = examples.find((example) => 'groups' in example)!['groups'] as { rules: Record<string, unknown>[] }[];
  const rules = groups.flatMap((group) => group.rules);
  assert.ok(rules.length >= 8);
  for (const rule of rules) {
    assert.deepEqual([typeof rule['alert'], typeof rule['expr']], ['string', 'string']);
    assert.match(String(rule['expr']), /postern_/);
  }
});
