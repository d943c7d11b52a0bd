// The Grafana dashboard and the alert rules of deploy/grafana: each query names metrics and labels of the catalog, in ways that their types allow, and
// the dashboard has what Grafana needs to take it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type MetricEntry, metricCatalog } from '../../src/telemetry/metric-catalog.ts';

const root = join(import.meta.dirname, '../..');
const processMetrics = ['process_cpu_seconds_total', 'process_resident_memory_bytes'];
/** Labels that Prometheus gives to every series. */
const scraped = ['instance', 'job'];

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: { readonly uid: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
}

interface Dashboard {
  readonly uid: string;
  readonly id: null;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string; readonly textFormat: string }[] };
}

const dashboard = JSON.parse(readFileSync(join(root, 'deploy/grafana/postern-dashboard.json'), 'utf8')) as Dashboard;
const alertFile = parse(readFileSync(join(root, 'deploy/grafana/prometheus-alerts.yml'), 'utf8')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly { alert: string; expr: string }[] }[];
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** Where a metric stands in a query. */
interface Use {
  readonly name: string;
  readonly entry: MetricEntry;
  readonly suffix: string;
  /** Labels that its selector names. */
  readonly selected: readonly string[];
  /** What directly encloses it, up to the parenthesis. */
  readonly before: string;
}

function usesIn(expr: string): readonly Use[] {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  return [...bare.matchAll(/\b(postern_[a-z0-9_]+|process_[a-z_]+)(?:\{([^}]*)\})?/g)].flatMap((match) => {
    const name = match[1]!;
    if (processMetrics.includes(name)) return [];
    const suffix = /_(?:bucket|sum|count)$/.exec(name)?.[0] ?? '';
    const base = suffix !== '' && !(name in metricCatalog) ? name.slice(0, -suffix.length) : name;
    const entry = (metricCatalog as Readonly<Record<string, MetricEntry>>)[base];
    assert.ok(entry, `${name} is no metric`);
    const selected = (match[2] ?? '').split(',').flatMap((part) => /^\s*([a-z_]+)\s*[=!]/.exec(part)?.[1] ?? []);
    return [{ name, entry, suffix: base === name ? '' : suffix, selected, before: bare.slice(0, match.index) }];
  });
}

/** Checks a query, and says which labels its result has. */
function checkQuery(expr: string): ReadonlySet<string> {
  const uses = usesIn(expr);
  assert.ok(uses.length > 0 || processMetrics.some((name) => expr.includes(name)), `${expr} asks for nothing of ours`);
  const labels = new Set([
    ...scraped,
    ...uses.flatMap(({ entry, suffix }) => [...entry.labels, ...(suffix === '_bucket' ? ['le'] : [])]),
  ]);
  for (const { name, entry, suffix, selected, before } of uses) {
    for (const label of selected)
      assert.ok([...entry.labels, ...scraped].includes(label), `${name} has no label ${label}`);
    const isCounter = entry.type === 'counter' || suffix !== '';
    assert.equal(/(?:rate|increase)\($/.test(before), isCounter, `${name} is a ${entry.type}: ${expr}`);
    assert.equal(suffix === '', entry.type !== 'histogram', `${name}: ${expr}`);
  }
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].map((match) => match[1]!.split(/,\s*/));
  for (const label of grouped.flat()) assert.ok(labels.has(label), `no label ${label} in ${expr}`);
  for (const [open, close] of ['()', '{}', '[]'])
    assert.equal(expr.split(open!).length, expr.split(close!).length, expr);
  const isAggregated = /\b(?:sum|min|max|count)\b/.test(expr);
  return isAggregated ? new Set(grouped[0] ?? []) : labels;
}

for (const { title, targets } of panels) {
  test(`the panel «${title}» asks for metrics and labels of the catalog`, () => {
    assert.ok(targets !== undefined && targets.length > 0);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
    for (const { expr, legendFormat, datasource } of targets) {
      assert.match(datasource.uid, /^\$\{datasource\}$/);
      const labels = checkQuery(expr);
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(labels.has(label!), `{{${label}}} of ${expr}`);
    }
  });
}

test('the variables and marks of the dashboard ask for metrics and labels of the catalog', () => {
  const names = dashboard.templating.list.map(({ name }) => name);
  assert.deepEqual(names, ['datasource', 'instance', 'listener']);
  for (const { definition } of dashboard.templating.list) {
    const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '') ?? [];
    if (definition === undefined) continue;
    assert.ok([...usesIn(selector!)[0]!.entry.labels, ...scraped].includes(label!), definition);
  }
  for (const { expr } of dashboard.annotations.list) assert.equal(usesIn(expr).length, 1);
  const used = [...JSON.stringify(panels).matchAll(/\$\{?([a-z_]+)/g)].map((match) => match[1]!);
  for (const name of used) assert.ok([...names, '__rate_interval', '__range'].includes(name), `$${name}`);
});

test('the dashboard has what Grafana needs to import it, and no panel lies over another', () => {
  const { uid, id, title, schemaVersion } = dashboard;
  assert.match(uid, /^[a-zA-Z0-9_-]{1,40}$/);
  assert.deepEqual([id, title, schemaVersion >= 36], [null, 'Postern', true]);
  assert.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= 24);
    return Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`);
  });
  assert.equal(new Set(cells).size, cells.length);
});

test('every alert asks for metrics and labels of the catalog, and the guide has the same rules', () => {
  for (const { rules } of alertFile.groups) for (const { expr } of rules) checkQuery(expr);
  const guide = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const example = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].find((match) => match[1]!.startsWith('groups:'));
  assert.deepEqual(parse(example![1]!), alertFile);
});

test('the check of these tests finds what is wrong', () => {
  for (const wrong of [
    'rate(postern_decision_total[5m])',
    'sum by (lister) (rate(postern_decisions_total[5m]))',
    'rate(postern_decisions_total{verdict="deny"}[5m])',
    'postern_decisions_total',
    'rate(postern_ready[5m])',
    'histogram_quantile(0.9, rate(postern_request_seconds[5m]))',
    'sum(rate(postern_decisions_total[5m])',
    'up == 0',
  ]) {
    assert.throws(() => checkQuery(wrong), assert.AssertionError, wrong);
  }
});
