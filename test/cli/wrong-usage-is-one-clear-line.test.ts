// What the command line does with wrong usage: exit code 2, one line on stderr with a mend, nothing on stdout.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import { runPostern } from './run-cli.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

const wrong: readonly (readonly [what: string, args: readonly string[], line: string])[] = [
  [
    'a mistyped command',
    ['chekc'],
    'postern: unknown command `chekc` [ERR_USAGE]; did you mean check? see `postern --help`\n',
  ],
  [
    'a mistyped option',
    ['check', '--jsn'],
    'postern: unknown option `--jsn` [ERR_USAGE]; did you mean --json? see `postern check --help`\n',
  ],
  [
    'an argument too many',
    ['schema', 'x'],
    'postern: too many arguments for `schema`. Expected 0 arguments but got 1 [ERR_USAGE]; see `postern schema --help`\n',
  ],
  [
    'an option without its value',
    ['check', '-c'],
    'postern: option `-c, --config <file>` argument missing [ERR_USAGE]; see `postern check --help`\n',
  ],
  [
    'a word that is none of the choices',
    ['completion', 'csh'],
    'postern: command-argument value `csh` is invalid for argument `shell`. Allowed choices are bash, zsh, fish [ERR_USAGE]; see `postern completion --help`\n',
  ],
  [
    'a missing argument',
    ['completion'],
    'postern: missing required argument `shell` [ERR_USAGE]; see `postern completion --help`\n',
  ],
  [
    'a configuration that is not there',
    ['check', '-c', 'nowhere.yaml'],
    'postern: `nowhere.yaml` cannot be read (ENOENT) [ERR_CONFIG_READ]; check that the path is right and that the user of Postern may read it\n',
  ],
  [
    'control characters in a name',
    ['\u001b[2Jx'],
    'postern: unknown command `\ufffd[2Jx` [ERR_USAGE]; see `postern --help`\n',
  ],
];

describe('exit code 2 and one line for', () => {
  for (const [what, args, line] of wrong) {
    test(what, async () => assert.deepEqual(await runPostern(args), { code: 2, stdout: '', stderr: line }));
  }
});

test('no command at all prints help to stderr and exits with 2', async () => {
  const { code, stdout, stderr } = await runPostern([]);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^Usage: postern/);
});

test('--debug adds the stack, also behind the command', async () => {
  const { code, stderr } = await runPostern(['check', '--debug', '-c', 'nowhere.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /\n {4}at .*loadConfig/);
  assert.match(stderr, /caused by: Error: ENOENT/);
});

test('a working directory that was removed is one line too, and no matter to --help', () => {
  const inRemovedFolder = (args: string) => {
    const dir = mkdtempSync(join(tmpdir(), 'postern-gone-'));
    const script = `cd '${dir}' && rmdir '${dir}' && exec "$0" "$1" ${args}`;
    return spawnSync('/bin/sh', ['-c', script, process.execPath, main], { encoding: 'utf8' });
  };
  const check = inRemovedFolder('check -c postern.yaml');
  assert.equal(check.status, 2);
  assert.equal(check.stderr, 'postern: the working directory is gone [ERR_USAGE]; change to a directory that exists\n');
  assert.equal(inRemovedFolder('--help').status, 0);
});
