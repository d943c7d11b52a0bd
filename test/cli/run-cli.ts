// Runs the command line as a process of its own, as a user would, with the Node that runs the tests.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { programModule } from '../program.ts';

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const compileCache = join(import.meta.dirname, '../../node_modules/.cache/compiled');

export interface CliOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Another module than that of the program under test. */
  readonly module?: string;
}

/** Ends with the process; stdin is `input`, or empty. The flags are those of bin/postern. */
export function runPostern(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const flags = ['--disallow-code-generation-from-strings', '--disable-proto=delete'];
  const child = spawn(process.execPath, [...flags, options.module ?? programModule, ...args], {
    cwd: options.cwd,
    // As bin/postern does: without it each run would strip the types of every file anew.
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env, ...options.env },
    stdio: 'pipe',
  });
  child.stdin.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
