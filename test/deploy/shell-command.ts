// Runs a program to its end for the tests of deploy/.

import { spawn } from 'node:child_process';
import process from 'node:process';

/** Exit code and all output of a finished program. */
export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** Runs `command` in `cwd` without input, for at most `timeoutMs`. Rejects only where it cannot be started. */
export function runToEnd(
  [command, ...args]: readonly [string, ...string[]],
  { cwd, env, timeoutMs = 120_000 }: { cwd: string; env?: NodeJS.ProcessEnv; timeoutMs?: number },
): Promise<Finished> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // With all that it started: a child of its that stays would hold the output open.
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), timeoutMs);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}
