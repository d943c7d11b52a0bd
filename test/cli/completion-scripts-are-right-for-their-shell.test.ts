// Completion: the scripts are valid, and the bash one completes what is there.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { runPostern } from './run-cli.ts';

const scripts: Readonly<Record<string, string>> = Object.fromEntries(
  await Promise.all(
    ['bash', 'zsh', 'fish'].map(async (shell) => [shell, (await runPostern(['completion', shell])).stdout] as const),
  ),
);

const isInstalled = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

for (const [shell, script] of Object.entries(scripts)) {
  test(`the script for ${shell} has no syntax error`, {
    skip: isInstalled(shell) ? false : `${shell} is not installed`,
  }, () => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' });
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
