// Latency by percentile. The horizontal axis counts nines (50, 90, 99, 99.9 stand at even distances), since what matters
// lies at its end; the vertical one is logarithmic.

import { colourOf, escapeXml, shortFigure, svgDocument } from './svg-document.ts';

/** One proxy: latency in milliseconds by percentile. */
export interface PercentileLine {
  readonly owner: string;
  readonly points: readonly (readonly [percent: number, ms: number])[];
}

export interface PercentileChart {
  readonly title: string;
  readonly lines: readonly PercentileLine[];
  readonly caption: readonly string[];
}

const width = 720;
const height = 300;
const left = 64;
const right = 130;

/** Draws the chart; points that are no number are left out. */
export function percentileChart({ title, lines, caption }: PercentileChart): string {
  const drawn = lines
    .map(({ owner, points }) => ({ owner, points: points.filter(([, ms]) => Number.isFinite(ms) && ms > 0) }))
    .filter(({ points }) => points.length > 1);
  const all = drawn.flatMap(({ points }) => points);
  const decades = decadesOf(all.map(([, ms]) => ms));
  const yOf = (ms: number): number =>
    height - 24 - ((Math.log10(ms) - decades.low) / (decades.high - decades.low)) * (height - 40);
  const last = Math.max(...all.map(([percent]) => nines(percent)), 1);
  const xOf = (percent: number): number => left + (nines(percent) / last) * (width - left - right);
  const body = [
    ...grid(decades, yOf),
    ...axis(all, xOf),
    ...drawn.map((line) => drawLine(line, xOf, yOf)),
    ...names(drawn, yOf),
  ];
  return svgDocument({ title, caption, width, bodyHeight: height + 10 }, body.join('\n'));
}

/** 50 is 0.3, 90 is 1, 99 is 2, 99.9 is 3. */
function nines(percent: number): number {
  return -Math.log10(1 - Math.min(percent, 99.999) / 100);
}

interface Decades {
  readonly low: number;
  readonly high: number;
}

function decadesOf(values: readonly number[]): Decades {
  const low = Math.floor(Math.log10(Math.min(...values, 1)));
  return { low, high: Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 1)))) };
}

function grid({ low, high }: Decades, yOf: (ms: number) => number): string[] {
  return Array.from({ length: high - low + 1 }, (_, at) => {
    const ms = 10 ** (low + at);
    const y = yOf(ms);
    return `<line class="grid" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/><text class="quiet" x="${left - 8}" y="${y + 4}" text-anchor="end">${ms} ms</text>`;
  });
}

function axis(points: readonly (readonly [number, number])[], xOf: (percent: number) => number): string[] {
  const percents = [...new Set(points.map(([percent]) => percent))];
  return percents.map(
    (percent) => `<text class="quiet" x="${xOf(percent)}" y="${height - 4}" text-anchor="middle">p${percent}</text>`,
  );
}

function drawLine(
  { owner, points }: PercentileLine,
  xOf: (percent: number) => number,
  yOf: (ms: number) => number,
): string {
  const path = points.map(([percent, ms]) => `${xOf(percent).toFixed(1)},${yOf(ms).toFixed(1)}`).join(' ');
  return `<polyline class="line" points="${path}" stroke="${colourOf(owner)}"/>`;
}

/** Names at the ends of the lines, moved apart where they would lie on each other. In the colour of text, which every page can show. */
function names(lines: readonly PercentileLine[], yOf: (ms: number) => number): string[] {
  const ends = lines
    .map(({ owner, points }) => ({ owner, ms: points.at(-1)![1], y: yOf(points.at(-1)![1]) + 4 }))
    .sort((a, b) => a.y - b.y);
  let lowest = 0;
  return ends.map(({ owner, ms, y }) => {
    lowest = Math.max(y, lowest + 14);
    const swatch = `<rect x="${width - right + 6}" y="${(lowest - 9).toFixed(1)}" width="8" height="8" fill="${colourOf(owner)}"/>`;
    return `${swatch}<text x="${width - right + 18}" y="${lowest.toFixed(1)}">${escapeXml(owner)} ${shortFigure(ms)}</text>`;
  });
}
