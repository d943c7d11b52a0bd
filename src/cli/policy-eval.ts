// `postern policy eval`: JSON lines of requests in, one JSON decision a line out, for tools.

import type { Command } from 'commander';
import { answerJson } from '../authz/answer-json.ts';
import type { PolicyAuthorizer } from '../authz/engine.ts';
import { requestFromJson } from '../authz/request-json.ts';
import { isPosternError, type PosternError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { CliIo } from './cli-io.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { type JsonLine, jsonLines } from './json-lines.ts';
import { authorizerFor, inputStream } from './policy-inputs.ts';
import { addExamples } from './program.ts';

interface EvalFlags {
  readonly request: string;
  readonly exitCode?: true;
}

/** Adds `postern policy eval`. */
export function registerPolicyEval(policy: Command, io: CliIo): void {
  const command = policy
    .command('eval')
    .description(
      'Decide requests: one JSON request a line in, one JSON decision a line out, in the same order. A line that is no request is answered by {"error": …}; the others are still decided, and the exit code is 2. Only policies judge: guard rails of a configuration, such as the environment boundary, take no part.',
    )
    .argument('<path...>', 'policy files, or folders that hold them; together they are one bundle')
    .requiredOption('--request <file>', 'JSON lines; `-` for stdin')
    .option('--exit-code', 'exit with 1 if any request is denied')
    .action((paths: readonly string[], flags: EvalFlags) => runEval(paths, flags, io));
  addExamples(command, [
    ['postern policy eval policies/ --request requests.jsonl', 'decide every request of a file'],
    [
      `echo '{"principal":{"spiffe_id":"spiffe://prod.acme.com/ns/payments/api"},"action":"read","resource":{"type":"database"}}' | postern policy eval policies/ --request - --exit-code`,
      'one request; the exit code is 0 for allow, 1 for deny',
    ],
  ]);
}

async function runEval(paths: readonly string[], flags: EvalFlags, io: CliIo): Promise<void> {
  const authorizer = await authorizerFor(paths, io);
  let worst: ExitCode = exitCodes.done;
  for await (const line of jsonLines(inputStream(flags.request, io))) {
    const { text, exitCode } = answer(line, authorizer);
    io.out(`${text}\n`);
    if (exitCode === exitCodes.usage || (exitCode === exitCodes.no && worst === exitCodes.done && flags.exitCode))
      worst = exitCode;
  }
  io.setExitCode(worst);
}

function answer(line: JsonLine, authorizer: PolicyAuthorizer): { readonly text: string; readonly exitCode: ExitCode } {
  if ('error' in line) return refusal(line.line, line.error);
  try {
    const request = requestFromJson(line.value, systemClock.nowMs());
    const decision = authorizer.planFor(request.principal).decide(request);
    const exitCode = decision.effect === 'allow' ? exitCodes.done : exitCodes.no;
    return { text: JSON.stringify(answerJson(decision)), exitCode };
  } catch (error) {
    if (isPosternError(error, 'ERR_POLICY_REQUEST')) return refusal(line.line, error);
    throw error;
  }
}

function refusal(line: number, { code, message, mend }: PosternError) {
  return { text: JSON.stringify({ error: { code, message, mend, line } }), exitCode: exitCodes.usage };
}
