// Completion: the scripts are valid, and those of bash and fish complete what is there.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { requireTool } from '../require-tool.ts';
import { runPostern } from './run-cli.ts';

const scripts: Readonly<Record<string, string>> = Object.fromEntries(
  await Promise.all(
    ['bash', 'zsh', 'fish'].map(async (shell) => [shell, (await runPostern(['completion', shell])).stdout] as const),
  ),
);

const folder = mkdtempSync(join(tmpdir(), 'postern-completion-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The script as a file: fish reads no program from a socket. */
const fileOf = (shell: string): string => join(folder, `postern.${shell}`);

for (const [shell, script] of Object.entries(scripts)) {
  writeFileSync(fileOf(shell), script);
  test(`the script for ${shell} has no syntax error`, (t) => {
    if (requireTool(t, shell) === null) return;
    const { status, stderr } = spawnSync(shell, ['-n', fileOf(shell)], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });
}

function completeInBash(words: readonly string[]): string[] {
  const run = `${scripts['bash']}\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n_postern\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync('bash', ['-c', run, 'bash', ...words], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash completes', () => {
  test('a command', () => assert.deepEqual(completeInBash(['postern', 'che']), ['check']));
  test('the options of a command', () => assert.deepEqual(completeInBash(['postern', 'check', '--st']), ['--strict']));
  test('a subcommand', () => assert.deepEqual(completeInBash(['postern', 'audit', 'ver']), ['verify']));
  test('the word of an argument', () => assert.deepEqual(completeInBash(['postern', 'completion', 'f']), ['fish']));
  test('a file where nothing else fits', () => {
    assert.deepEqual(completeInBash(['postern', 'check', '-c', 'package.js']), ['package.json']);
  });
});

test('fish completes commands, subcommands and options', (t) => {
  const fish = requireTool(t, 'fish');
  if (fish === null) return;
  const complete = (line: string): readonly string[] => {
    const { stdout } = spawnSync(fish, ['-c', `source ${fileOf('fish')}; complete -C '${line}'`], {
      encoding: 'utf8',
    });
    return stdout.split('\n').flatMap((one) => (one === '' ? [] : one.split('\t', 1)));
  };
  assert.deepEqual(complete('postern che'), ['check']);
  assert.deepEqual(complete('postern audit ver'), ['verify']);
  assert.deepEqual(complete('postern check --st'), ['--strict']);
});
