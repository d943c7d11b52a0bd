// Help: every command has examples and one summary, and asking for it does not load the proxy.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import type { CliIo } from '../../src/cli/cli-io.ts';
import { commandTable } from '../../src/cli/command-table.ts';
import { type CommandFacts, describeCommand } from '../../src/cli/command-tree.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { createPaint } from '../../src/lib/paint.ts';
import { runPostern } from './run-cli.ts';

const io: CliIo = {
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

function leaves(command: CommandFacts): CommandFacts[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

const program = describeCommand(await buildProgram(io, '1.2.3'));

describe('the help of every command', () => {
  for (const command of leaves(program)) {
    test(`${command.line} describes itself and ends with examples that name it`, () => {
      assert.ok(command.description.length > 10);
      const examples = command.help.split('\nExamples:\n')[1];
      assert.ok(examples?.includes(command.line), command.help);
      for (const option of command.options) assert.notEqual(option.description, '', `${command.line} ${option.flags}`);
    });
  }
});

test('the commands are those of the table, in its order', () => {
  assert.deepEqual(
    program.commands.map((command) => command.name),
    commandTable.map((entry) => entry.name),
  );
});

test('--help lists every command and loads none of them', async () => {
  // The sources: a bundle does not tell what it has loaded.
  const module = join(import.meta.dirname, '../../src/cli/main.ts');
  const { code, stdout, stderr } = await runPostern(['--help'], { module, env: { NODE_DEBUG: 'esm' } });
  assert.equal(code, 0);
  for (const { name, summary } of commandTable)
    assert.match(stdout, new RegExp(`^  ${name}\\b.*${summary.slice(0, 20)}`, 'm'));
  assert.doesNotMatch(stderr, /src\/(?:proxy|authz|audit|config)\//);
  assert.match(stderr, /src\/cli\/program\.ts/, 'this Node no longer tells which modules it loads');
});

for (const args of [
  ['help', 'check'],
  ['check', '--help'],
  ['check', '-h'],
]) {
  test(`\`postern ${args.join(' ')}\` prints the help of check to stdout`, async () => {
    const { code, stdout, stderr } = await runPostern(args);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Usage: postern check/);
    assert.match(stdout, /--strict/);
  });
}

for (const flag of ['--version', '-V']) {
  test(`${flag} prints the version of the package`, async () => {
    assert.deepEqual(await runPostern([flag]), { code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
}
