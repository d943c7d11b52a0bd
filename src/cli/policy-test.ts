// `postern policy test`: runs the tests that lie beside policies, or inside of them.

import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { isTestName, type PolicySource, readPolicySources, readTestSources } from '../authz/loader.ts';
import { type CaseReport, runCases } from '../authz/policy-case-run.ts';
import { type PolicyCase, policyTestInvalid, readCaseFile, readCasesOf } from '../authz/policy-cases.ts';
import { PosternError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { CliIo } from './cli-io.ts';
import { existingFiles } from './existing-files.ts';
import { exitCodes } from './exit-codes.ts';
import { asSeenFromCwd, authorizerOf, fromCwd, quoted } from './policy-inputs.ts';
import { testReportJson, testReportText } from './policy-test-text.ts';
import { addExamples } from './program.ts';

interface TestFlags {
  readonly json?: true;
}

/** Adds `postern policy test`. */
export function registerPolicyTest(policy: Command, io: CliIo): void {
  const command = policy
    .command('test')
    .description(
      'Run the tests of policies. Of a folder: every `*.test.yaml` in it, against all policies in it. Of a policy file: `NAME.test.yaml` beside `NAME.yaml`. And `tests:` inside of policies. Exit code 1 if a test fails, 2 if a test file cannot be used. Rules that decided no test are listed.',
    )
    .argument('<path...>', 'policy files, or folders that hold them; together they are one bundle')
    .option('--json', 'print JSON')
    .action((paths: readonly string[], flags: TestFlags) => runTest(paths, flags, io));
  addExamples(command, [
    ['postern policy test policies/', 'run every test of a folder'],
    ['postern policy test policies/payments.yaml --json', 'one policy, for CI'],
  ]);
}

async function runTest(paths: readonly string[], flags: TestFlags, io: CliIo): Promise<void> {
  const files = await filesOf(fromCwd(paths, io));
  if (files.policies.length === 0) throw noTests(`there is no policy file under ${quoted(paths)}`);
  const authorizer = await authorizerOf(asSeenFromCwd(files.policies, io));
  const documents = (authorizer.current?.enforced.policies ?? []).map((one) => one.document);
  const nowMs = systemClock.nowMs();
  const readings = [
    ...asSeenFromCwd(files.tests, io).map((source) => readCaseFile(source, nowMs)),
    ...documents.map((document) => readCasesOf(document, nowMs)),
  ];
  const findings = readings.flatMap((reading) => reading.findings);
  if (findings.length > 0) throw policyTestInvalid(findings);
  const cases: readonly PolicyCase[] = readings.flatMap((reading) => reading.cases);
  if (cases.length === 0) throw noTests(`there is no test under ${quoted(paths)}`);
  print(runCases(cases, authorizer), flags, io);
}

function print(report: CaseReport, flags: TestFlags, io: CliIo): void {
  io.out(flags.json ? `${JSON.stringify(testReportJson(report), null, 2)}\n` : testReportText(report, io.paint));
  if (report.failed > 0) io.setExitCode(exitCodes.no);
}

/** Policies and tests of some paths: a policy file brings its tests, a test file its policy. */
async function filesOf(paths: readonly string[]) {
  const tests = paths.filter(isTestName);
  const policies = paths.filter((path) => !isTestName(path));
  const besideTests = await existingFiles(tests.flatMap(policiesOf));
  const besidePolicies = await existingFiles(policies.flatMap(testsOf));
  const named = new Set([...policies, ...besideTests]);
  return {
    policies: await readPolicySources([...named]),
    tests: await testsUnder([...tests, ...besidePolicies], policies),
  };
}

/** Test files as they are, and those of folders. */
async function testsUnder(files: readonly string[], policies: readonly string[]): Promise<readonly PolicySource[]> {
  const policyFiles = new Set(await existingFiles(policies));
  const folders = policies.filter((path) => !policyFiles.has(path));
  return readTestSources([...files, ...folders]);
}

function policiesOf(test: string): readonly string[] {
  const stem = basename(test).replace(/\.test\.ya?ml$/, '');
  return ['yaml', 'yml'].map((ending) => join(dirname(test), `${stem}.${ending}`));
}

function testsOf(policy: string): readonly string[] {
  const stem = basename(policy).replace(/\.ya?ml$/, '');
  return ['yaml', 'yml'].map((ending) => join(dirname(policy), `${stem}.test.${ending}`));
}

function noTests(message: string): PosternError {
  return new PosternError('ERR_POLICY_TEST', message, {
    mend: 'write `NAME.test.yaml` beside `NAME.yaml`, or `tests:` in a policy; see `Testing policies` in docs/policy-language.md',
  });
}
