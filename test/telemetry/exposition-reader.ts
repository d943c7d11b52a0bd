// Reads the Prometheus text format strictly (exposition format 0.0.4): what does not parse fails the test.

import assert from 'node:assert/strict';

/** One sample line. */
export interface ReadSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** A metric with its samples. */
export interface ReadFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ReadSample[];
}

// Prometheus reads NaN in any case; prom-client writes `Nan` before the first turn of the event loop is measured.
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (Na[Nn]|[+-]Inf|[-+0-9.eE]+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const suffixes: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

export function readExposition(text: string): ReadonlyMap<string, ReadFamily> {
  assert.ok(text.endsWith('\n'), 'ends with a line feed');
  const families = new Map<string, { type: string; help: string; samples: ReadSample[] }>();
  let current = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      assert.ok(!families.has(name!), `${name} appears once`);
      current = name!;
      families.set(current, { type: '', help: rest!, samples: [] });
    } else if (kind === 'TYPE') {
      assert.equal(name, current);
      families.get(current)!.type = rest!;
    } else {
      const sample = readSample(line);
      const family = families.get(current)!;
      const names = (suffixes[family.type] ?? ['']).map((suffix) => current + suffix);
      assert.ok(names.includes(sample.name), `${sample.name} belongs to ${current}`);
      family.samples.push(sample);
    }
  }
  return families;
}

function readSample(line: string): ReadSample {
  const [, name, inner = '', number] = sampleLine.exec(line) ?? [];
  assert.ok(name !== undefined && number !== undefined, `not a sample: ${line}`);
  const labels = new Map<string, string>();
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < inner.length) {
    const pair = labelPair.exec(inner);
    assert.ok(pair !== null, `labels of: ${line}`);
    assert.ok(!labels.has(pair[1]!), `a label appears once: ${line}`);
    labels.set(
      pair[1]!,
      pair[2]!.replace(/\\(["\\n])/g, (_, char: string) => (char === 'n' ? '\n' : char)),
    );
  }
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) };
}
