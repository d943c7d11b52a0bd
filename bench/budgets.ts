// What Postern may cost, against a peer in the same run. Ratios fail a run; an absolute time never does, since it says as
// much about the machine as about Postern. Absolute memory may: it does not depend on the machine's speed.

import { attackNames } from './load/attacks.ts';
import type { SampleOwner, Samples } from './measure.ts';
import type { Sample, ScenarioName } from './scenarios.ts';
import { median, pairedRatio } from './statistics.ts';

/** One promise about one figure. */
export interface Budget {
  readonly scenario: ScenarioName;
  readonly what: string;
  readonly bound: 'at most' | 'at least';
  readonly limit: number;
  /** What to reach later; shown, never enforced. */
  readonly goal?: number;
  /** Figures are compared with this peer's; null: the figure itself is bounded. */
  readonly peer: SampleOwner | null;
  /** False: missing it is shown and fails nothing. */
  readonly enforced: boolean;
  /** The compared number, from all samples of the scenario; undefined where a peer is absent. */
  readonly figure: (samples: Samples) => number | undefined;
}

/** A budget held against a run. */
export interface Verdict {
  readonly budget: Budget;
  readonly figure: number;
  readonly met: boolean;
}

export const budgets: readonly Budget[] = [
  ratio('keep-alive', 'cpuUsPerRequest', { peer: 'envoy', atMost: 0.55, goal: 0.45 }),
  ratio('keep-alive', 'cpuUsPerRequest', { peer: 'haproxy', atMost: 1.1, goal: 1.0 }),
  addedLatency('envoy', 1.0),
  addedLatency('haproxy', 1.1),
  ratio('download', 'mbPerCpuSecond', { peer: 'nginx', atLeast: 0.8 }),
  ratio('upload', 'mbPerCpuSecond', { peer: 'nginx', atLeast: 0.8 }),
  ratio('relay-download', 'mbPerCpuSecond', { peer: 'haproxy', atLeast: 0.8 }),
  ratio('relay-upload', 'mbPerCpuSecond', { peer: 'haproxy', atLeast: 0.8 }),
  absolute('download', 'residentGrowthMb', 48),
  absolute('upload', 'residentGrowthMb', 48),
  ...(['http2-1-stream', 'http2-8-streams', 'http2-32-streams', 'grpc'] as const).map((name) =>
    ratio(name, 'cpuUsPerRequest', { peer: 'envoy', atMost: 0.85, goal: 0.6 }),
  ),
  ratio('http2-download', 'mbPerCpuSecond', { peer: 'envoy', atLeast: 1.0 }),
  ratio('http2-upload', 'mbPerCpuSecond', { peer: 'envoy', atLeast: 1.0 }),
  absolute('http2-memory', 'kbPerConnection', 40),
  ratio('handshake', 'cpuUsPerConnection', { peer: 'haproxy', atMost: 1.0 }),
  absolute('memory', 'idleMb', 75),
  ratio('memory', 'heldMb', { peer: 'envoy', atMost: 1.0 }),
  absolute('memory', 'keptMb', 20),
  { ...absolute('start', 'readyMs', 300), enforced: false },
  // A ratio of Postern's own two p99 of the same minute, so it may fail a run.
  ...attackNames.map((name) => absolute('attack', name, 2)),
];

/**
 * For machines without peers: Postern against the built-in `node-https`, which has less to do and does it the usual way.
 * Wide enough for a busy machine, where the ratio moves between 0.40 and 0.50: what fails here is no noise.
 */
export const guardBudgets: readonly Budget[] = [
  ratio('keep-alive', 'cpuUsPerRequest', { peer: 'node-https', atMost: 0.6 }),
  ratio('constant-rate', 'p99Ms', { peer: 'node-https', atMost: 1.25 }),
];

/** The verdicts that the samples of a scenario allow. */
export function judge(scenario: ScenarioName, samples: Samples, list: readonly Budget[] = budgets): Verdict[] {
  return list.flatMap((budget) => {
    const figure = budget.scenario === scenario ? budget.figure(samples) : undefined;
    if (figure === undefined) return [];
    // A figure that is not a number meets nothing: a bench that measured nothing must not look well.
    const met = budget.bound === 'at most' ? figure <= budget.limit : figure >= budget.limit;
    return [{ budget, figure, met }];
  });
}

/** The values of one figure over the rounds; undefined where `owner` was not measured. */
export function series(samples: Samples, owner: SampleOwner, metric: string): number[] | undefined {
  const own = samples.get(owner);
  return own === undefined || own.length === 0 ? undefined : own.map((sample: Sample) => sample[metric] ?? Number.NaN);
}

/** p99 above the direct call's in the same round, milliseconds, median over rounds. */
export function addedP99Ms(samples: Samples, owner: SampleOwner): number | undefined {
  const own = series(samples, owner, 'p99Ms');
  const direct = series(samples, 'direct', 'p99Ms');
  if (own === undefined || direct === undefined) return undefined;
  return median(own.map((value, round) => value - (direct[round] ?? Number.NaN)));
}

interface Comparison {
  readonly peer: SampleOwner;
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly goal?: number;
}

function ratio(scenario: ScenarioName, metric: string, comparison: Comparison): Budget {
  const { peer, atMost, atLeast, goal } = comparison;
  return {
    scenario,
    what: `${metric} against ${peer}`,
    bound: atLeast === undefined ? 'at most' : 'at least',
    limit: atLeast ?? atMost ?? Number.NaN,
    ...(goal === undefined ? {} : { goal }),
    peer,
    enforced: true,
    figure: (samples) => {
      const own = series(samples, 'postern', metric);
      const other = series(samples, peer, metric);
      return own === undefined || other === undefined ? undefined : pairedRatio(own, other);
    },
  };
}

/** Differences below this cannot be told from noise on any machine seen so far, milliseconds. */
const latencyGrainMs = 0.1;

function addedLatency(peer: SampleOwner, atMost: number): Budget {
  return {
    scenario: 'constant-rate',
    what: `p99 added to direct against ${peer}`,
    bound: 'at most',
    limit: atMost,
    peer,
    enforced: true,
    figure: (samples) => {
      const own = addedP99Ms(samples, 'postern');
      const other = addedP99Ms(samples, peer);
      if (own === undefined || other === undefined) return undefined;
      return Math.max(own, latencyGrainMs) / Math.max(other, latencyGrainMs);
    },
  };
}

function absolute(scenario: ScenarioName, metric: string, atMost: number): Budget {
  return {
    scenario,
    what: metric,
    bound: 'at most',
    limit: atMost,
    peer: null,
    enforced: true,
    figure: (samples) => {
      const own = series(samples, 'postern', metric);
      return own === undefined ? undefined : median(own);
    },
  };
}
