// Builds the commander program: the command that was asked for in full, the others as names for help and suggestions.

import { Command, CommanderError } from 'commander';
import type { CliIo } from './cli-io.ts';
import { type CommandEntry, commandTable } from './command-table.ts';

/** A program with every command that `isWanted` names loaded in full. */
export async function buildProgram(
  io: CliIo,
  version: string,
  isWanted: (name: string) => boolean = () => true,
): Promise<Command> {
  const program = new Command('postern')
    .description('Identity-aware sidecar proxy: mTLS in, SPIFFE ID, policy, a record of each decision, then forward.')
    .version(version, '-V, --version', 'print the version')
    .option('--debug', 'print the stack of a fault that ends the command')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: () => {}, getOutHasColors: () => false });
  for (const entry of commandTable)
    await addEntry(program, io, isWanted(entry.name) ? entry : { ...entry, load: null });
  return program;
}

type MaybeLoaded = CommandEntry | (Omit<CommandEntry, 'load'> & { readonly load: null });

async function addEntry(program: Command, io: CliIo, entry: MaybeLoaded): Promise<void> {
  if (entry.load === null) {
    program.command(entry.name).summary(entry.summary);
    return;
  }
  const register = await entry.load();
  register(program, io);
  const command = program.commands.find((candidate) => candidate.name() === entry.name);
  if (command === undefined) throw new TypeError(`the file of command ${entry.name} registers another name`);
  command.summary(entry.summary);
}

/** Adds the section that every command's help ends with. Rows are the command line and what it is for. */
export function addExamples(
  command: Command,
  examples: readonly (readonly [line: string, purpose: string])[],
): Command {
  const lines = examples.map(([line, purpose]) => `  # ${purpose}\n  ${line}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** True for what commander throws to say that help or version was printed. */
export function isDisplayed(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}
