// npm run bench:publish -- FILE…: draws docs/benchmark.md and its charts from saved results (bench/results/*.json). Of a
// scenario that stands in several files the last file counts. A whole `npm run bench` does the same by itself. Files that
// hold a part only are refused, as a part must not take the place of the whole, unless `--partial` comes first: then the
// page says what it lacks.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchmarkPage, missingScenarios } from './benchmark-page.ts';
import type { StoredResult } from './report.ts';

const docsDir = fileURLToPath(new URL('../docs', import.meta.url));

/** Writes the page and its pictures; returns what was written. */
export function publish(results: readonly StoredResult[], folder = docsDir): string[] {
  const { markdown, images } = benchmarkPage(results);
  mkdirSync(join(folder, 'images'), { recursive: true });
  const files: [string, string][] = [
    [join(folder, 'benchmark.md'), markdown],
    ...[...images].map(([name, svg]): [string, string] => [join(folder, 'images', name), svg]),
  ];
  for (const [file, text] of files) writeFileSync(file, text);
  return files.map(([file]) => file);
}

if (import.meta.main) {
  const isPartial = process.argv[2] === '--partial';
  const files = process.argv.slice(isPartial ? 3 : 2);
  if (files.length === 0) {
    console.error('usage: npm run bench:publish -- [--partial] bench/results/FILE.json…');
    process.exitCode = 2;
  } else {
    const results = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as StoredResult);
    const missing = missingScenarios(results);
    if (missing.length > 0 && !isPartial) {
      console.error(
        `not published, the page would lack ${missing.join(', ')}\n  mend: name results that hold them too, or say --partial`,
      );
      process.exitCode = 1;
    } else {
      console.log(publish(results).join('\n'));
    }
  }
}
