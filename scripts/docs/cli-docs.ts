// docs/cli.md: what each command's `--help` prints.

import type { CliIo } from '../../src/cli/cli-io.ts';
import { type CommandFacts, describeCommand } from '../../src/cli/command-tree.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { createPaint } from '../../src/lib/paint.ts';

/** A heading for each command and subcommand, with its help. */
export async function cliMarkdown(): Promise<string> {
  const program = await buildProgram(silentIo(), '0.0.0');
  return sections(describeCommand(program)).join('\n\n');
}

function sections(command: CommandFacts): string[] {
  const depth = command.line.split(' ').length + 1;
  const own = `${'#'.repeat(depth)} \`${command.line}\`\n\n\`\`\`text\n${command.help.trimEnd()}\n\`\`\``;
  return [own, ...command.commands.flatMap(sections)];
}

/** Building the program runs no command, so nothing of this is used. */
function silentIo(): CliIo {
  return {
    out: () => {},
    err: () => {},
    env: {},
    cwd: '/',
    isTerminal: false,
    paint: createPaint(false),
    readStdin: async () => '',
    stdin: process.stdin,
    setExitCode: () => {},
  };
}
