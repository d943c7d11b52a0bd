// The fuzzer on faults that are known: a fuzzer that finds nothing must be one that could have.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { octets, readRequests } from '../wire/recorded-events.ts';
import { mutateDer } from './engine/der-mutation.ts';
import { failureOf, fuzz } from './engine/fuzz-run.ts';
import type { FuzzTarget } from './engine/fuzz-target.ts';
import { SeededRandom } from './engine/seeded-random.ts';
import { shrink } from './engine/shrink.ts';
import { readFinding, saveFinding } from './finding-file.ts';
import { assertRequestsNotReadOtherwise, messagesOf } from './referees/agreement.ts';
import { readCorpus, writeCorpus } from './saved-corpus.ts';

const root = path.resolve(import.meta.dirname, '../..');

async function planted(): Promise<FuzzTarget> {
  const { readSecret } = await import('./engine/nested-secret.ts');
  return {
    name: 'planted',
    promise: 'none',
    covers: ['test/fuzz/engine/nested-secret.ts'],
    seeds: ['begin'],
    dictionary: ['x'],
    check: readSecret,
  };
}

test('coverage leads the fuzzer, octet by octet, to what chance would never meet', async () => {
  const untilMs = performance.now() + 60_000;
  const options = { random: new SeededRandom(1), untilMs, corpus: [], onProgress: () => {} };
  const report = await fuzz(planted, options);
  assert.match(String((report.finding?.error as Error | undefined)?.message), /the secret is out/);
  assert.ok(report.corpus.length >= 6, `a step of the way each: ${report.corpus.length}`);
  assert.ok(report.coverage().covered > 0);
});

test('a finding is made as small as it goes', async () => {
  const target = await planted();
  const input = `Ah!\xf7;7${'rest'.repeat(50)}`;
  const { input: small } = await shrink(target, { input, error: await failureOf(target, input) });
  assert.equal(small, 'Ah!\xf7;7');
});

test('an input is saved and read back octet by octet', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-fuzz-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const input = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('');
  assert.equal(readFinding(saveFinding(path.join(dir, 'findings'), 'paths', input)), input);
  writeCorpus(path.join(dir, 'corpus'), [input, 'a', input]);
  assert.deepEqual([...readCorpus(path.join(dir, 'corpus'))].sort(), [input, 'a'].sort());
});

test('a reader that sees another body is noticed', async () => {
  const text = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
  const ours = messagesOf(readRequests([octets(text)]));
  await assertRequestsNotReadOtherwise(text, ours);
  for (const change of [{ body: 'ab' }, { start: 'GET /' }, { trailers: ['X: y'] }]) {
    await assert.rejects(
      assertRequestsNotReadOtherwise(text, [{ ...ours[0]!, ...change }]),
      /reads what Postern takes/,
    );
  }
  await assert.rejects(assertRequestsNotReadOtherwise(text, [...ours, ...ours]), /reads what Postern takes/);
});

test('changed DER keeps its frame: every length fits what it holds', () => {
  const random = new SeededRandom(3);
  let input = '\x30\x0b\x02\x01\x05\x04\x06\x30\x04\x0c\x02hi';
  for (let times = 0; times < 500; times++) {
    const changed = mutateDer(input, random, ['\xff', 'spiffe://a']);
    assert.equal(
      mutateDer(changed, new SeededRandom(1), ['x']) === changed,
      changed === '',
      'not read as DER any more',
    );
    if (changed !== '' && changed.length < 500) input = changed;
  }
});

for (const { words, code, says } of [
  { words: ['--help'], code: 0, says: /--minutes/ },
  { words: ['--list'], code: 0, says: /certificates/ },
  { words: ['--target', 'nothing'], code: 2, says: /there are requests/ },
  { words: ['--minutes', 'x'], code: 2, says: /--minutes/ },
  { words: ['--target', 'paths', '--input', 'package.json'], code: 0, says: /every promise holds/ },
]) {
  test(`\`npm run fuzz -- ${words.join(' ')}\` ends with ${code}`, () => {
    const ended = spawnSync(process.execPath, ['scripts/fuzz.ts', ...words], { cwd: root, encoding: 'utf8' });
    assert.equal(ended.status, code, ended.stderr);
    assert.match(ended.stdout + ended.stderr, says);
  });
}
