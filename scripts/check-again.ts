// `npm test -- --again`: a test file that fails while others run beside it is run once more, alone. What fails twice has failed;
// what passes then is told as unstable. For machines that nobody has for himself, where a stall of seconds fails what waits.

import { runStep, type Step, type StepResult } from './check-step.ts';

/** More than these are no stall. */
const mostFiles = 3;

/** The test files that failed, if they are few and each of them could be told; else none. */
export function filesToRunAgain({ step, isPassed, output, totals }: StepResult): readonly string[] {
  if (isPassed || !step.isTestRun) return [];
  const places = [...failuresIn(output).matchAll(/^test at (\S+):\d+:\d+$/gm)].map(([, file]) => file!);
  // A failure without a place is of the run itself, and one more run would hide it.
  if (places.length < totals.failed) return [];
  const files = [...new Set(places)];
  return files.length <= mostFiles ? files : [];
}

/** What node:test says of the failures, after all else. */
export function failuresIn(output: string): string {
  const at = output.lastIndexOf('✖ failing tests:');
  return at === -1 ? '' : output.slice(at);
}

/** How a second run ended, or null where there is none to make. */
export function runAgain(first: StepResult, cwd: string, testEnv: NodeJS.ProcessEnv): Promise<StepResult> | null {
  const files = filesToRunAgain(first);
  if (files.length === 0) return null;
  return runStep(againStep(first.step, files), cwd, { testEnv });
}

function againStep(step: Step, files: readonly string[]): Step {
  const options = step.args.filter((arg) => arg.startsWith('--') && !arg.startsWith('--test-concurrency='));
  return { ...step, name: `${step.name}-again`, args: [...options, '--test-concurrency=1', ...files], isAlone: true };
}
