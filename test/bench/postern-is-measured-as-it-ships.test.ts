// What the benches measure is what users run: the same flags of Node, the kept compiled code, the same allocation.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Contestant, enter, openStage } from '../../bench/lineup.ts';
import { postern } from '../../bench/peers/postern.ts';

const root = join(import.meta.dirname, '../..');
const executable = readFileSync(join(root, 'bin/postern'), 'utf8');
const listed = /const runtimeFlags = \[(.*?)\n\];/s.exec(executable)?.[1] ?? '';
const flags = [...listed.matchAll(/^\s*'(--[^']+)',$/gm)].map(([, flag]) => flag!);

test('the measured process has the flags and the environment that bin/postern gives', {
  skip: existsSync('/proc/self/cmdline') ? false : 'no /proc',
}, async (t) => {
  assert.ok(flags.length >= 3, 'the list of bin/postern was found');
  const stage = await openStage({ proxy: null, load: null, workload: null });
  let contestant: Contestant | undefined;
  t.after(async () => {
    await contestant?.stop();
    await stage.close();
  });
  contestant = await enter(stage, postern);
  const pids = contestant.pids();
  assert.equal(pids.length, 1, 'no launcher stays behind to be counted');
  const of = (file: string): string[] => readFileSync(`/proc/${pids[0]}/${file}`, 'utf8').split('\0');
  assert.deepEqual(of('cmdline').slice(1, 1 + flags.length), flags);
  const names = of('environ').map((entry) => entry.split('=')[0]);
  for (const name of ['NODE_COMPILE_CACHE', 'MALLOC_ARENA_MAX', 'MALLOC_TRIM_THRESHOLD_']) {
    assert.ok(names.includes(name), `${name} is missing`);
  }
});
