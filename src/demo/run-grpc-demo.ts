// `postern demo --grpc` from begin to end: two chat over gRPC, others may not, and one loses the right in the middle of it. Each
// decision is shown as it is on record.

import { setTimeout as pause } from 'node:timers/promises';
import type { Paint } from '../lib/paint.ts';
import { explainRecord } from '../runtime/explanations.ts';
import { type ChatCall, type ChatEnd, openChatCall } from './chat-caller.ts';
import { explanationLines } from './demo-report.ts';
import type { ChatCallerName, GrpcDemoWorld } from './grpc-demo-world.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Output {
  readonly print: (line: string) => void;
  readonly paint: Paint;
}

/** A call that is over as soon as it is answered. */
interface ShortCall {
  readonly title: string;
  readonly caller: ChatCallerName;
  readonly method: 'Talk' | 'History' | 'Clear';
  /** Status of gRPC, reason on record and the rule that decided. */
  readonly expect: { readonly status: number; readonly reason: string; readonly rule: string | null };
}

const patienceMs = 10_000;
const pollMs = 10;

const shortCalls: readonly ShortCall[] = [
  {
    title: '2. A guest reads what was said',
    caller: 'guest',
    method: 'History',
    expect: { status: 0, reason: 'rule', rule: 'all-may-read' },
  },
  {
    title: '3. The guest wants to talk',
    caller: 'guest',
    method: 'Talk',
    expect: { status: 7, reason: 'default', rule: null },
  },
  {
    title: '4. Bob tries to clear the room',
    caller: 'bob',
    method: 'Clear',
    expect: { status: 7, reason: 'rule', rule: 'nobody-clears' },
  },
  {
    title: '5. Another Alice, of staging',
    caller: 'staging',
    method: 'Talk',
    expect: { status: 7, reason: 'rule', rule: 'deny-other-environment' },
  },
];

/** Takes all steps, printing as it goes; true when each came out as expected. */
export async function runGrpcDemo(world: GrpcDemoWorld, print: (line: string) => void, paint: Paint): Promise<boolean> {
  const output = { print, paint };
  print(paint.bold('Postern demo: a gRPC chat, each call judged by its method'));
  print('');
  print('  alice, bob, guest ══mTLS, HTTP/2══▶ postern ──plain HTTP/2──▶ chat service (unchanged, on localhost)');
  print('');
  const [alice, bob] = [open(world, 'alice', 'Talk'), open(world, 'bob', 'Talk')];
  const results = [await chat(world, { alice, bob }, output)];
  for (const call of shortCalls) results.push(await take(world, call, output));
  results.push(await loseTheRight(world, { alice, bob }, output));
  const good = results.filter(Boolean).length;
  const summary = `${good} of ${results.length} came out as expected; ${world.service.served} calls reached the service`;
  print(good === results.length ? paint.green(summary) : paint.red(summary));
  return good === results.length;
}

interface Pair {
  readonly alice: ChatCall;
  readonly bob: ChatCall;
}

async function chat(world: GrpcDemoWorld, { alice, bob }: Pair, output: Output): Promise<boolean> {
  output.print(output.paint.bold('1. Alice and Bob talk, both ways at once, in one call each'));
  // A room has no past for those who come later: both must be in it before anyone speaks.
  await until(() => world.service.served === 2);
  alice.say('the deploy is green');
  await until(() => bob.heard.length === 1);
  bob.say('then we go home');
  await until(() => alice.heard.length === 2);
  for (const { who, text } of alice.heard) output.print(`   ${output.paint.dim(who)}  ${text}`);
  const records = [await recordOf(world, alice), await recordOf(world, bob)];
  for (const record of records) output.print(`   ${decisionLine(record, output.paint)}`);
  return close(
    output,
    records.every((record) => saysOf(record) === 'allow rule members-talk') && bob.heard.length === 2,
  );
}

