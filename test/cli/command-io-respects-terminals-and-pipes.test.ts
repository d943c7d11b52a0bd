// What commands see of the process: colour, stdin and streams that go away.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { processIo, wantsColour } from '../../src/cli/cli-io.ts';
import { reportError } from '../../src/cli/report-error.ts';
import { isPosternError, PosternError } from '../../src/errors.ts';
import { createPaint } from '../../src/lib/paint.ts';

const cases: readonly (readonly [isTerminal: boolean, env: Record<string, string>, isColoured: boolean])[] = [
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
];

describe('colour', () => {
  for (const [isTerminal, env, expected] of cases) {
    test(`${expected ? 'is used' : 'is not used'} on ${isTerminal ? 'a terminal' : 'a pipe'} with ${JSON.stringify(env)}`, () => {
      assert.equal(wantsColour(isTerminal, env), expected);
    });
  }

  test('leaves the text as it is where it is off', () => {
    assert.equal(createPaint(false).red('no'), 'no');
    assert.equal(createPaint(true).red('no'), '\u001b[31mno\u001b[39m');
  });
});

function ioWith(stdin: Readable) {
  return processIo({ stdout: new PassThrough(), stderr: new PassThrough(), stdin, env: {}, cwd: () => '/' });
}

describe('stdin', () => {
  test('is read to its end as text, also where a letter is split between pieces', async () => {
    const letter = Buffer.from('é');
    assert.equal(await ioWith(Readable.from([letter.subarray(0, 1), letter.subarray(1)])).readStdin(), 'é');
  });

  test('that is not text is refused', async () => {
    await assert.rejects(ioWith(Readable.from([Buffer.from([0xff])])).readStdin(), (error) =>
      isPosternError(error, 'ERR_CLI_INPUT'),
    );
  });

  test('without end is refused at 16 MiB', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1024 * 1024);
      })(),
    );
    await assert.rejects(ioWith(endless).readStdin(), (error) => isPosternError(error, 'ERR_CLI_INPUT'));
  });
});

describe('a fault that ends a command', () => {
  test('is ERR_INTERNAL on one line where it has no code', () => {
    const { text, exitCode } = reportError(new Error('two\nlines'), false);
    assert.equal(text, 'postern: two lines [ERR_INTERNAL]; run it again with --debug and report the stack\n');
    assert.equal(exitCode, 3);
  });

  test('names its place and its mend', () => {
    const position = { file: 'a.yaml', line: 3, column: 7 };
    const { text } = reportError(new PosternError('ERR_CONFIG_VALUE', 'wrong', { position, mend: 'right it' }), false);
    assert.equal(text, 'postern: a.yaml:3:7: wrong [ERR_CONFIG_VALUE]; right it\n');
  });

  test('that is no error at all is still told', () => {
    assert.match(reportError(undefined, true).text, /\[ERR_INTERNAL\]/);
  });
});

test('a reader that goes away ends the command quietly', async () => {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const child = spawn(process.execPath, [main, 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += String(piece);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([code, stderr], [0, '']);
});
