import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { filesToRunAgain, runAgain } from '../../scripts/check-again.ts';
import { runStep, type StepResult, skippedTests } from '../../scripts/check-step.ts';
import { waitFor } from '../harness/wait-for.ts';

const passing = "test('passes', () => {});";
const failing = "test('fails', () => { throw new Error('no'); });";
const skipped = "test('skipped', { skip: 'needs `moon`' }, () => {});";

function sampleFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-check-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs test files of the given texts as `npm test` runs them. */
function runTests(t: TestContext, texts: readonly string[], folder = sampleFolder(t)): Promise<StepResult> {
  const files = texts.map((text, index) => {
    writeFileSync(join(folder, `${index}.test.mjs`), `import { test } from 'node:test';\n${text}\n`);
    return `${index}.test.mjs`;
  });
  const args = ['--test', '--test-reporter=spec', ...files];
  return runStep({ name: 'sample', command: process.execPath, args, isTestRun: true, isAlone: false }, folder);
}

test('a run without a failure passes, with its counts and the reasons of what was skipped', async (t) => {
  const { isPassed, totals, output } = await runTests(t, [passing, `${passing}\n${skipped}`]);
  assert.equal(isPassed, true);
  assert.deepEqual(totals, { passed: 2, failed: 0, skipped: 1 });
  assert.deepEqual(skippedTests(output), ['skipped: needs `moon`']);
});

test('one failing test fails the step', async (t) => {
  const { isPassed, totals } = await runTests(t, [passing, failing]);
  assert.equal(isPassed, false);
  assert.deepEqual(totals, { passed: 1, failed: 1, skipped: 0 });
});

test('a test file that ends before its tests do is a failure', async (t) => {
  const { isPassed, totals } = await runTests(t, [passing, `process.exit(1);`]);
  assert.equal(isPassed, false);
  assert.deepEqual(totals, { passed: 1, failed: 1, skipped: 0 });
});

test('a step that cannot be started counts as a failure', async () => {
  const step = { name: 'none', command: '/nonexistent', args: [], isTestRun: false, isAlone: false };
  const { isPassed, totals } = await runStep(step, tmpdir());
  assert.equal(isPassed, false);
  assert.equal(totals.failed, 1);
});

test('what outlives a step is named and killed, and holds nobody up', async () => {
  const args = ['-c', 'sleep 3601 & exit 0'];
  const step = { name: 'leak', command: 'sh', args, isTestRun: false, isAlone: false };
  const result = await runStep(step, tmpdir(), { patience: { stepMs: 60_000, outputMs: 200 } });
  assert.equal(result.isPassed, true);
  assert.match(result.leftRunning, /sleep 3601/);
  const pid = Number.parseInt(result.leftRunning, 10);
  // What is dead has no command line, though who inherits it may take its time.
  const command = (): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  await waitFor('it to be gone', () => !existsSync(`/proc/${pid}`) || command() === '');
});

test('a step that does not end fails, and what it was at is told', async () => {
  const step = { name: 'endless', command: 'sleep', args: ['3602'], isTestRun: false, isAlone: false };
  const result = await runStep(step, tmpdir(), { patience: { stepMs: 300, outputMs: 200 } });
  assert.equal(result.isPassed, false);
  assert.match(result.output, /not over after 0.3 s; under way were:\n.*sleep 3602/);
});

test('what failed beside other tests and passes alone is cleared by a second run, of its file only', async (t) => {
  const folder = sampleFolder(t);
  const once = `import fs from 'node:fs';
test('unstable', () => { if (!fs.existsSync('seen')) { fs.writeFileSync('seen', ''); throw new Error('first'); } });`;
  const first = await runTests(t, [passing, `${once}\n${passing}`], folder);
  assert.deepEqual(filesToRunAgain(first), ['1.test.mjs']);
  const second = await runAgain(first, folder, {});
  assert.equal(second?.isPassed, true);
  assert.deepEqual(second.totals, { passed: 2, failed: 0, skipped: 0 });
});

test('what fails alone too stays failed', async (t) => {
  const folder = sampleFolder(t);
  const second = await runAgain(await runTests(t, [passing, failing], folder), folder, {});
  assert.equal(second?.isPassed, false);
});

test('no second run clears many files, or a run that broke off', async (t) => {
  assert.deepEqual(filesToRunAgain(await runTests(t, [failing, failing, failing, failing])), []);
  const step = { name: 'endless', command: 'sleep', args: ['3603'], isTestRun: true, isAlone: false };
  const brokenOff = await runStep(step, tmpdir(), { patience: { stepMs: 300, outputMs: 200 } });
  assert.deepEqual(filesToRunAgain(brokenOff), []);
});
