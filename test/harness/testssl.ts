// testssl.sh (Debian) against a port of this machine. It knows no client certificates, so it sees what a stranger sees.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** One line of its report. */
export interface TestsslFinding {
  readonly id: string;
  /** `OK` and `INFO` are good, `LOW` to `CRITICAL` are shown in yellow to red, `WARN` is about the scan itself. */
  readonly severity: string;
  readonly finding: string;
}

export interface TestsslRun {
  readonly program: string;
  readonly port: number;
  /** PEM of the CAs to trust. */
  readonly caFile: string;
  /** For its report and temporary files. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

/** Scans, and gives what was found; throws with the scanner's output where there is no report. */
export async function runTestssl(run: TestsslRun): Promise<readonly TestsslFinding[]> {
  const report = path.join(run.dir, 'testssl.json');
  const quiet = [
    '--quiet',
    '--color',
    '0',
    '--warnings',
    'batch',
    '--connect-timeout',
    '30',
    '--openssl-timeout',
    '30',
  ];
  const target = ['--nodns', 'none', '--ip', '127.0.0.1', '--add-ca', run.caFile, '--jsonfile', report];
  const child = spawn(run.program, [...quiet, ...target, `localhost:${run.port}`], {
    cwd: run.dir,
    env: { ...process.env, TMPDIR: run.dir },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: run.signal,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
  }
  await once(child, 'close');
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as TestsslFinding[];
  } catch (cause) {
    throw new Error(`testssl wrote no report:\n${output}`, { cause });
  }
}
