// Programs of this machine that know nothing of Postern: found on the PATH, started and ended by the demo, never changed.

import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PosternError } from '../errors.ts';

/** What a program printed, and how it ended. */
export interface ProgramOutput {
  readonly ok: boolean;
  readonly text: string;
}

const patienceMs = 30_000;
const pollMs = 20;

/** The full path of a program, or null where it is not installed. Debian keeps those of PostgreSQL by version. */
export function findProgram(name: string, searchPath: string): string | null {
  const folders = [...searchPath.split(path.delimiter), '/usr/sbin', ...globSync('/usr/lib/postgresql/*/bin')];
  const found = folders.filter((folder) => folder !== '').map((folder) => path.join(folder, name));
  return found.find(isExecutable) ?? null;
}

/** Runs a program to its end. */
export function runProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProgramOutput> {
  return new Promise((resolve) => {
    execFile(file, [...args], { env, timeout: patienceMs }, (error, stdout, stderr) => {
      const lines = `${stdout}\n${error === null ? '' : stderr}`.split('\n').filter((line) => line.trim() !== '');
      resolve({ ok: error === null, text: error === null ? lines.join(' | ') : (lines.at(-1) ?? String(error)) });
    });
  });
}

/** A server that was started. */
export interface LegacyServer {
  close(): Promise<void>;
}

/** Starts a server and waits until it accepts connections. @throws PosternError where it does not */
export async function startServer(
  file: string,
  args: readonly string[],
  options: { readonly port: number; readonly spawn: SpawnOptions; readonly isReady?: () => Promise<boolean> },
): Promise<LegacyServer> {
  const child = spawn(file, [...args], { ...options.spawn, stdio: 'ignore' });
  const server = { close: () => endOf(child) };
  const isReady = options.isReady ?? (() => accepts(options.port));
  const until = performance.now() + patienceMs;
  while (performance.now() < until && child.exitCode === null) {
    if (await isReady()) return server;
    await pause(pollMs);
  }
  await server.close();
  throw new PosternError('ERR_DEMO_PROGRAM', `\`${file}\` did not start`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

async function endOf(child: ChildProcess): Promise<void> {
  child.kill('SIGINT');
  const until = performance.now() + patienceMs;
  while (child.exitCode === null && child.signalCode === null && performance.now() < until) await pause(pollMs);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
