// `postern schema`: the JSON Schema of the configuration, for editors and for other people's checks.

import type { Command } from 'commander';
import { configJsonSchema } from '../config/json-schema.ts';
import type { CliIo } from './cli-io.ts';
import { addExamples } from './program.ts';

/** Adds `postern schema`. */
export function registerSchemaCommand(program: Command, io: CliIo): void {
  const command = program
    .command('schema')
    .description('Print the JSON Schema (draft 2020-12) of the configuration file.')
    .action(() => io.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`));
  addExamples(command, [
    ['postern schema > postern.schema.json', 'keep it beside your configuration'],
    ['echo "# yaml-language-server: $schema=postern.schema.json" | cat - postern.yaml', 'let an editor use it'],
  ]);
}
