// `npm test`: all checks, or those named (`npm test -- unit types`). One line a step; a step that fails is shown in
// full; the last line adds up all runs of node:test. With `--again`, see check-again.ts.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { failuresIn, filesToRunAgain, runAgain } from './check-again.ts';
import { planSteps } from './check-plan.ts';
import { runStep, type Step, type StepResult, skippedTests, sumTotals } from './check-step.ts';
import { shippedEntry } from './shipped-form.ts';

const root = dirname(import.meta.dirname);
const stepsAtOnce = 3;
const pairsOfCores = Math.max(1, Math.floor(availableParallelism() / 2));

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The steps named on the command line, else all. */
function chosenSteps(words: readonly string[]): readonly Step[] {
  const steps = planSteps(root, process.execPath, pairsOfCores);
  const unknown = words.filter((word) => !steps.some((step) => step.name === word));
  if (unknown.length > 0) {
    process.stderr.write(
      `no such step: ${unknown.join(', ')}\n  mend: name some of ${steps.map((step) => step.name).join(', ')}\n`,
    );
    process.exit(2);
  }
  return words.length === 0 ? steps : steps.filter((step) => words.includes(step.name));
}

function report(result: StepResult): void {
  const { step, isPassed, seconds, output, leftRunning, totals } = result;
  const counts = step.isTestRun ? `  ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped` : '';
  print(`${isPassed ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(12)}${seconds.toFixed(1).padStart(6)} s${counts}`);
  for (const skipped of skippedTests(output)) print(`      skipped: ${skipped}`);
  if (leftRunning !== '') print(`      left running:\n${leftRunning}`);
  if (isPassed) return;
  if (isAgain && filesToRunAgain(result).length > 0) return print('      what failed is run again, alone, at the end');
  // First what failed: some who show this output show its beginning only.
  print(`${failuresIn(output)}\n${output.trimEnd()}\n`);
}

/** What failed beside other tests and passed alone, as a step that passed; what failed twice, as it was. */
async function settle(first: StepResult): Promise<StepResult> {
  const second = isAgain ? await runAgain(first, root, testEnv) : null;
  if (second === null) return first;
  report(second);
  if (!second.isPassed) {
    print(`${first.step.name}, the first time:\n${failuresIn(first.output)}`);
    return first;
  }
  print(`unstable: failed beside other tests, passed alone:\n${failuresIn(first.output).replaceAll('✖', '!')}`);
  const { passed, failed, skipped } = first.totals;
  unstable += failed;
  return { ...first, isPassed: true, totals: { passed: passed + failed, failed: 0, skipped } };
}

/** Builds what tests start, once: the form that ships, which starts in 0.6 of the time of the sources. */
function buildProgram(): string {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'shipped-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return shippedEntry(root, join(folder, 'postern'));
}

/** Runs the steps in order, `limit` at a time. */
async function runAll(steps: readonly Step[], limit: number): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  const queue = [...steps];
  const work = async (): Promise<void> => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      const result = await runStep(step, root, { testEnv });
      report(result);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}

// Ends by way of `exit`, so that the steps under way end too.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => process.exit(code));
}

const startedAt = performance.now();
const words = process.argv.slice(2);
const isAgain = words.includes('--again');
let unstable = 0;
const steps = chosenSteps(words.filter((word) => word !== '--again'));
const testEnv = steps.some((step) => step.isTestRun) ? { POSTERN_TEST_PROGRAM: buildProgram() } : {};
const together = steps.filter((step) => !step.isAlone);
const alone = steps.filter((step) => step.isAlone);
const ended = [...(await runAll(together, stepsAtOnce)), ...(await runAll(alone, 1))];
const results: StepResult[] = [];
for (const result of ended) results.push(await settle(result));
const failed = results.filter((result) => !result.isPassed).map((result) => result.step.name);
const totals = sumTotals(results);
print(
  `\n${failed.length === 0 ? `all ${results.length} steps passed` : `steps that failed: ${failed.join(', ')}`} in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`,
);
print(
  `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped${unstable === 0 ? '' : `, ${unstable} of them unstable`}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
