// `postern policy explain`: one decision, all the way: which policies, rules and clauses, expected and actual.

import type { Command } from 'commander';
import type { Explanation } from '../authz/explain.ts';
import { explanationText } from '../authz/explain-text.ts';
import type { AuthzRequest } from '../authz/model.ts';
import { requestFromJson } from '../authz/request-json.ts';
import { PosternError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { printable } from '../lib/printable-text.ts';
import { requestOfRecord } from '../runtime/recorded-request.ts';
import type { CliIo } from './cli-io.ts';
import { jsonLines } from './json-lines.ts';
import { authorizerFor, inputStream, inputText } from './policy-inputs.ts';
import { addExamples } from './program.ts';

interface ExplainFlags {
  readonly request?: string;
  readonly record?: string;
  readonly json?: true;
}

/** Adds `postern policy explain`. */
export function registerPolicyExplain(policy: Command, io: CliIo): void {
  const command = policy
    .command('explain')
    .description(
      'Explain the decision about one request, or about the request of a decision record: every policy, rule and clause that was looked at, what was expected and what was there.',
    )
    .argument('<path...>', 'policy files, or folders that hold them; together they are one bundle')
    .option('--request <file>', 'the request, JSON; `-` for stdin')
    .option('--record <file>', 'a decision record of the journal, as JSON; `-` for stdin')
    .option('--json', 'print JSON')
    .action((paths: readonly string[], flags: ExplainFlags) => runExplain(paths, flags, io));
  addExamples(command, [
    ['postern policy explain policies/ --request request.json', 'why is this allowed or denied'],
    [
      'postern audit query --journal DIR --id 019a… --json | postern policy explain policies/ --record -',
      'why would a recorded request be decided so by the policies as they are now',
    ],
  ]);
}

/** A request, and what was decided about it then if it comes from a record. */
interface Question {
  readonly request: AuthzRequest;
  readonly recorded: string | null;
}

async function runExplain(paths: readonly string[], flags: ExplainFlags, io: CliIo): Promise<void> {
  const { request, recorded } = await questionOf(flags, io);
  const authorizer = await authorizerFor(paths, io);
  const explanation = authorizer.explain(request);
  if (explanation === null) throw new TypeError('an authorizer without a bundle explains nothing');
  if (flags.json) {
    io.out(`${JSON.stringify(recorded === null ? explanation : { ...explanation, recorded }, null, 2)}\n`);
  } else {
    io.out(`${recorded === null ? '' : recordedLine(recorded, explanation)}${readableText(explanation)}\n`);
  }
}

/** Values of a request come from outside; none may move the cursor. */
function readableText(explanation: Explanation): string {
  return explanationText(explanation).split('\n').map(printable).join('\n');
}

function recordedLine(recorded: string, { answer }: Explanation): string {
  const { decision } = answer;
  return `recorded: ${recorded}${recorded === decision ? '' : `; these policies decide otherwise: ${decision}`}\n`;
}

async function questionOf(flags: ExplainFlags, io: CliIo): Promise<Question> {
  const { request, record } = flags;
  if ((request === undefined) === (record === undefined)) {
    throw new PosternError('ERR_USAGE', 'give one of --request and --record');
  }
  if (record !== undefined) return recordedQuestion(record, io);
  const json = parse(await inputText(request!, io));
  return { request: requestFromJson(json, systemClock.nowMs()), recorded: null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const mend = 'write one JSON object; for many requests, use `postern policy eval`';
    throw new PosternError('ERR_CLI_INPUT', 'the request is not JSON', { cause, mend });
  }
}

/** The first decision that can be judged again: a query by id gives the outcome of the request too. */
async function recordedQuestion(file: string, io: CliIo): Promise<Question> {
  for await (const line of jsonLines(inputStream(file, io))) {
    if ('error' in line) throw line.error;
    const { value } = line;
    if (typeof value !== 'object' || value === null) continue;
    const record = value as Readonly<Record<string, unknown>>;
    if (record['decision'] !== 'allow' && record['decision'] !== 'deny') continue;
    const request = requestOfRecord(record, systemClock.nowMs());
    if (request !== null) return { request, recorded: record['decision'] };
  }
  throw new PosternError('ERR_CLI_INPUT', 'there is no decision record that can be judged again', {
    mend: 'give the line of a decision; one whose inputs were masked, or whose request was never read, cannot be judged',
  });
}