async function take(world: GrpcDemoWorld, step: ShortCall, { print, paint }: Output): Promise<boolean> {
  const call = open(world, step.caller, step.method);
  call.hangUp();
  const end = await call.ended;
  const record = await recordOf(world, call);
  print(paint.bold(step.title));
  print(`   ${paint.dim(`grpc:/chat.v1.Chat/${step.method}`)}  ${endText(end)}`);
  print(`   ${decisionLine(record, paint)}`);
  for (const line of whyLines(world, record)) print(paint.dim(`     ${line}`));
  const decision = step.expect.status === 0 ? 'allow' : 'deny';
  const expected = [decision, step.expect.reason, step.expect.rule].filter(Boolean).join(' ');
  return close({ print, paint }, isStatus(end, step.expect.status) && saysOf(record) === expected);
}

async function loseTheRight(world: GrpcDemoWorld, { alice, bob }: Pair, output: Output): Promise<boolean> {
  const { print, paint } = output;
  print(paint.bold('6. The policy changes: Bob may talk no more, in the middle of his call'));
  await world.letTalk(['alice']);
  const end = await Promise.race([bob.ended, pause(patienceMs, null, { ref: false })]);
  print(`   bob: ${end === null ? 'still talks' : endText(end)}`);
  const record = await newest(world, 'reauth_revoked');
  print(`   ${decisionLine(record, paint)}`);
  alice.say('anybody here?');
  await until(() => alice.heard.length === 3);
  print(`   alice, in the same call as before, hears herself: ${alice.heard.at(-1)?.text ?? 'nothing'}`);
  alice.hangUp();
  const isOver = isStatus(await alice.ended, 0);
  return close(output, end !== null && isStatus(end, 7) && record !== null && alice.heard.length === 3 && isOver);
}

function close({ print, paint }: Output, isAsExpected: boolean): boolean {
  if (!isAsExpected) print(paint.yellow('   (not what the demo expects)'));
  print('');
  return isAsExpected;
}

function open(world: GrpcDemoWorld, caller: ChatCallerName, method: ShortCall['method']): ChatCall {
  return openChatCall(world.callers[caller], world.port, method);
}

/** Waits for the condition, or till patience ends; what it is about is looked at afterwards. */
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition() && performance.now() < end) await pause(pollMs);
}

async function recordOf(world: GrpcDemoWorld, call: ChatCall): Promise<Fields | null> {
  const { recent } = world.sidecar.parts;
  const find = (): Fields | null => (call.decisionId === null ? null : (recent.find(call.decisionId)?.record ?? null));
  await until(() => find() !== null);
  return find();
}

async function newest(world: GrpcDemoWorld, reason: string): Promise<Fields | null> {
  const find = (): Fields | undefined => world.sidecar.parts.recent.list({ reason, limit: 1 })[0];
  await until(() => find() !== undefined);
  return find() ?? null;
}

function whyLines(world: GrpcDemoWorld, record: Fields | null): readonly string[] {
  if (record === null || record['decision'] !== 'deny') return [];
  const { policy, clock } = world.sidecar.parts;
  return explanationLines(explainRecord(policy, record, clock.nowMs()));
}

function isStatus(end: ChatEnd, code: number): boolean {
  return end.kind === 'status' && end.code === code;
}

function endText(end: ChatEnd): string {
  if (end.kind === 'cut') return `cut off: ${end.what}`;
  const name = ({ 0: 'OK', 7: 'PERMISSION_DENIED' } as Readonly<Record<number, string>>)[end.code];
  return `grpc-status ${end.code}${name === undefined ? '' : ` ${name}`}`;
}

function ruleOf(record: Fields | null): string | undefined {
  return (record?.['rule'] as { readonly name?: string } | undefined)?.name;
}

function saysOf(record: Fields | null): string {
  return [record?.['decision'], record?.['reason'], ruleOf(record)].filter(Boolean).join(' ');
}

function decisionLine(record: Fields | null, paint: Paint): string {
  if (record === null) return '(not on record)';
  const mark = record['decision'] === 'allow' ? paint.green('ALLOW') : paint.red('DENY ');
  const principal = (record['principal'] as { readonly workload_id?: string } | undefined)?.workload_id ?? 'nobody';
  const rule = ruleOf(record);
  return `${mark}  ${principal}  ${rule === undefined ? `reason: ${String(record['reason'])}` : `rule: ${rule}`}`;
}
