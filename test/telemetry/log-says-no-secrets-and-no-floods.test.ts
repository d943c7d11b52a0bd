// The operational log: what a line may hold, levels, floods, and a reader who stops reading.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { PosternError } from '../../src/errors.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { createOperationalLog, type LogLevel, type OperationalLog } from '../../src/telemetry/operational-log.ts';

interface OpenedLog {
  readonly log: OperationalLog;
  readonly advance: (ms: number) => void;
  /** Closes the log and gives its lines. */
  readonly lines: () => Promise<Record<string, unknown>[]>;
}

function openLog(context: TestContext, level: LogLevel = 'info'): OpenedLog {
  const folder = mkdtempSync(join(tmpdir(), 'postern-log-'));
  const file = join(folder, 'log');
  const fd = openSync(file, 'a');
  context.after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const clock = new ManualClock(Date.UTC(2026, 10, 22, 10));
  const wheel = new TimerWheel({ clock, tickMs: 100, onError: assert.ifError });
  const log = createOperationalLog({ level, clock, wheel, fd });
  const advance = (ms: number): void => {
    clock.advance(ms);
    wheel.turn();
  };
  const lines = async (): Promise<Record<string, unknown>[]> => {
    await log.close();
    const text = readFileSync(file, 'utf8').trimEnd();
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  return { log, advance, lines };
}

test('a line is one JSON object with level, time, message and its fields', async (context) => {
  const { log, lines } = openLog(context);
  log.info('listener bound', { listener: 'api', port: 8443 });
  assert.deepEqual(await lines(), [
    { level: 'info', time: '2026-11-22T10:00:00.000Z', listener: 'api', port: 8443, message: 'listener bound' },
  ]);
});

test('lines below the level are not written, and the level changes at run time', async (context) => {
  const { log, lines } = openLog(context, 'warn');
  log.info('one');
  log.warn('two');
  log.setLevel('debug');
  assert.equal(log.level, 'debug');
  log.debug('three');
  log.setLevel('error');
  log.warn('four');
  assert.deepEqual(
    (await lines()).map(({ message }) => message),
    ['two', 'three'],
  );
});

test('a word that is no level is refused and changes nothing', (context) => {
  const { log } = openLog(context);
  assert.throws(() => log.setLevel('loud' as LogLevel), TypeError);
  assert.equal(log.level, 'info');
});

const jwt = `eyJhbGciOiJFUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(40)}`;
const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n-----END PRIVATE KEY-----';
const secrets: readonly { readonly what: string; readonly fields: Record<string, unknown>; readonly never: RegExp }[] =
  [
    {
      what: 'an authorization header',
      fields: { headers: { authorization: 'Basic dXNlcjpwYXNz' } },
      never: /dXNlcjpwYXNz/,
    },
    { what: 'a cookie', fields: { 'set-cookie': 'sid=31337' }, never: /31337/ },
    { what: 'a field named token', fields: { accessToken: 'opaque-31337' }, never: /31337/ },
    { what: 'a field named password, deep', fields: { a: { b: [{ db_password: 'hunter2' }] } }, never: /hunter2/ },
    { what: 'a JWT within a text', fields: { detail: `got ${jwt} from peer` }, never: /aaaaaaaa|eyJ/ },
    {
      what: 'a bearer token in an error',
      fields: { error: new Error('sent Bearer abc.def-ghi~31337') },
      never: /31337/,
    },
    { what: 'a private key in a cause', fields: { error: new Error('bad', { cause: pem }) }, never: /MC4CAQ/ },
    { what: 'bytes', fields: { body: Buffer.from('hunter2') }, never: /hunter2|104/ },
  ];

for (const { what, fields, never } of secrets) {
  test(`${what} is never written`, async (context) => {
    const { log, lines } = openLog(context);
    log.info('event', fields);
    const text = JSON.stringify(await lines());
    assert.doesNotMatch(text, never);
    assert.match(text, /\[masked\]|bytes\]/);
  });
}

test('a field cannot say level, time or message anew', async (context) => {
  const { log, lines } = openLog(context);
  log.warn('real', { message: 'forged', level: 'info', time: 'never' });
  const [line] = await lines();
  assert.equal(line!['message'], 'real');
  assert.equal(line!['level'], 'warn');
  assert.equal(line!['time'], '2026-11-22T10:00:00.000Z');
  assert.equal(line!['message_'], 'forged');
});

test('a coded error is written with its code and mend, another one with its stack', async (context) => {
  const { log, lines } = openLog(context);
  log.error('coded', { error: new PosternError('ERR_LISTEN', 'cannot listen on `:1`', { cause: new Error('inner') }) });
  log.error('defect', { error: new RangeError('index') });
  const [coded, defect] = (await lines()).map(({ error }) => error as Record<string, unknown>);
  assert.equal(coded!['code'], 'ERR_LISTEN');
  assert.match(String(coded!['mend']), /listen/);
  assert.equal(coded!['stack'], undefined);
  assert.equal((coded!['cause'] as Record<string, unknown>)['message'], 'inner');
  assert.ok(Array.isArray(defect!['stack']));
});

