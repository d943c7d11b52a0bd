// The published page: tables and pictures of the last measuring, with what they were measured on.

import { barChart } from './charts/bar-chart.ts';
import { percentileChart } from './charts/percentile-chart.ts';
import { shortFigure } from './charts/svg-document.ts';
import type { SampleOwner } from './measure.ts';
import type { StoredResult, StoredScenario } from './report.ts';
import type { Sample, ScenarioName } from './scenarios.ts';
import { scenarios } from './scenarios.ts';
import { median } from './statistics.ts';

export interface BenchmarkPage {
  readonly markdown: string;
  /** SVG by file name. */
  readonly images: ReadonlyMap<string, string>;
}

const percentiles = [
  [50, 'p50Ms'],
  [90, 'p90Ms'],
  [95, 'p95Ms'],
  [99, 'p99Ms'],
  [99.5, 'p995Ms'],
  [99.9, 'p999Ms'],
] as const;

/** The scenarios of a whole run that no result holds. */
export function missingScenarios(results: readonly StoredResult[]): string[] {
  const held = new Set(results.flatMap((result) => result.scenarios.map(({ scenario }) => scenario)));
  return scenarios.map(({ name }) => name).filter((name) => !held.has(name));
}

interface Measured {
  readonly scenario: StoredScenario;
  readonly result: StoredResult;
}

/** Makes the page; the last result that holds a scenario counts. @throws TypeError where there is no result */
export function benchmarkPage(results: readonly StoredResult[]): BenchmarkPage {
  const last = results.at(-1);
  if (last === undefined) throw new TypeError('a page needs at least one result');
  const found = new Map<ScenarioName, Measured>();
  for (const result of results) {
    for (const scenario of result.scenarios) found.set(scenario.scenario, { scenario, result });
  }
  const images = new Map<string, string>();
  const add = (name: ScenarioName, file: string, draw: (measured: Measured) => string): void => {
    const measured = found.get(name);
    if (measured !== undefined) images.set(file, draw(measured));
  };
  add('keep-alive', 'bench-cpu.svg', cpuChart);
  add('constant-rate', 'bench-latency.svg', latencyChart);
  add('memory', 'bench-memory.svg', memoryChart);
  const tables = [...found.values()].map(({ scenario, result }) => section(scenario, result));
  const pictures = [...images.keys()].map((file) => `![${file}](images/${file})`);
  const budgetsText = [...found.values()].flatMap(({ scenario }) =>
    scenario.budgets.map((one) => budgetRow(scenario.scenario, one)),
  );
  const markdown = [
    '# Benchmark',
    '',
    'Drawn by `npm run bench`; do not edit. How it is measured, and how far to trust it, is in [performance](performance.md): read ratios, not times.',
    ...lacking(results),
    '',
    pictures.join('\n\n'),
    '',
    '## Budgets',
    '| scenario | figure | found | allowed | |',
    '| --- | --- | --- | --- | --- |',
    ...budgetsText,
    '',
    ...tables,
  ].join('\n');
  return { markdown: `${markdown.trimEnd()}\n`, images };
}

function lacking(results: readonly StoredResult[]): string[] {
  const missing = missingScenarios(results);
  return missing.length === 0 ? [] : ['', `Not measured for this page: ${missing.join(', ')}.`];
}

function budgetRow(
  scenario: ScenarioName,
  { what, figure, met, bound, limit, enforced }: StoredScenario['budgets'][number],
): string {
  const verdict = met ? 'met' : enforced ? '**missed**' : 'over';
  return `| ${scenario} | ${what} | ${figure === null ? '-' : shortFigure(figure)} | ${bound} ${limit} | ${verdict} |`;
}

function section({ scenario, samples }: StoredScenario, result: StoredResult): string {
  const title = scenarios.find((one) => one.name === scenario)?.title ?? scenario;
  const owners = Object.keys(samples) as SampleOwner[];
  const metrics = [...new Set(owners.flatMap((owner) => samples[owner]!.flatMap((sample) => Object.keys(sample))))];
  const rows = owners.map(
    (owner) => `| ${owner} | ${metrics.map((metric) => cell(samples[owner]!, metric)).join(' | ')} |`,
  );
  return [
    `## ${scenario}`,
    `${title}. ${origin(result).join('. ')}. Medians of ${samples[owners[0]!]?.length ?? 0} rounds.`,
    '',
    `| | ${metrics.join(' | ')} |`,
    `| --- |${' --- |'.repeat(metrics.length)}`,
    ...rows,
    '',
  ].join('\n');
}

function cell(samples: readonly Sample[], metric: string): string {
  const value = median(valuesOf(samples, metric));
  return Number.isNaN(value) ? '-' : shortFigure(value);
}

function valuesOf(samples: readonly Sample[], metric: string): number[] {
  return samples.map((sample) => sample[metric]).filter((value): value is number => typeof value === 'number');
}

/** On what, with what, when. */
function origin({ machine, versions, time }: StoredResult): string[] {
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.cores} x ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, commit ${machine.commit}${machine.dirty ? ' with changes' : ''}, load ${machine.loadBefore.toFixed(1)} before, ${time.slice(0, 10)}`,
    peers.join(', '),
  ];
}

function owners(measured: Measured): [SampleOwner, readonly Sample[]][] {
  return Object.entries(measured.scenario.samples) as [SampleOwner, readonly Sample[]][];
}

function cpuChart(measured: Measured): string {
  return barChart({
    title: 'CPU time of the proxy for one small GET over mutual TLS',
    unit: 'us',
    groups: owners(measured)
      .map(([owner, samples]) => ({ owner, bars: [{ label: '', samples: valuesOf(samples, 'cpuUsPerRequest') }] }))
      .sort((a, b) => median(a.bars[0]!.samples) - median(b.bars[0]!.samples)),
    caption: [
      '32 kept connections. Bar: median; thin line: lowest to highest round. Less is better.',
      ...origin(measured.result),
    ],
  });
}

function latencyChart(measured: Measured): string {
  const lines = owners(measured).map(([owner, samples]) => ({
    owner,
    points: percentiles.map(([percent, metric]) => [percent, median(valuesOf(samples, metric))] as const),
  }));
  return percentileChart({
    title: 'Latency at 2,000 requests a second, from the time a request was due',
    lines,
    caption: [
      'Medians over rounds, open loop, no coordinated omission; the name says p99.9 in ms. Lower is better.',
      ...origin(measured.result),
    ],
  });
}

function memoryChart(measured: Measured): string {
  const bars = [
    ['idle', 'idleMb'],
    ['1,000 at work', 'loadedMb'],
    ['1,000 at rest', 'heldMb'],
    ['closed', 'closedMb'],
  ] as const;
  return barChart({
    title: 'Resident memory: idle, 1,000 connections as a load ends and 10 s later, 15 s after they closed',
    unit: 'MB',
    groups: owners(measured).map(([owner, samples]) => ({
      owner,
      bars: bars.map(([label, metric]) => ({ label, samples: valuesOf(samples, metric) })),
    })),
    caption: ['Less is better.', ...origin(measured.result)],
  });
}
