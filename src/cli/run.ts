// `postern run -c FILE`: runs the sidecar until a signal ends it.

import { flushCompileCache } from 'node:module';
import { extname, join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { isPosternError, PosternError } from '../errors.ts';
import { Sidecar } from '../runtime/sidecar.ts';
import type { SidecarEnvironment } from '../runtime/sidecar-parts.ts';
import { type LogLevel, logLevels } from '../telemetry/operational-log.ts';
import { workerCount } from '../workers/worker-config.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { addExamples } from './program.ts';
import { SignalWatch, type Steered } from './stop-on-signals.ts';

interface RunOptions {
  readonly config: string;
  readonly logLevel: string;
}

/** Adds `postern run`. */
export function registerRunCommand(program: Command, io: CliIo): void {
  const command = program
    .command('run')
    .description('Run the sidecar. SIGHUP reloads, SIGTERM drains and ends, a second SIGTERM or SIGINT ends at once.')
    .requiredOption('-c, --config <file>', 'configuration file')
    .option('--log-level <level>', `operational log: ${logLevels.join(', ')}`, 'info')
    .action((options: RunOptions) => run(options, { io, version: program.version() ?? 'unknown' }));
  addExamples(command, [
    ['postern run -c postern.yaml', 'run with a configuration'],
    ['postern check -c postern.yaml', 'look at a configuration before'],
  ]);
}

async function run(options: RunOptions, host: { readonly io: CliIo; readonly version: string }): Promise<void> {
  const { io } = host;
  const readConfig = async () => (await loadConfig(options.config, io.env, io.cwd)).config;
  const environment: SidecarEnvironment = {
    version: host.version,
    isProduction: io.env['NODE_ENV'] === 'production',
    node: io.env['NODE_NAME'] ?? null,
    pod: io.env['POD_NAME'] ?? null,
    logFd: 2,
    logLevel: logLevelOf(options.logLevel),
    shipEntry: entryFile('ship-main'),
    readConfig,
  };
  const signals = new SignalWatch();
  try {
    const steered = await startOnceKnown(environment, signals);
    if (steered === null) return io.setExitCode(exitCodes.done);
    // Node keeps compiled code at a clean exit only; one that is killed would leave the next start as slow as the first.
    flushCompileCache();
    await signals.drive(steered);
  } finally {
    signals.close();
  }
  io.setExitCode(exitCodes.done);
}

/** Null where the process was told to end before it had an identity. @throws PosternError */
async function startOnceKnown(environment: SidecarEnvironment, signals: SignalWatch): Promise<Steered | null> {
  for (;;) {
    const config = await configOnceKnown(environment, signals);
    if (config === null) return null;
    try {
      return await start(config, environment);
    } catch (error) {
      // The agent went away again between its first answer and the start.
      if (!isPosternError(error) || !error.code.startsWith('ERR_WORKLOAD_API_')) throw error;
    }
  }
}

/** The configuration, once this process has an identity to serve with; null where it was told to end before. */
async function configOnceKnown(environment: SidecarEnvironment, signals: SignalWatch): Promise<PosternConfig | null> {
  const config = await environment.readConfig();
  const { identity } = config;
  if (identity.source !== 'workload-api') return config;
  const { waitForAgent } = await import('../runtime/agent-wait.ts');
  const isKnown = await waitForAgent(identity, { config, environment, signal: signals.ending });
  // Read again: it may have been changed meanwhile.
  return isKnown ? environment.readConfig() : null;
}

/** One process serves by itself; only several have a supervisor. @throws PosternError */
async function start(config: PosternConfig, environment: SidecarEnvironment): Promise<Steered> {
  if (workerCount(config) === 1) return Sidecar.start(config, environment);
  const { Supervisor } = await import('../workers/supervisor.ts');
  return Supervisor.start(config, { environment, workerEntry: entryFile('worker-main') });
}

/** What another process or thread runs: of the sources, or of the compiled files of the package. */
function entryFile(name: string): string {
  return join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);
}

function logLevelOf(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level !== undefined) return level;
  throw new PosternError('ERR_USAGE', `\`${text}\` is not a log level`, { mend: `use ${logLevels.join(', ')}` });
}
