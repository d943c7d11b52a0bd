// Starting, pinning, awaiting and stopping the processes of a bench. Only processes started here are ever signalled.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const stopPatienceMs = 5_000;

/** What to start. */
export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Core to pin it to; null leaves it to the scheduler. */
  readonly core: number | null;
  /** File that takes stdout and stderr; undefined: `lines` yields stdout, stderr is passed on. */
  readonly logFile?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A process of ours. */
export interface RunningProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it has said last, for an error message; empty where stdout is piped. */
  lastWords(): string;
  /** True once it has ended, whoever ended it. */
  ended(): boolean;
  /** SIGTERM, then SIGKILL if that does not end it; resolves when it has ended. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

/** Ends what runs when this process is told to end, so that an interrupted bench leaves no proxy behind. */
export function stopAllOnSignal(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
  process.once('exit', () => {
    for (const child of running) child.kill('SIGTERM');
  });
}

/** Starts a process; `taskset` replaces itself by the command, so the pid is the command's own. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a');
  const pinned = options.core !== null;
  const child = spawn(
    pinned ? 'taskset' : options.command,
    pinned ? ['-c', String(options.core), options.command, ...options.args] : [...options.args],
    {
      stdio: ['ignore', log ?? 'pipe', log ?? 'inherit'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    },
  );
  child.on('error', () => {}); // a command that does not exist: `ended` tells it, and the ready check reports it
  running.add(child);
  child.on('exit', () => running.delete(child));
  const ended = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const lastWords = () => (options.logFile === undefined ? '' : readFileSync(options.logFile, 'utf8').slice(-1000));
  return { pid: child.pid ?? 0, child, lastWords, ended, stop: () => stop(child, ended) };
}

/** Starts a TypeScript file of the bench with this very Node. */
export function startNode(file: string, args: readonly string[], core: number | null): RunningProcess {
  return startProcess({ command: process.execPath, args: ['--no-warnings', file, ...args], core });
}

/** The first line that a process prints on stdout. Rejects if it ends before, or is silent for `patienceMs`: then it is ended. */
export async function firstLine(running: RunningProcess, patienceMs = 30_000): Promise<string> {
  const patience = setTimeout(() => void running.stop(), patienceMs);
  try {
    let text = '';
    for await (const chunk of running.child.stdout ?? []) {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) return text.slice(0, end);
    }
  } finally {
    clearTimeout(patience);
  }
  throw new Error(`process ${running.child.spawnargs.join(' ')} ended, or was ended after ${patienceMs} ms, unready`);
}

/** All that a process prints on stdout until it ends. Rejects if it fails, or takes longer than `patienceMs`: then it is ended. */
export async function wholeOutput(running: RunningProcess, patienceMs: number): Promise<string> {
  let text = '';
  running.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const patience = setTimeout(() => void running.stop(), patienceMs);
  const [code, signal] = await once(running.child, 'close');
  clearTimeout(patience);
  if (code === 0) return text;
  const { spawnargs } = running.child;
  throw new Error(`process ${spawnargs.join(' ')} ended with ${code ?? signal}, patience ${patienceMs} ms: ${text}`);
}

/** Repeats `attempt` until it resolves to true; rejects after `patienceMs` with what was awaited. */
export async function until(what: string, attempt: () => Promise<boolean>, patienceMs = 15_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await attempt())) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain for ${what}`);
    await pause(5);
  }
}

async function stop(child: ChildProcess, ended: () => boolean): Promise<void> {
  if (ended()) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs);
  await exit;
  clearTimeout(patience);
}
