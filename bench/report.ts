// The table on the terminal and the file of all samples.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addedP99Ms, type Budget, series, type Verdict } from './budgets.ts';
import type { Machine } from './machine.ts';
import type { SampleOwner, Samples } from './measure.ts';
import type { Sample, Scenario, ScenarioName } from './scenarios.ts';
import { median, pairedRatio, relativeSpread } from './statistics.ts';

const resultsDir = fileURLToPath(new URL('./results', import.meta.url));

/** A whole run. */
export interface RunResult {
  readonly time: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly scenarios: readonly ScenarioResult[];
}

export interface ScenarioResult {
  readonly scenario: ScenarioName;
  readonly samples: Samples;
  readonly verdicts: readonly Verdict[];
}

/** A run as it is stored. */
export interface StoredResult {
  readonly time: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly scenarios: readonly StoredScenario[];
}

export interface StoredScenario {
  readonly scenario: ScenarioName;
  readonly samples: Readonly<Partial<Record<SampleOwner, readonly Sample[]>>>;
  readonly budgets: readonly (Pick<Budget, 'what' | 'bound' | 'limit' | 'enforced'> & {
    /** JSON knows no NaN. */
    readonly figure: number | null;
    readonly met: boolean;
  })[];
}

/** As it is written to the file. */
export function storedResult(result: RunResult): StoredResult {
  return JSON.parse(JSON.stringify({ ...result, scenarios: result.scenarios.map(plain) })) as StoredResult;
}

/** Writes all samples; returns the file's path. */
export function writeResult(result: RunResult): string {
  mkdirSync(resultsDir, { recursive: true });
  const name = result.scenarios.map(({ scenario }) => scenario).join('+');
  const file = join(resultsDir, `${result.time.replaceAll(':', '-')}-${name}.json`);
  writeFileSync(file, `${JSON.stringify(storedResult(result), null, 1)}\n`);
  return file;
}

function plain(result: ScenarioResult): object {
  return {
    scenario: result.scenario,
    samples: Object.fromEntries(result.samples),
    budgets: result.verdicts.map(({ budget, figure, met }) => ({ ...budget, figure, met })),
  };
}

/** One line for each proxy: the median of each figure, its spread, and the first figure as a ratio to Postern's. */
export function scenarioTable(scenario: Scenario, samples: Samples): string {
  const metrics = metricsOf(scenario, samples);
  const base = series(samples, 'postern', scenario.headline);
  const extra = scenario.direct ? ['p99 added'] : [];
  const rows = [['', ...metrics, 'spread', ...extra, ...(base === undefined ? [] : ['postern / it'])]];
  for (const owner of samples.keys()) {
    const own = series(samples, owner, scenario.headline) ?? [];
    rows.push([
      owner,
      ...metrics.map((metric) => figure(median(series(samples, owner, metric) ?? []))),
      `±${Math.round(relativeSpread(own) * 100)} %`,
      ...(scenario.direct ? [figure(addedP99Ms(samples, owner) ?? Number.NaN)] : []),
      ...(base === undefined ? [] : [pairedRatio(base, own).toFixed(2)]),
    ]);
  }
  return `${scenario.title}\n${columns(rows)}`;
}

/** One line for each budget: what was found, what is allowed, met or missed. */
export function budgetTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ budget, figure: found, met }) => [
    budget.scenario,
    budget.what,
    figure(found),
    `${budget.bound} ${budget.limit}`,
    budget.goal === undefined ? '' : `goal ${budget.goal}`,
    met ? 'met' : budget.enforced ? 'MISSED' : 'over (fails nothing)',
  ]);
  return columns(rows);
}

function metricsOf(scenario: Scenario, samples: Samples): string[] {
  const names = new Set<string>([scenario.headline]);
  for (const list of samples.values())
    for (const sample of list) for (const name of Object.keys(sample)) names.add(name);
  return [...names];
}

function figure(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
