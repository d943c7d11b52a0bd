// `postern policy lint`: what is wrong or doubtful in policies, with its place and how to mend it.

import type { Command } from 'commander';
import { bareLintContext, lintPolicies } from '../authz/lint/lint.ts';
import type { LintContext } from '../authz/lint/lint-rule.ts';
import { compileSourcesInTurns, loadDefaults, type PolicySource } from '../authz/loader.ts';
import type { PolicyFinding } from '../authz/policy-finding.ts';
import { loadConfig } from '../config/load-config.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { PosternError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { type Finding, formatFinding } from '../lib/finding.ts';
import { parseChoice } from './audit-inputs.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { lintSurroundings } from './lint-surroundings.ts';
import { policySourcesAt } from './policy-inputs.ts';
import { addExamples } from './program.ts';
import { sarifLog } from './sarif.ts';

interface LintFlags {
  readonly config?: string;
  readonly prod?: true;
  readonly failOn: string;
  readonly json?: true;
  readonly sarif?: true;
}

/** Adds `postern policy lint`. */
export function registerPolicyLint(policy: Command, io: CliIo): void {
  const command = policy
    .command('lint')
    .description(
      'Find what is wrong or doubtful in policies: one line for each, with its place, its rule and how to mend it. Exit code 1 if any is an error. `# lint-allow: RULE reason` waives one. docs/policy-lint.md lists the rules.',
    )
    .argument('[path...]', 'policy files, or folders that hold them; default: those of --config')
    .option('-c, --config <file>', 'also check against a configuration: its resources, trust domains and environment')
    .option('--prod', 'judge as for production')
    .option('--fail-on <level>', 'what makes the exit code 1: error, or warn for both', 'error')
    .option('--json', 'print JSON')
    .option('--sarif', 'print SARIF 2.1.0')
    .action((paths: readonly string[], flags: LintFlags) =>
      runLint(paths, flags, { io, version: policy.parent?.version() ?? 'unknown' }),
    );
  addExamples(command, [
    ['postern policy lint policies/ --prod --fail-on warn', 'in CI'],
    ['postern policy lint -c postern.yaml', 'the policies of a configuration, against all that it says'],
    ['postern policy lint policies/ --sarif > lint.sarif', 'for annotations of a pull request'],
  ]);
}

async function runLint(
  paths: readonly string[],
  flags: LintFlags,
  { io, version }: { readonly io: CliIo; readonly version: string },
): Promise<void> {
  const failOn = parseChoice(flags.failOn, '--fail-on', ['error', 'warn'] as const);
  const config = flags.config === undefined ? null : (await loadConfig(flags.config, io.env, io.cwd)).config;
  if (paths.length === 0 && config === null) {
    throw new PosternError('ERR_USAGE', 'there is nothing to lint', { mend: 'name policies, or `-c FILE`' });
  }
  const sources = await policySourcesAt(paths.length > 0 ? paths : config!.policy.paths, io);
  const context = config === null ? bareLintContext(systemClock.nowMs()) : await contextOf(config, io);
  const isProduction = context.isProduction || flags.prod === true;
  const allowAnyTrustDomain = config?.policy.allowAnyTrustDomain ?? false;
  const findings = await findingsOf(sources, { ...context, isProduction }, allowAnyTrustDomain);
  const failing = failOn === 'warn' ? ['error', 'warning'] : ['error'];
  const isClean = !findings.some(({ severity }) => failing.includes(severity));
  io.out(rendered(findings, { flags, version, isClean }));
  if (!isClean) io.setExitCode(exitCodes.no);
}

async function findingsOf(
  sources: readonly PolicySource[],
  context: LintContext,
  allowAnyTrustDomain: boolean,
): Promise<readonly PolicyFinding[]> {
  const result = await compileSourcesInTurns(sources, { ...loadDefaults, allowAnyTrustDomain });
  if (!result.ok) return result.findings;
  const policies = result.set.policies.map((policy) => policy.document);
  return [...result.findings, ...lintPolicies({ sources, policies }, context)];
}

/** Without an identity that can be read, what rests on it is left out, and that is told. */
async function contextOf(config: PosternConfig, io: CliIo): Promise<LintContext> {
  const { context, fault } = await lintSurroundings(config, io);
  if (fault !== null) io.err(`note: trust domains and resources are not checked: ${fault.message} [${fault.code}]\n`);
  return context;
}

function rendered(
  findings: readonly Finding[],
  result: { readonly flags: LintFlags; readonly version: string; readonly isClean: boolean },
): string {
  const { flags, version, isClean } = result;
  if (flags.sarif) return `${JSON.stringify(sarifLog(findings, version), null, 2)}\n`;
  if (flags.json) return `${JSON.stringify({ ok: isClean, findings }, null, 2)}\n`;
  const count = (severity: string) => findings.filter((finding) => finding.severity === severity).length;
  const summary = `errors: ${count('error')}, warnings: ${count('warning')}, notes: ${count('info')}`;
  return `${[...findings.map(formatFinding), summary].join('\n')}\n`;
}
