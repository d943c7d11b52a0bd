// `postern check -c FILE`: is this configuration, with its identity files and policies, fit to run?

import type { Command } from 'commander';
import { formatFinding } from '../lib/finding.ts';
import { type CheckResult, checkConfiguration } from './check-findings.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { addExamples } from './program.ts';

interface CheckOptions {
  readonly config: string;
  readonly json?: true;
  readonly strict?: true;
}

/** Adds `postern check`. */
export function registerCheckCommand(program: Command, io: CliIo): void {
  const command = program
    .command('check')
    .description(
      'Validate a configuration with its identity files and policies; one line for each finding, exit code 1 if any is an error.',
    )
    .option('-c, --config <file>', 'configuration file', 'postern.yaml')
    .option('--strict', 'count warnings as errors')
    .option('--json', 'print JSON')
    .action((options: CheckOptions) => runCheck(options, io));
  addExamples(command, [
    ['postern check -c /etc/postern/postern.yaml', 'before a reload or a rollout'],
    ['postern check -c postern.yaml --strict --json', 'in CI'],
  ]);
}

async function runCheck(options: CheckOptions, io: CliIo): Promise<void> {
  const result = await checkConfiguration(options.config, io);
  const failing = options.strict ? ['error', 'warning'] : ['error'];
  const isFit = !result.findings.some((finding) => failing.includes(finding.severity));
  io.out(
    options.json
      ? `${JSON.stringify({ ok: isFit, ...result })}\n`
      : formatResult(result, { isFit, file: options.config }),
  );
  if (!isFit) io.setExitCode(exitCodes.no);
}

function formatResult(
  result: CheckResult,
  { isFit, file }: { readonly isFit: boolean; readonly file: string },
): string {
  const lines = result.findings.map(formatFinding);
  if (isFit) {
    const { listeners, policies, rules } = result;
    lines.push(
      `${file}: fit to run (${many(listeners, 'listener')}, ${many(policies, 'policy', 'policies')}, ${many(rules, 'rule')})`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function many(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
