// `npm run fuzz`: coverage-guided fuzzing of everything that reads outside bytes, an hour by default. Ends with 1 when a
// promise was broken: the input is then in a file, made small, and the command that tries it again is printed.

import path from 'node:path';
import process from 'node:process';
import { inspect, parseArgs } from 'node:util';
import { loadTarget, targetNames } from '../test/fuzz/all-targets.ts';
import { type FuzzFinding, type FuzzProgress, failureOf, fuzz } from '../test/fuzz/engine/fuzz-run.ts';
import { digestOf, SeededRandom } from '../test/fuzz/engine/seeded-random.ts';
import { shrink } from '../test/fuzz/engine/shrink.ts';
import { readFinding, repeatCommand, saveFinding } from '../test/fuzz/finding-file.ts';
import { readCorpus, writeCorpus } from '../test/fuzz/saved-corpus.ts';

const folder = path.resolve(import.meta.dirname, '../.fuzz');
const reportEveryMs = 30_000;

const help = `npm run fuzz -- [options]

  --minutes N      how long in all, shared out among the targets (default 60)
  --target NAME    this one only; may be repeated
  --seed N         of all random choices (default: drawn, and printed)
  --input FILE     try this input once, with one --target
  --fresh          do without the corpus of earlier runs in .fuzz/corpus, and leave it as it is
  --list           the targets, and what is promised of each

Ends with 1 on a finding; the input is saved to .fuzz/findings, smaller than it was found.
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    target: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string' },
    input: { type: 'string' },
    fresh: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function misuse(what: string): never {
  process.stderr.write(`${what}\n\n${help}`);
  process.exit(2);
}

function shownProgress({ executions, corpus, coverage }: FuzzProgress): string {
  const { covered, total } = coverage();
  const share = total === 0 ? 0 : (100 * covered) / total;
  return `${String(executions).padStart(9)} executions  corpus ${String(corpus.length).padStart(4)}  coverage ${share.toFixed(1)} %`;
}

function report(target: string, { input, error }: FuzzFinding): void {
  const file = saveFinding(path.join(folder, 'findings'), target, input);
  print(`\nFINDING in ${target}: ${inspect(error)}\n`);
  print(`input: ${JSON.stringify(input.slice(0, 2000))}`);
  print(`saved: ${file}`);
  print(`again: ${repeatCommand(target, file)}`);
}

/** True when every promise held. */
async function fuzzTarget(name: string, seed: number, ms: number): Promise<boolean> {
  let reportedMs = performance.now();
  const result = await fuzz(() => loadTarget(name), {
    random: new SeededRandom(seed ^ digestOf(name)),
    untilMs: performance.now() + ms,
    corpus: values.fresh ? [] : readCorpus(path.join(folder, 'corpus', name)),
    onProgress: (progress) => {
      if (performance.now() - reportedMs < reportEveryMs) return;
      reportedMs = performance.now();
      print(`  ${name.padEnd(16)}${shownProgress(progress)}`);
    },
  });
  if (!values.fresh) writeCorpus(path.join(folder, 'corpus', name), result.corpus);
  print(`${result.finding === null ? 'ok  ' : 'FAIL'}${name.padEnd(16)}${shownProgress(result)}`);
  if (result.finding === null) return true;
  report(name, await shrink(await loadTarget(name), result.finding));
  return false;
}

async function tryInput(names: readonly string[], file: string): Promise<boolean> {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0) misuse('--input needs exactly one --target');
  const error = await failureOf(await loadTarget(name), readFinding(file));
  print(error === null ? 'ok: every promise holds for this input' : `FAIL: ${inspect(error)}`);
  return error === null;
}

async function fuzzAll(names: readonly string[], minutes: number, seed: number): Promise<boolean> {
  print(`seed ${seed}, ${minutes} min, ${names.length} targets`);
  let isSound = true;
  for (const name of names) isSound = (await fuzzTarget(name, seed, (minutes * 60_000) / names.length)) && isSound;
  return isSound;
}

async function main(): Promise<boolean> {
  const minutes = Number(values.minutes);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
  if (values.help) return print(help.trimEnd()) ?? true;
  if (values.list) {
    for (const name of targetNames) print(`${name.padEnd(16)}${(await loadTarget(name)).promise}`);
    return true;
  }
  if (!(minutes > 0) || !Number.isInteger(seed)) misuse('--minutes is a number above 0, --seed a whole one');
  const unknown = values.target.find((name) => !targetNames.includes(name));
  if (unknown !== undefined) misuse(`no target \`${unknown}\`; there are ${targetNames.join(', ')}`);
  if (values.input !== undefined) return tryInput(values.target, values.input);
  return fuzzAll(values.target.length === 0 ? targetNames : values.target, minutes, seed);
}

process.exitCode = (await main()) ? 0 : 1;
