// `postern demo [--once]`: an embedded CA, a legacy service, the sidecar before it, and calls that are allowed and denied.

import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { closeDemoWorld, openDemoWorld } from '../demo/demo-world.ts';
import { runDemo } from '../demo/run-demo.ts';
import { PosternError } from '../errors.ts';
import type { Sidecar } from '../runtime/sidecar.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { addExamples } from './program.ts';
import { SignalWatch } from './stop-on-signals.ts';

interface DemoOptions {
  readonly once?: true;
  readonly tcp?: true;
  readonly grpc?: true;
  readonly dir: string;
  readonly adminPort: string;
  readonly port: string;
}

/** Adds `postern demo`. */
export function registerDemoCommand(program: Command, io: CliIo): void {
  const command = program
    .command('demo')
    .description('Run the demo: a legacy service, the sidecar before it, and calls that are allowed and denied.')
    .option('--once', 'make the calls, print the outcomes and end: 0 if all were as expected, else 1')
    .option('--tcp', 'programs that nobody changed, on both sides: Python and PostgreSQL through two Posterns')
    .option('--grpc', 'a chat over gRPC: calls judged by their method, and one that loses its right midway')
    .option('--dir <dir>', 'folder of the demo; it is made anew', '.postern/demo')
    .option('--port <port>', 'port of the sidecar; 0 takes a free one', '0')
    .option('--admin-port <port>', 'port of the admin API; 0 takes a free one', '0')
    .action((options: DemoOptions) => demoOf(options)(options, { io, version: program.version() ?? 'unknown' }));
  addExamples(command, [
    ['postern demo', 'make the calls and stay up until Ctrl-C'],
    ['postern demo --once', 'as a check'],
    ['postern demo --tcp --once', 'a Python client, python3 -m http.server, psql and PostgreSQL'],
    ['postern demo --grpc --once', 'a chat over gRPC'],
  ]);
}

interface DemoHost {
  readonly io: CliIo;
  readonly version: string;
}

function demoOf({ tcp, grpc }: DemoOptions): (options: DemoOptions, host: DemoHost) => Promise<void> {
  if (tcp && grpc) throw new PosternError('ERR_USAGE', '`--tcp` and `--grpc` are two demos', { mend: 'give one' });
  if (tcp) return tcpDemo;
  return grpc ? grpcDemo : demo;
}

async function demo(options: DemoOptions, host: DemoHost): Promise<void> {
  const { io } = host;
  await withLog(options, io, async ({ dir, logFd }) => {
    const world = await openDemoWorld({
      dir,
      version: host.version,
      logFd,
      env: io.env,
      port: portOf(options.port),
      adminPort: portOf(options.adminPort),
    });
    const isAsExpected = await runDemo(world, (line) => io.out(`${line}\n`), io.paint);
    if (!isAsExpected) io.setExitCode(exitCodes.no);
    if (options.once === true) return await closeDemoWorld(world);
    io.out('\nUp until Ctrl-C. Try it yourself with the certificates of `postern ca issue`.\n');
    await untilSignal(world.sidecar);
    await world.service.close();
  });
}

async function tcpDemo(options: DemoOptions, host: DemoHost): Promise<void> {
  const { io } = host;
  const { openTcpDemo } = await import('../demo/tcp-demo-world.ts');
  const { runTcpDemo } = await import('../demo/run-tcp-demo.ts');
  await withLog(options, io, async ({ dir, logFd }) => {
    const world = await openTcpDemo({ dir, version: host.version, logFd, env: io.env });
    try {
      const isAsExpected = await runTcpDemo(world, (line) => io.out(`${line}\n`), io.paint);
      if (!isAsExpected) io.setExitCode(exitCodes.no);
      if (options.once === true) return;
      io.out(`\nUp until Ctrl-C. Configurations, policies and journals are in ${dir}\n`);
      await untilSignal(world.front);
    } finally {
      await world.close();
    }
  });
}

/** The folder of the demo, and beside it the operational log. */
async function withLog(
  options: DemoOptions,
  io: CliIo,
  run: (place: { readonly dir: string; readonly logFd: number }) => Promise<void>,
): Promise<void> {
  const dir = path.resolve(io.cwd, options.dir);
  mkdirSync(path.dirname(dir), { recursive: true });
  const logFd = openSync(`${dir}.log`, 'w');
  try {
    await run({ dir, logFd });
  } finally {
    closeSync(logFd);
  }
}

async function untilSignal(sidecar: Sidecar): Promise<void> {
  const signals = new SignalWatch();
  await signals.drive(sidecar);
  signals.close();
}

async function grpcDemo(options: DemoOptions, host: DemoHost): Promise<void> {
  const { io } = host;
  const { openGrpcDemo } = await import('../demo/grpc-demo-world.ts');
  const { runGrpcDemo } = await import('../demo/run-grpc-demo.ts');
  await withLog(options, io, async ({ dir, logFd }) => {
    const ports = { port: portOf(options.port), adminPort: portOf(options.adminPort) };
    const world = await openGrpcDemo({ dir, version: host.version, logFd, env: io.env, ...ports });
    try {
      const isAsExpected = await runGrpcDemo(world, (line) => io.out(`${line}\n`), io.paint);
      if (!isAsExpected) io.setExitCode(exitCodes.no);
      if (options.once === true) return;
      io.out(`\nUp until Ctrl-C. Configuration, policy and journal are in ${dir}\n`);
      await untilSignal(world.sidecar);
    } finally {
      await world.close();
    }
  });
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new PosternError('ERR_USAGE', `\`${text}\` is not a port`, { mend: 'write a number from 0 to 65535' });
}
