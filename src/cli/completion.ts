// `postern completion bash|zsh|fish`: completion of commands and options.

import { Argument, type Command } from 'commander';
import type { CliIo } from './cli-io.ts';
import { describeCommand } from './command-tree.ts';
import { completionScript, type Shell } from './completion-scripts.ts';
import { addExamples } from './program.ts';

/** Adds `postern completion`. */
export function registerCompletionCommand(program: Command, io: CliIo): void {
  const command = program
    .command('completion')
    .description('Print the completion script of commands and options for a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) => io.out(completionScript(shell, describeCommand(program))));
  addExamples(command, [
    ['source <(postern completion bash)', 'in ~/.bashrc'],
    ['source <(postern completion zsh)', 'in ~/.zshrc, after compinit'],
    ['postern completion fish | source', 'in config.fish'],
  ]);
}