const hostileText = fc
  .tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(1, 2, 100))
  .map(([text, times]) => text.repeat(times));

test('whatever the fields are: one line, valid JSON, no control or bidi characters, bounded', async (context) => {
  const { log, lines } = openLog(context);
  let count = 0;
  fc.assert(
    fc.property(hostileText, fc.object({ maxDepth: 5 }), (text, object) => {
      log.info(text, { text, object, [text]: 1 });
      count++;
    }),
    { numRuns: 200 },
  );
  const all = await lines();
  assert.equal(all.length, count);
  const walk = (value: unknown): void => {
    if (typeof value === 'string') {
      assert.doesNotMatch(value, /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
      assert.ok(value.length <= 1_200);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value)) {
        walk(name);
        walk(member);
      }
    }
  };
  for (const line of all) walk(line);
});

test('a getter that throws, a cycle and a symbol do not keep the line from being written', async (context) => {
  const { log, lines } = openLog(context);
  const odd: Record<string, unknown> = { symbol: Symbol('s'), big: 10n, nan: Number.NaN, when: new Date(0) };
  odd['self'] = odd;
  Object.defineProperty(odd, 'trap', {
    enumerable: true,
    get: () => {
      throw new Error('trap');
    },
  });
  log.info('odd', odd);
  const [line] = await lines();
  assert.equal(line!['trap'], '[unreadable]');
  assert.equal(line!['big'], '10');
  assert.equal(line!['when'], '1970-01-01T00:00:00.000Z');
});

test('a flood of one kind passes at its rate, and the rest is counted and told at the end of the second', async (context) => {
  const { log, advance, lines } = openLog(context);
  for (let second = 0; second < 2; second++) {
    for (let peer = 0; peer < 1_000; peer++) log.sampled('bad-peer', 5).warn('a peer was refused', { peer });
    log.sampled('other-kind', 5).warn('another kind is not held back');
    advance(1_100);
  }
  assert.equal(log.figures().suppressed, 1_990);
  const written = (await lines()).map(({ message, count }) => ({ message, count }));
  const refused = written.filter(({ message }) => message === 'a peer was refused');
  assert.equal(refused.length, 10);
  assert.equal(written.filter(({ message }) => message === 'another kind is not held back').length, 2);
  const told = written.filter(({ message }) => message === 'lines of the log were held back');
  assert.deepEqual(
    told.map(({ count }) => count),
    [995, 995],
  );
});

test('what was held back is told when the log closes', async (context) => {
  const { log, lines } = openLog(context);
  for (let line = 0; line < 3; line++) log.sampled('kind', 1).info('one of three');
  const all = await lines();
  assert.equal(all.length, 2);
  assert.equal(all[1]!['count'], 2);
});

test('lines that their level hides do not use up the rate', async (context) => {
  const { log, lines } = openLog(context);
  for (let line = 0; line < 100; line++) log.sampled('kind', 1).debug('hidden');
  log.sampled('kind', 1).info('seen');
  assert.deepEqual(
    (await lines()).map(({ message }) => message),
    ['seen'],
  );
});

// `pipe` of spawn is a socket; through a shell it is a pipe. Nobody reads either.
const outputs = [
  { what: 'a socket', command: process.execPath, args: (script: string) => [script] },
  {
    what: 'a pipe',
    command: 'bash',
    args: (script: string) => [
      '-c',
      `"${process.execPath}" "${script}" 2> >(exec sleep 30 >&-) & wait $!; kill %% 2>&-; exit 0`,
    ],
  },
];

for (const { what, command, args } of outputs) {
  test(`a reader who stops reading ${what} stops the process neither from working nor from ending`, async () => {
    const script = fileURLToPath(new URL('./log-flood.ts', import.meta.url));
    const child = spawn(command, args(script), { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr.pause();
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const { promise, resolve } = Promise.withResolvers<number | null>();
    child.once('exit', resolve);
    const code = await promise;
    clearTimeout(late);
    child.stderr.destroy();
    assert.equal(code, 0);
    const { dropped, turnedMs } = JSON.parse(text) as { dropped: number; turnedMs: number };
    assert.ok(dropped > 1_000 && dropped <= 5_000, `${dropped} dropped`);
    assert.ok(turnedMs < 5_000, `${turnedMs} ms`);
  });
}

test('a slow reader gets every line, whole and in order', async () => {
  const script = fileURLToPath(new URL('./log-burst.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  for await (const chunk of child.stderr.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    await pause(1);
  }
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { line: number }).line);
  assert.deepEqual(
    lines,
    Array.from({ length: 800 }, (_, at) => at),
  );
});
