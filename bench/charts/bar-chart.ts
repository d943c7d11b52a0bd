// Horizontal bars, one group for each proxy: the median, and a thin line from the lowest to the highest sample.

import { median } from '../statistics.ts';
import { type ChartFrame, colourOf, escapeXml, shortFigure, svgDocument } from './svg-document.ts';

/** One bar. */
export interface Bar {
  /** Said beside the bar where a proxy has several; else empty. */
  readonly label: string;
  readonly samples: readonly number[];
}

export interface BarGroup {
  readonly owner: string;
  readonly bars: readonly Bar[];
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly BarGroup[];
  readonly caption: readonly string[];
}

const width = 720;
const labelWidth = 150;
const valueWidth = 90;
const barHeight = 18;
const barGap = 4;
const groupGap = 10;

/** Draws the chart; a proxy without a figure is left out. */
export function barChart(chart: BarChart): string {
  const groups = chart.groups
    .map(({ owner, bars }) => ({
      owner,
      bars: bars.filter(({ samples }) => samples.length > 0 && samples.every(Number.isFinite)),
    }))
    .filter(({ bars }) => bars.length > 0);
  const highest = Math.max(1e-9, ...groups.flatMap(({ bars }) => bars.flatMap(({ samples }) => samples)));
  const scale = (width - labelWidth - valueWidth) / highest;
  const parts: string[] = [];
  let y = 0;
  for (const { owner, bars } of groups) {
    parts.push(`<text x="16" y="${y + 13}" font-weight="600">${escapeXml(owner)}</text>`);
    for (const bar of bars) {
      parts.push(drawBar(bar, { owner, y, scale, unit: chart.unit }));
      y += barHeight + barGap;
    }
    y += groupGap;
  }
  const frame: ChartFrame = { title: `${chart.title}, ${chart.unit}`, caption: chart.caption, width, bodyHeight: y };
  return svgDocument(frame, parts.join('\n'));
}

interface Place {
  readonly owner: string;
  readonly y: number;
  readonly scale: number;
  readonly unit: string;
}

function drawBar({ label, samples }: Bar, { owner, y, scale, unit }: Place): string {
  const middle = median(samples);
  const end = labelWidth + middle * scale;
  const [low, high] = [Math.min(...samples), Math.max(...samples)].map((value) => labelWidth + value * scale);
  const rangeY = y + barHeight / 2;
  const range =
    samples.length < 2 ? '' : `<line class="range" x1="${low}" x2="${high}" y1="${rangeY}" y2="${rangeY}"/>`;
  const name =
    label === ''
      ? ''
      : `<text class="quiet" x="${labelWidth - 8}" y="${y + 13}" text-anchor="end">${escapeXml(label)}</text>`;
  const value = `<text x="${Math.max(end, high ?? end) + 6}" y="${y + 13}">${shortFigure(middle)} ${escapeXml(unit)}</text>`;
  return `${name}<rect x="${labelWidth}" y="${y}" width="${end - labelWidth}" height="${barHeight}" fill="${colourOf(owner)}"/>${range}${value}`;
}
