// `postern policy`: what can be asked of policies without a running sidecar. One file for each subcommand.

import type { Command } from 'commander';
import type { CliIo } from './cli-io.ts';
import { registerPolicyEval } from './policy-eval.ts';
import { registerPolicyExplain } from './policy-explain.ts';
import { registerPolicyLint } from './policy-lint.ts';
import { registerPolicyTest } from './policy-test.ts';

/** Adds `postern policy`. */
export function registerPolicyCommand(program: Command, io: CliIo): void {
  const policy = program.command('policy').description('Lint, test, explain and evaluate policies.');
  registerPolicyLint(policy, io);
  registerPolicyTest(policy, io);
  registerPolicyExplain(policy, io);
  registerPolicyEval(policy, io);
}
