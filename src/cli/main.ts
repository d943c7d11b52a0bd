// The command line. Only this file and bin/postern touch the process.

import process from 'node:process';
import { CommanderError } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { PosternError } from '../errors.ts';
import { type CliIo, processIo } from './cli-io.ts';
import { commandTable } from './command-table.ts';
import { exitCodes } from './exit-codes.ts';
import { buildProgram, isDisplayed } from './program.ts';
import { reportError } from './report-error.ts';

/** Runs one command line (without the program's own name) to its end; the exit code goes to `io.setExitCode`. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<void> {
  try {
    const program = await buildProgram(io, manifest.version, (name) => namesCommand(argv, name));
    if (argv.length === 0) {
      io.err(program.helpInformation());
      io.setExitCode(exitCodes.usage);
      return;
    }
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (isDisplayed(error)) return;
    const report = reportError(error instanceof CommanderError ? usageError(error, argv) : error, wantsStack(argv));
    io.err(report.text);
    io.setExitCode(report.exitCode);
  }
}

/** `postern policy lint` and `postern help policy` need the file of `policy` only. */
function namesCommand(argv: readonly string[], name: string): boolean {
  const words = argv.filter((word) => !word.startsWith('-'));
  return words[0] === name || (words[0] === 'help' && words[1] === name) || words[0] === 'completion';
}

function wantsStack(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).includes('--debug');
}

function usageError(error: CommanderError, argv: readonly string[]): PosternError {
  const [message, suggestion] = error.message.replace(/^error: /, '').split('\n');
  const command = commandTable.find((entry) => argv.includes(entry.name));
  const help = `see \`postern ${command === undefined ? '' : `${command.name} `}--help\``;
  const mend = suggestion === undefined ? help : `${lowerFirst(suggestion.replace(/^\((.*)\)$/, '$1'))} ${help}`;
  return new PosternError('ERR_USAGE', (message ?? 'wrong usage').replaceAll("'", '`').replace(/\.$/, ''), {
    cause: error,
    mend,
  });
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** Runs the command line of this process. */
export async function runProcess(): Promise<void> {
  await runCli(process.argv.slice(2), processIo(process));
}

if (import.meta.main) {
  await runProcess();
}
