// `GET /metrics` of a supervisor: what its workers say, joined, and what only it knows.

import { collectDefaultMetrics, Registry } from 'prom-client';
import type { HealthCheck } from '../admin/views.ts';
import { type LabelsOf, type MetricName, metricCatalog } from '../telemetry/metric-catalog.ts';
import type { MetricData, MetricFamily } from '../telemetry/metric-data.ts';
import type { MetricsText } from '../telemetry/metrics.ts';
import { askAll } from './joined-views.ts';
import type { RunningSupervisor } from './supervisor-parts.ts';
import type { WorkerFigures } from './worker-calls.ts';

/** The function that answers a scrape. */
export function createJoinedScrape(
  supervisor: RunningSupervisor,
  health: () => Promise<readonly HealthCheck[]>,
): () => Promise<MetricsText> {
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  return async () => {
    const figures = await askAll(supervisor.slots, 'figures', undefined);
    for (const [number, one] of figures) supervisor.lastFigures.set(number, one);
    const isReady = (await health()).every(({ ok }) => ok);
    const ofProcess = (await process.getMetricsAsJSON()) as unknown as MetricData;
    const own = [
      ...ofProcess,
      ...ownFamilies(supervisor, { isReady, unusedRules: unusedRules([...figures.values()]) }),
    ];
    const metrics = new Map([...figures].map(([number, one]) => [number, one.metrics]));
    return supervisor.metrics.text(metrics, own);
  };
}

interface Seen {
  readonly isReady: boolean;
  readonly unusedRules: number;
}

function ownFamilies(supervisor: RunningSupervisor, { isReady, unusedRules }: Seen): MetricData {
  const { counts, log, output, phase, slots } = supervisor;
  const { suppressed, dropped } = log.figures();
  return [
    family('postern_ready', {}, Number(isReady)),
    family('postern_draining', {}, Number(phase === 'draining')),
    family('postern_workers', {}, slots.filter(({ worker }) => worker !== null).length),
    family(
      'postern_worker_restarts_total',
      {},
      slots.reduce((sum, slot) => sum + slot.failures, 0),
    ),
    family('postern_config_loaded_timestamp_seconds', {}, counts.loadedAtMs / 1_000),
    family('postern_config_reloads_total', { result: 'applied' }, counts.applied),
    family('postern_config_reloads_total', { result: 'refused' }, counts.refused),
    family('postern_policy_load_failures_total', {}, counts.policyRefused),
    family('postern_policy_unused_rules', {}, unusedRules),
    family('postern_log_suppressed_total', {}, suppressed),
    family('postern_log_dropped_total', {}, dropped),
    family('postern_stdout_copies_dropped_total', {}, output.dropped),
  ];
}

function family<N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): MetricFamily {
  const { help, type } = metricCatalog[name];
  return { name, help, type, values: [{ labels, value }] };
}

/** A rule is unused where no worker has used it. */
function unusedRules(figures: readonly WorkerFigures[]): number {
  const [first, ...others] = figures.map(({ hits }) => hits);
  if (first === undefined) return 0;
  const same = others.filter((hits) => hits.length === first.length);
  return first.filter((count, at) => count === 0 && same.every((hits) => hits[at] === 0)).length;
}
