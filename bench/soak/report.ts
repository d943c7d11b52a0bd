// The report of a soak: a table for people, and a chart of every figure over the hours.

import type { Machine } from '../machine.ts';
import { type HourResult, type JudgedFigure, joined, type SoakVerdict } from './verdict.ts';

export interface SoakReport {
  readonly command: string;
  readonly date: string;
  readonly machine: Machine;
  readonly minutes: number;
  readonly requestsPerS: number;
  readonly hours: readonly HourResult[];
  readonly verdict: SoakVerdict;
}

/** Markdown. */
export function soakText(report: SoakReport): string {
  const { hours, verdict, machine } = report;
  const statuses = joined(hours.map(({ counts }) => counts.statuses));
  const visitors = joined(hours.map(({ counts }) => counts.visitors));
  const broken = hours.reduce((sum, { counts }) => sum + counts.broken, 0);
  const last = hours.at(-1)?.atRest;
  const took = hours.reduce((sum, { tookMs }) => sum + tookMs, 0) / 60_000;
  return [
    `\`${report.command}\`, ${report.date}, commit ${machine.commit}${machine.dirty ? ' with changes' : ''}, Node ${machine.node}, ${machine.cpu}, load ${machine.loadBefore.toFixed(1)}.`,
    '',
    `A day of ${report.requestsPerS} requests a second in ${took.toFixed(1)} minutes: ${sumOf(statuses)} answers (${listed(statuses)}), ${sumOf(visitors)} further`,
    `connections (${listed(visitors)}), ${broken} cut off by restarts of the workload and by callers that left;`,
    `${hours.length} restarts, rotations and policy changes; ${last?.records ?? 0} records, of which the journal kept ${last?.journalMb.toFixed(1)} MB.`,
    '',
    '| figure | after the warm-up | at the end | growth in the day | bound | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...verdict.figures.map(row),
    '',
    ...verdict.faults.map((fault) => `- FAULT: ${fault}`),
    verdict.isSound ? 'Flat.' : 'NOT FLAT.',
    '',
  ].join('\n');
}

function row({ name, unit, first, last, growth, bound, isFlat }: JudgedFigure): string {
  const shown = (value: number): string =>
    `${value.toFixed(unit === '' && Number.isInteger(value) ? 0 : 1)} ${unit}`.trim();
  return `| ${name} | ${shown(first)} | ${shown(last)} | ${shown(growth)} | ${shown(bound)} | ${isFlat ? 'flat' : 'GROWS'} |`;
}

function sumOf(counts: ReadonlyMap<unknown, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function listed(counts: ReadonlyMap<string | number, number>): string {
  return [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .map(([key, count]) => `${key}: ${count}`)
    .join(', ');
}

const [width, rowHeight, left, right] = [760, 64, 210, 110];

/** SVG: one strip for each figure, from zero to its highest value. */
export function soakChart(verdict: SoakVerdict): string {
  const height = verdict.figures.length * rowHeight + 30;
  const strips = verdict.figures.map((figure, at) => strip(figure, 10 + at * rowHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...strips,
    `<text x="${left}" y="${height - 6}" fill="#666">hours of the day, 1 to ${verdict.figures[0]?.hourly.length ?? 0}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function strip({ name, unit, hourly, isFlat }: JudgedFigure, top: number): string {
  const highest = Math.max(...hourly, 1);
  const x = (at: number): number => left + (at * (width - left - right)) / Math.max(1, hourly.length - 1);
  const y = (value: number): number => top + (rowHeight - 16) * (1 - value / highest);
  const points = hourly.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const colour = isFlat ? '#1a7f37' : '#cf222e';
  const base = y(0).toFixed(1);
  return [
    `<text x="10" y="${top + 28}">${name}</text>`,
    `<line x1="${left}" x2="${width - right}" y1="${base}" y2="${base}" stroke="#ccc"/>`,
    `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    `<text x="${width - right + 10}" y="${top + 28}" fill="${colour}">${(hourly.at(-1) ?? 0).toFixed(unit === '' ? 0 : 1)} ${unit}</text>`,
  ].join('\n');
}
