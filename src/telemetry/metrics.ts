// The metrics of a process: counters that the parts raise, and the registry that a scrape reads. The registry is ours,
// never prom-client's global one, and is filled at scrape only: a request does not call it.

import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { collectListener } from './collect-listener.ts';
import { collectProcess } from './collect-process.ts';
import type { MetricSources, SharedHistograms } from './figures.ts';
import { FixedHistogram } from './fixed-histogram.ts';
import { IndeterminateCounts } from './indeterminate-counts.ts';
import { ListenerCounters } from './listener-counters.ts';
import { type MetricName, metricCatalog, shortWorkBounds } from './metric-catalog.ts';
import type { MetricData } from './metric-data.ts';
import { type Sample, SampleSet } from './sample-set.ts';

/** The counters of the proxy. */
export interface ProxyMetrics {
  /** Counters of a listener, made when first asked for; they outlive reloads. */
  listener(name: string): ListenerCounters;
  readonly listeners: ReadonlyMap<string, ListenerCounters>;
  readonly indeterminate: IndeterminateCounts;
  readonly histograms: SharedHistograms;
}

/** What a scrape gets. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

export function createProxyMetrics(listenerNames: readonly string[]): ProxyMetrics {
  const listeners = new Map<string, ListenerCounters>();
  const listener = (name: string): ListenerCounters => {
    const found = listeners.get(name);
    if (found !== undefined) return found;
    const made = new ListenerCounters();
    listeners.set(name, made);
    return made;
  };
  for (const name of listenerNames) listener(name);
  return Object.freeze({
    listener,
    listeners,
    indeterminate: new IndeterminateCounts(),
    histograms: Object.freeze({ journalWrite: new FixedHistogram(shortWorkBounds, 1_000) }),
  });
}

/** Makes the function that answers a scrape. Metrics of the process (CPU, memory, event loop) are among its answer. */
export function createScrape(metrics: ProxyMetrics, sources: MetricSources): () => Promise<MetricsText> {
  const { registry, fill } = createRegistry(metrics, sources);
  return async () => {
    fill();
    return { contentType: registry.contentType, text: await registry.metrics() };
  };
}

/** As `createScrape`, as data that can be joined with that of other processes. */
export function createDataScrape(metrics: ProxyMetrics, sources: MetricSources): () => Promise<MetricData> {
  const { registry, fill } = createRegistry(metrics, sources);
  return async () => {
    fill();
    return (await registry.getMetricsAsJSON()) as unknown as MetricData;
  };
}

function createRegistry(metrics: ProxyMetrics, sources: MetricSources) {
  const registry = new Registry();
  let samples = new SampleSet();
  for (const name of Object.keys(metricCatalog) as MetricName[]) register(registry, name, () => samples.of(name));
  collectDefaultMetrics({ register: registry });
  const fill = (): void => {
    samples = collect(metrics, sources);
  };
  return { registry, fill };
}

function collect(metrics: ProxyMetrics, sources: MetricSources): SampleSet {
  const samples = new SampleSet();
  collectProcess(samples, sources, metrics.histograms);
  for (const [name, counters] of metrics.listeners) collectListener(samples, name, counters);
  for (const { policy, rule, attribute, count } of metrics.indeterminate.entries()) {
    samples.add('postern_authz_indeterminate_total', { policy, rule, attribute }, count);
  }
  return samples;
}

/** A registry asks its metrics for no more than this. */
function register(registry: Registry, name: MetricName, values: () => readonly Sample[]): void {
  const { type, help } = metricCatalog[name];
  const metric = { name, help, get: () => ({ name, help, type, values: values() }) };
  registry.registerMetric(metric as unknown as Metric);
}
