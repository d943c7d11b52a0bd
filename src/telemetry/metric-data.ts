// Metrics as data: what one process gives to another, to be joined with that of others.

import type { Sample } from './sample-set.ts';

/** One metric with all its samples. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

/** Every metric of a process. */
export type MetricData = readonly MetricFamily[];
