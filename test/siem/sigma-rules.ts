// The Sigma files of deploy/siem as they stand, and what each finds in a row of events: rules one event at a time, correlations in
// windows that end with each event, filters joined to the rules that they name.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { judgeCondition } from './sigma-condition.ts';
import { type Event, type FieldNames, searchHolds, valuesAt } from './sigma-search.ts';

export const siemFolder = join(import.meta.dirname, '../../deploy/siem');

type Searches = Readonly<Record<string, unknown>> & { readonly condition: string };

export interface SigmaRule {
  readonly file: string;
  readonly name: string;
  readonly detection: Searches;
}

export interface SigmaFilter {
  readonly filter: Searches & { readonly rules: readonly string[] };
}

export interface SigmaCorrelation {
  readonly file: string;
  readonly correlation: {
    readonly type: 'event_count' | 'value_count';
    readonly rules: readonly string[];
    readonly 'group-by': readonly string[];
    readonly timespan: string;
    readonly condition: { readonly gte: number; readonly field?: string };
  };
}

/** The documents of one folder of deploy/siem/sigma. */
export function sigmaDocuments<T>(folder: string): readonly T[] {
  const names = readdirSync(join(siemFolder, 'sigma', folder)).sort();
  return names.map((file) => ({
    file,
    ...(parse(readFileSync(join(siemFolder, 'sigma', folder, file), 'utf8')) as T),
  }));
}

/** How events name what rules name, and their time. */
export interface EventForm {
  readonly nameOf: FieldNames;
  readonly timeMs: (event: Event) => number;
}

/** The events that a rule finds; a filter that names the rule must hold too. */
export function found(
  rule: SigmaRule,
  events: readonly Event[],
  form: EventForm,
  filters: readonly SigmaFilter[] = [],
) {
  const joined = filters.filter(({ filter }) => filter.rules.includes(rule.name)).map(({ filter }) => filter);
  return events.filter((event) =>
    [rule.detection, ...joined].every((searches) => {
      const { condition, rules: _rules, ...named } = searches as Searches & { rules?: unknown };
      return judgeCondition(condition, Object.keys(named), (name) => searchHolds(named[name], event, form.nameOf));
    }),
  );
}

/** The groups of events in which a correlation holds at some moment. */
export function correlated(
  { correlation }: SigmaCorrelation,
  rules: readonly SigmaRule[],
  { events, form }: { events: readonly Event[]; form: EventForm },
): readonly string[] {
  const named = correlation.rules.map((name) => rules.find((rule) => rule.name === name));
  const counted = named.flatMap((rule, index) => {
    assert.ok(rule, `no rule is called ${correlation.rules[index]}`);
    return found(rule, events, form);
  });
  const windowMs = spanMs(correlation.timespan);
  const textAt = (event: Event, field: string) => valuesAt(event, form.nameOf(field).split('.')).join(' ');
  const groups = Object.groupBy(counted, (event) =>
    correlation['group-by'].map((field) => textAt(event, field)).join('|'),
  );
  return Object.keys(groups).filter((key) =>
    groups[key]!.some((last) => {
      const endMs = form.timeMs(last);
      const within = groups[key]!.filter((event) => {
        const timeMs = form.timeMs(event);
        return timeMs <= endMs && timeMs > endMs - windowMs;
      });
      const { field, gte } = correlation.condition;
      const count = field === undefined ? within.length : new Set(within.map((event) => textAt(event, field))).size;
      return count >= gte;
    }),
  );
}

function spanMs(timespan: string): number {
  const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return Number(timespan.slice(0, -1)) * units[timespan.slice(-1)]!;
}
