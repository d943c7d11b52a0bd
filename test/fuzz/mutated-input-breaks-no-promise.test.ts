// `npm run fuzz` for a minute: every target in a process of its own, one after the other. FUZZ_SECONDS says for how long in
// all, FUZZ_SEED repeats the choices. A finding is saved to .fuzz/findings, and the output says how to try it again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { targetNames } from './all-targets.ts';

const script = path.resolve(import.meta.dirname, '../../scripts/fuzz.ts');
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 60);
const seed = process.env['FUZZ_SEED'] ?? String(Math.floor(Math.random() * 2 ** 32));

for (const name of targetNames) {
  test(`mutated input breaks no promise about ${name}`, async (t) => {
    const minutes = seconds / 60 / targetNames.length;
    const words = ['--fresh', '--target', name, '--seed', seed, '--minutes', String(minutes)];
    const child = spawn(process.execPath, [script, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [output, code] = await Promise.all([
      text(child.stdout),
      new Promise((resolve) => child.on('close', resolve)),
    ]);
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d* executions/);
    t.diagnostic(`FUZZ_SEED=${seed}: ${output.trim().split('\n').at(-1)}`);
  });
}
