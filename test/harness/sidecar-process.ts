// `postern run` as a user runs it: an own process with a configuration file, found ready by its admin API.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { program } from '../program.ts';
import { waitFor } from './wait-for.ts';

/** Those of bin/postern, which starts Node a second time where they are missing. */
const posternFlags = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=4',
  '--heap-growing-percent=60',
  '--expose-gc',
];

/** A folder that goes away with the test; at times before what still writes to it, since hooks run in the order in which they came. */
export function temporaryFolder(t: { after(fn: () => void): void }, name = 'postern-test-'): string {
  const dir = mkdtempSync(path.join(tmpdir(), name));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 20 }));
  return dir;
}

/** Every line of every journal segment below `dir`, parsed; a torn last line is left out. */
export function journalRecords(dir: string): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = [];
  for (const file of filesBelow(dir)) {
    if (!file.endsWith('.ndjson')) continue;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line === '' || !line.endsWith('}')) continue;
      records.push(JSON.parse(line) as Record<string, unknown>);
    }
  }
  return records;
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir)
    .sort()
    .flatMap((name) => {
      const full = path.join(dir, name);
      return statSync(full).isDirectory() ? filesBelow(full) : [full];
    });
}

export interface SidecarOptions {
  readonly configFile: string;
  readonly adminPort: number;
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
  /** Limit of open files (`ulimit -n`), soft and hard; that of this process when left out. */
  readonly openFiles?: number;
  /** The executable of an installed package; that of this checkout when left out. */
  readonly program?: string;
}

export class SidecarProcess {
  readonly child: ChildProcess;
  readonly #adminPort: number;
  stderr = '';
  stdout = '';
  exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null = null;

  private constructor(child: ChildProcess, adminPort: number) {
    this.child = child;
    this.#adminPort = adminPort;
    child.stderr!.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    child.stdout!.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString();
    });
    child.on('exit', (code, signal) => {
      this.exit = { code, signal };
    });
  }

  /** Starts without waiting; by the running Node, so that the process is the sidecar itself and can be killed. */
  static spawn(options: SidecarOptions): SidecarProcess {
    const command = [process.execPath, ...posternFlags, options.program ?? program, 'run', '-c', options.configFile];
    // `exec`, so that the process is the sidecar itself also behind a shell that lowers its limit.
    const limited =
      options.openFiles === undefined ? [] : ['sh', '-c', `ulimit -n ${options.openFiles}; exec "$@"`, 'sh'];
    const [first, ...words] = [...limited, ...command, ...(options.args ?? [])];
    const child = spawn(first!, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    return new SidecarProcess(child, options.adminPort);
  }

  /** Starts and waits until it is ready. */
  static async start(options: SidecarOptions): Promise<SidecarProcess> {
    const sidecar = SidecarProcess.spawn(options);
    await sidecar.ready();
    return sidecar;
  }

  async ready(): Promise<void> {
    await waitFor('the sidecar to be ready', async () => {
      if (this.exit !== null) return true;
      return (await this.admin('/readyz')).status === 200;
    });
    if (this.exit !== null) throw new Error(`the sidecar ended with ${this.exit.code}: ${this.stderr}`);
  }

  /** Asks the admin API. */
  admin(pathAndQuery: string, method = 'GET', body?: unknown): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          host: '127.0.0.1',
          port: this.#adminPort,
          path: pathAndQuery,
          method,
          agent: false,
          headers: method === 'POST' ? { 'content-type': 'application/json' } : {},
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (piece: string) => {
            text += piece;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
        },
      );
      request.on('error', reject);
      request.end(method === 'POST' ? JSON.stringify(body ?? {}) : undefined);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Waits for the end of the process. */
  async ended(deadlineMs = 15_000): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    await waitFor('the sidecar to end', () => this.exit, deadlineMs);
    return this.exit!;
  }

  /** Ends it at once, whatever it does. */
  async kill(): Promise<void> {
    if (this.exit === null) this.child.kill('SIGKILL');
    await this.ended();
  }

  /** Open descriptors. */
  get descriptorCount(): number {
    return readdirSync(`/proc/${this.child.pid}/fd`).length;
  }

  /** CPU time used so far, user and system, in ticks of 10 ms. */
  get cpuTicks(): number {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  }

  /** The value of a metric: the sum over the samples that have these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return (await this.admin('/metrics')).body
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Resident memory, bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }
}

/** Writes a file below a folder and gives its path; keys are for their owner only. */
export function put(dir: string, name: string, text: string): string {
  const file = path.join(dir, name);
  writeFileSync(file, text, { mode: name.endsWith('.key') ? 0o600 : 0o644 });
  return file;
}
