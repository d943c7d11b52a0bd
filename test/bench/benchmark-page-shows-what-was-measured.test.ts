// The published page and its charts: every proxy that was measured is there with its figure, and nothing that was not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchmarkPage, missingScenarios } from '../../bench/benchmark-page.ts';
import { barChart } from '../../bench/charts/bar-chart.ts';
import { percentileChart } from '../../bench/charts/percentile-chart.ts';
import type { StoredResult } from '../../bench/report.ts';
import { scenarios } from '../../bench/scenarios.ts';

const machine = {
  cpu: 'A <CPU> & more',
  cores: 2,
  memoryBytes: 1,
  kernel: '6.1',
  arch: 'x64',
  node: 'v26.10.0',
  openssl: '3',
  commit: 'abc1234',
  dirty: false,
  pinned: true,
  loadBefore: 0.5,
};
const result: StoredResult = {
  time: '2026-11-23T10:00:00.000Z',
  machine,
  versions: { postern: 'abc1234', envoy: '1.40.0' },
  scenarios: [
    {
      scenario: 'keep-alive',
      samples: { postern: [{ cpuUsPerRequest: 40 }, { cpuUsPerRequest: 44 }], envoy: [{ cpuUsPerRequest: 100 }] },
      budgets: [
        {
          what: 'cpuUsPerRequest against envoy',
          bound: 'at most',
          limit: 0.55,
          enforced: true,
          figure: 0.42,
          met: true,
        },
        { what: 'of nothing', bound: 'at most', limit: 1, enforced: true, figure: null, met: false },
      ],
    },
    { scenario: 'memory', samples: { postern: [{ idleMb: 70, loadedMb: 120 }] }, budgets: [] },
  ],
};

test('the page names machine, versions, commit, medians and verdicts', () => {
  const { markdown, images } = benchmarkPage([result]);
  assert.match(markdown, /\| postern \| 42\.0 \|/);
  assert.match(markdown, /\| envoy \| 100 \|/);
  assert.match(markdown, /commit abc1234, load 0\.5 before, 2026-11-23/);
  assert.match(markdown, /envoy 1\.40\.0/);
  assert.match(markdown, /against envoy \| 0\.42 \| at most 0\.55 \| met \|/);
  assert.match(markdown, /of nothing \| - \| at most 1 \| \*\*missed\*\* \|/);
  assert.deepEqual([...images.keys()], ['bench-cpu.svg', 'bench-memory.svg'], 'no picture of what was not measured');
  for (const file of images.keys()) assert.ok(markdown.includes(`images/${file}`));
});

test('of a scenario in several results the last one counts', () => {
  const later = { ...result, scenarios: [{ ...result.scenarios[1]!, samples: { postern: [{ idleMb: 55 }] } }] };
  const { markdown } = benchmarkPage([result, later]);
  assert.match(markdown, /\| postern \| 55\.0 \|/);
  assert.match(markdown, /\| postern \| 42\.0 \|/);
  assert.throws(() => benchmarkPage([]), TypeError);
});

test('a picture is well-formed, says its figures, and escapes what it was given', () => {
  const svg = benchmarkPage([result]).images.get('bench-cpu.svg')!;
  assert.match(svg, />42\.0 us</);
  assert.match(svg, />100 us</);
  assert.match(svg, /A &lt;CPU&gt; &amp; more/);
  const tags = [...svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)];
  const open: string[] = [];
  for (const [, closes, name, isEmpty] of tags) {
    if (closes) assert.equal(open.pop(), name);
    else if (!isEmpty) open.push(name!);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});

test('the cheapest proxy stands first, and a wider bar is a larger figure', () => {
  const svg = benchmarkPage([result]).images.get('bench-cpu.svg')!;
  assert.ok(svg.indexOf('>postern<') < svg.indexOf('>envoy<'));
  const widths = [...svg.matchAll(/<rect x="150"[^>]* width="([\d.]+)"/g)].map((found) => Number(found[1]));
  assert.ok(widths[0]! > 0 && Math.abs(widths[1]! / widths[0]! - 100 / 42) < 0.01);
});

test('what could not be measured is left out of a chart', () => {
  const groups = [
    { owner: 'postern', bars: [{ label: '', samples: [1] }] },
    { owner: 'nginx', bars: [{ label: '', samples: [Number.NaN] }] },
    { owner: 'envoy', bars: [{ label: '', samples: [] }] },
  ];
  const bars = barChart({ title: 't', unit: 'us', groups, caption: [] });
  assert.doesNotMatch(bars, /nginx|envoy|NaN/);
  const lines = [
    { owner: 'postern', points: [[50, 1] as const, [99, 8] as const, [99.9, Number.NaN] as const] },
    { owner: 'nginx', points: [[50, Number.NaN] as const] },
  ];
  const chart = percentileChart({ title: 't', lines, caption: [] });
  assert.doesNotMatch(chart, /nginx|NaN|Infinity/);
  assert.match(chart, /postern 8\.00/);
});

test('a long caption is broken into lines that fit, and loses no word', () => {
  const caption = Array.from({ length: 60 }, (_, at) => `word${at}`).join(' ');
  const svg = barChart({ title: 't', unit: 'us', groups: [], caption: [caption] });
  const lines = [...svg.matchAll(/<text class="quiet" x="16" y="(\d+)">([^<]*)</g)];
  assert.ok(lines.length > 1 && lines.every(([, , line]) => line!.length <= 100));
  assert.equal(lines.map(([, , line]) => line).join(' '), caption);
  const height = Number(/ height="(\d+)" role/.exec(svg)?.[1]);
  assert.ok(
    lines.every(([, y]) => Number(y) < height),
    'all within the picture',
  );
});

test('results that hold a part of the scenarios are no page; together they may be one', () => {
  assert.ok(missingScenarios([result]).includes('handshake'));
  assert.ok(!missingScenarios([result]).includes('memory'));
  const whole = scenarios.map(({ name }) => ({ scenario: name, samples: {}, budgets: [] }));
  assert.deepEqual(missingScenarios([{ ...result, scenarios: whole }]), []);
  const [first, ...others] = whole;
  const halves = [first === undefined ? [] : [first], others].map((part) => ({ ...result, scenarios: part }));
  assert.deepEqual(missingScenarios(halves), []);
});
