// The commander program as plain data, for shell completion and for docs/cli.md.

import type { Command } from 'commander';

export interface OptionFacts {
  /** As in help: `-c, --config <file>`. */
  readonly flags: string;
  readonly short: string | null;
  readonly long: string | null;
  readonly takesValue: boolean;
  /** Words that the value must be one of; empty for any. */
  readonly choices: readonly string[];
  readonly description: string;
  readonly defaultText: string | null;
}

export interface CommandFacts {
  /** Without the names of the commands above. */
  readonly name: string;
  /** The whole line: `postern policy lint`. */
  readonly line: string;
  /** Arguments and options as in `Usage:`. */
  readonly usage: string;
  readonly summary: string;
  readonly description: string;
  /** Words that its first argument must be one of; empty for any. */
  readonly argumentChoices: readonly string[];
  readonly options: readonly OptionFacts[];
  readonly commands: readonly CommandFacts[];
  /** Everything that `--help` prints. */
  readonly help: string;
}

/** Reads a command and all below it. */
export function describeCommand(command: Command, above = ''): CommandFacts {
  const line = above === '' ? command.name() : `${above} ${command.name()}`;
  const help = command.createHelp();
  return {
    name: command.name(),
    line,
    usage: command.usage(),
    summary: command.summary() || command.description(),
    description: command.description(),
    argumentChoices: command.registeredArguments[0]?.argChoices ?? [],
    options: help.visibleOptions(command).map((option) => ({
      flags: option.flags,
      short: option.short ?? null,
      long: option.long ?? null,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      description: option.description,
      defaultText:
        option.defaultValue === undefined ? null : String(option.defaultValueDescription ?? option.defaultValue),
    })),
    commands: help
      .visibleCommands(command)
      .filter((child) => child.name() !== 'help')
      .map((child) => describeCommand(child, line)),
    help: fullHelp(command),
  };
}

function fullHelp(command: Command): string {
  const pieces: string[] = [];
  const output = command.configureOutput();
  command.configureOutput({ ...output, writeOut: (text) => pieces.push(text), getOutHelpWidth: () => 100 });
  command.outputHelp();
  command.configureOutput(output);
  return pieces.join('');
}
