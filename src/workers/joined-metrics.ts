// The metrics of several workers as those of one process, each by the rule of the catalog. Counters of a worker that ended
// stay in the sum: one that falls would look like a restart of all, and its rate would jump.

import { AggregatorRegistry, Registry } from 'prom-client';
import { type MetricJoin, type MetricName, metricCatalog } from '../telemetry/metric-catalog.ts';
import type { MetricData, MetricFamily } from '../telemetry/metric-data.ts';
import type { MetricsText } from '../telemetry/metrics.ts';
import type { Sample } from '../telemetry/sample-set.ts';

/** Joins what workers give; keeps what those that ended have counted. */
export class JoinedMetrics {
  /** Counted by workers that are gone. */
  #carried: MetricData = [];

  /** A worker ended; these were its last figures. */
  async carry(last: MetricData): Promise<void> {
    const counted = last.filter((family) => isSum(family.name) && family.type !== 'gauge');
    this.#carried = await join([this.#carried, counted]);
  }

  /** `own` is what the supervisor adds; `workers` by their number. */
  async text(workers: ReadonlyMap<number, MetricData>, own: MetricData): Promise<MetricsText> {
    const known = [...workers.values()].map((data) => data.filter(({ name }) => isJoined(name)));
    const ofProcesses = [...workers].map(([number, data]) => labelled(data, String(number)));
    const supervisor = labelled(own, 'supervisor');
    const said = own.filter(({ name }) => joinOf(name) !== null);
    const registry = AggregatorRegistry.aggregate(
      [this.#carried, ...known, said, ...ofProcesses, supervisor].map((data) => data.map(withRule)),
    );
    return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, text: await registry.metrics() };
  }
}

async function join(all: readonly MetricData[]): Promise<MetricData> {
  const registry = AggregatorRegistry.aggregate(all.map((data) => data.map(withRule)));
  return (await registry.getMetricsAsJSON()) as unknown as MetricData;
}

function joinOf(name: string): MetricJoin | null {
  return name in metricCatalog ? metricCatalog[name as MetricName].join : null;
}

function isSum(name: string): boolean {
  return joinOf(name) === 'sum';
}

function isJoined(name: string): boolean {
  const rule = joinOf(name);
  return rule !== null && rule !== 'supervisor';
}

/** Figures of a process itself (CPU, memory, event loop) stay those of each; a label says whose. */
function labelled(data: MetricData, worker: string): MetricData {
  const withLabel = (sample: Sample): Sample => ({ ...sample, labels: { ...sample.labels, worker } });
  return data
    .filter(({ name }) => joinOf(name) === null)
    .map((family) => ({ ...family, values: family.values.map(withLabel) }));
}

function withRule(family: MetricFamily): MetricFamily & { readonly aggregator: string } {
  const rule = joinOf(family.name);
  return { ...family, aggregator: rule === null || rule === 'supervisor' ? 'first' : rule };
}
