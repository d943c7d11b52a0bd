// The values of one scrape, by metric. The types of the catalog see to it that each sample has exactly its labels.

import type { FixedHistogram } from './fixed-histogram.ts';
import type { LabelCounts } from './label-counts.ts';
import type { LabelsOf, MetricName } from './metric-catalog.ts';

/** One line of the exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it differs from the metric's name: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** Gathers samples. */
export class SampleSet {
  readonly #samples = new Map<MetricName, Sample[]>();

  of(name: MetricName): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  add<N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#push(name, { labels, value });
  }

  /** One sample for each entry of a table; `labels` makes its labels. */
  addCounts<N extends MetricName>(name: N, counts: LabelCounts, labels: (label: string) => LabelsOf<N>): void {
    for (const [label, count] of counts.entries()) this.#push(name, { labels: labels(label), value: count });
  }

  /** Cumulative buckets, sum and count, as Prometheus has them. */
  addHistogram<N extends MetricName>(name: N, labels: LabelsOf<N>, histogram: FixedHistogram): void {
    let below = 0;
    for (const [at, count] of histogram.counts.entries()) {
      below += count;
      const le = at < histogram.bounds.length ? String(histogram.bounds[at]) : '+Inf';
      this.#push(name, { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below });
    }
    this.#push(name, { metricName: `${name}_sum`, labels, value: histogram.sum });
    this.#push(name, { metricName: `${name}_count`, labels, value: below });
  }

  #push(name: MetricName, sample: Sample): void {
    const samples = this.#samples.get(name);
    if (samples === undefined) this.#samples.set(name, [sample]);
    else samples.push(sample);
  }
}
