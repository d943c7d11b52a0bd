// The steps of `npm test`, in the order in which they are started.

import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from './check-step.ts';

// What opens sockets or starts processes for most of its cases; the remaining folders of test/ are `unit`, so no new folder is forgotten.
const integrationFolders = [
  'integration',
  'proxy',
  'admin',
  'runtime',
  'cli',
  'workers',
  'bench',
  'deploy',
  'repository',
];
const ownRunFolders = ['e2e', 'fuzz'];

interface TestRun {
  readonly name: string;
  /** Files at once, for each two cores. */
  readonly filesAtOnce: number;
  readonly includes: (folder: string) => boolean;
}

// The longest first, and what uses one core only not last. End-to-end tests wait about half of their time.
const testRuns: readonly TestRun[] = [
  { name: 'e2e', filesAtOnce: 2, includes: (folder) => folder === 'e2e' },
  { name: 'fuzz', filesAtOnce: 1, includes: (folder) => folder === 'fuzz' },
  { name: 'unit', filesAtOnce: 1, includes: (folder) => ![...integrationFolders, ...ownRunFolders].includes(folder) },
  { name: 'integration', filesAtOnce: 1, includes: (folder) => integrationFolders.includes(folder) },
];

/** All steps for the checkout at `root`; one whose file or tests are not there is left out. */
export function planSteps(root: string, node: string, pairsOfCores: number): readonly Step[] {
  const tool = (name: string, command: string, ...args: string[]): Step => ({
    name,
    command: join(root, 'node_modules/.bin', command),
    args,
    isTestRun: false,
    isAlone: false,
  });
  const script = (name: string, file: string, ...args: string[]): Step[] =>
    existsSync(join(root, file))
      ? [{ name, command: node, args: [file, ...args], isTestRun: false, isAlone: false }]
      : [];
  return [
    tool('style', 'biome', 'ci', '--colors=off', '.'),
    tool('types', 'tsc', '-p', '.'),
    ...script('imports', 'scripts/check-imports.ts'),
    tool('dead-code', 'knip', '--no-progress', '--treat-config-hints-as-errors'),
    ...script('docs', 'scripts/generate-docs.ts', '--check'),
    ...testRuns.flatMap((run) => testStep(root, node, run, pairsOfCores)),
    ...script('bench-guard', 'bench/guard.ts').map((step) => ({ ...step, isAlone: true })),
  ];
}

function testStep(root: string, node: string, run: TestRun, pairsOfCores: number): readonly Step[] {
  const files = globSync('test/**/*.test.ts', { cwd: root })
    .filter((file) => run.includes(file.split('/')[1] ?? ''))
    .sort();
  if (files.length === 0) return [];
  const processes = run.filesAtOnce * pairsOfCores;
  const args = ['--test', '--test-reporter=spec', `--test-concurrency=${processes}`, '--test-timeout=300000', ...files];
  return [{ name: run.name, command: node, args, isTestRun: true, isAlone: false }];
}
