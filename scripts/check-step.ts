// One step of `npm test`: a command that passes or fails, and, for a run of node:test, its totals.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** What a step runs. */
export interface Step {
  readonly name: string;
  /** The words that select it on the command line, besides its name. */
  readonly command: string;
  readonly args: readonly string[];
  /** True for a run of node:test, whose totals are added up. */
  readonly isTestRun: boolean;
  /** True for what measures time and wants the machine for itself. */
  readonly isAlone: boolean;
}

/** Totals of one or several runs of node:test. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** How a step ended. */
export interface StepResult {
  readonly step: Step;
  readonly isPassed: boolean;
  readonly seconds: number;
  readonly output: string;
  /** Processes that outlived the step, one a line; they were killed. */
  readonly leftRunning: string;
  readonly totals: Totals;
}

/** Longest that a step may take, and that its output may stay open once it has ended. */
export interface StepPatience {
  readonly stepMs: number;
  readonly outputMs: number;
}

const stepPatience: StepPatience = { stepMs: 12 * 60_000, outputMs: 5_000 };

const noTotals: Totals = { passed: 0, failed: 0, skipped: 0 };

/** Runs a step to its end; never rejects. */
export function runStep(
  step: Step,
  cwd: string,
  { testEnv = {}, patience = stepPatience }: { testEnv?: NodeJS.ProcessEnv; patience?: StepPatience } = {},
): Promise<StepResult> {
  const startedAt = performance.now();
  // Under `node --test` this variable would turn a nested run of node:test into a reporter of its parent.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  // Each test file is a process, and most of them compile the same modules.
  const env = { NODE_COMPILE_CACHE: join(cwd, 'node_modules/.cache/compiled'), ...testEnv, ...inherited };
  const child = spawn(step.command, step.args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  // Detached: a process group of its own, so that what its tests started ends with it.
  const stop = (): void => signalGroup(child.pid, 'SIGTERM');
  process.once('exit', stop);
  let output = '';
  let leftRunning = '';
  const collect = (text: string): void => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  return new Promise((resolve) => {
    const endless = setTimeout(() => {
      output += `not over after ${patience.stepMs / 1000} s; under way were:\n${groupOf(child.pid)}\n`;
      signalGroup(child.pid, 'SIGKILL');
    }, patience.stepMs);
    const end = (isPassed: boolean): void => {
      clearTimeout(endless);
      process.off('exit', stop);
      const seconds = (performance.now() - startedAt) / 1000;
      resolve({ step, isPassed, seconds, output, leftRunning, totals: totalsOf(step, isPassed, output) });
    };
    child.on('error', (error) => {
      output += `${error.message}\n`;
      end(false);
    });
    // `close` waits for everybody who holds the output, and so for a program that outlives its test: for ever.
    child.on('exit', (code) => {
      const held = setTimeout(() => {
        leftRunning = groupOf(child.pid);
        signalGroup(child.pid, 'SIGKILL');
        end(code === 0);
      }, patience.outputMs);
      child.on('close', () => {
        clearTimeout(held);
        end(code === 0);
      });
    });
  });
}

function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (leader !== undefined) process.kill(-leader, signal);
  } catch {
    // Nobody is left of it.
  }
}

/** The processes of a step, one a line; they name the test that hangs. From /proc: not every machine has `ps`. */
function groupOf(leader: number | undefined): string {
  const lines = readdirSync('/proc').map((pid) => {
    try {
      // The name of the program, in brackets, may hold anything; the group is the third field behind it (proc_pid_stat(5)).
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return Number(group) === leader ? `${pid} ${command}` : '';
    } catch {
      return ''; // no process, or one that has just ended
    }
  });
  return lines.filter((line) => line !== '').join('\n');
}

/** A failed step counts at least one failure, so that no closing line says `0 failed` of a run that failed. */
function totalsOf(step: Step, isPassed: boolean, output: string): Totals {
  const totals = step.isTestRun ? readTotals(output) : noTotals;
  return isPassed || totals.failed > 0 ? totals : { ...totals, failed: 1 };
}

/** Reads the summary that the `spec` reporter of node:test prints last. */
export function readTotals(output: string): Totals {
  const count = (name: string): number => {
    const line = output.match(new RegExp(`^ℹ ${name} (\\d+)$`, 'm'));
    return line === null ? 0 : Number(line[1]);
  };
  return {
    passed: count('pass'),
    failed: count('fail') + count('cancelled'),
    skipped: count('skipped') + count('todo'),
  };
}

/** The names, with reasons, of the tests that were skipped. */
export function skippedTests(output: string): readonly string[] {
  return [...output.matchAll(/^\s*﹣ (.*?) \([\d.]+ms\)(?: # (.*))?$/gmu)].map(
    ([, name, reason]) => `${name}: ${reason ?? 'no reason given'}`,
  );
}

/** The sum of several totals. */
export function sumTotals(results: readonly StepResult[]): Totals {
  return results.reduce(
    (sum, { totals }) => ({
      passed: sum.passed + totals.passed,
      failed: sum.failed + totals.failed,
      skipped: sum.skipped + totals.skipped,
    }),
    noTotals,
  );
}
