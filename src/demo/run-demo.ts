// The demo from begin to end: make the world, make the calls, look each one up in the journal, and say what came of it.

import type { Paint } from '../lib/paint.ts';
import { explainRecord } from '../runtime/explanations.ts';
import { type CallOutcome, demoCalls, makeCall } from './demo-calls.ts';
import { callLines, footerLines, headerLines, type ReportedCall } from './demo-report.ts';
import type { DemoWorld } from './demo-world.ts';

/** Makes all calls, printing as it goes; true when each came out as expected. */
export async function runDemo(world: DemoWorld, print: (line: string) => void, paint: Paint): Promise<boolean> {
  for (const line of headerLines(world, paint)) print(line);
  const reported: ReportedCall[] = [];
  for (const call of demoCalls) {
    const outcome = await makeCall(world, call);
    const one = await report(world, outcome);
    reported.push(one);
    for (const line of callLines(reported.length, one, paint)) print(line);
  }
  for (const line of footerLines(world, reported, paint)) print(line);
  return reported.every((one) => one.isAsExpected);
}

async function report(world: DemoWorld, outcome: CallOutcome): Promise<ReportedCall> {
  const record = await recordOf(world, outcome);
  const { policy, clock } = world.sidecar.parts;
  const isDeny = outcome.status !== 200;
  const explanation = record !== null && isDeny ? explainRecord(policy, record, clock.nowMs()) : null;
  return { outcome, record, explanation, isAsExpected: isExpected(outcome, record) };
}

function isExpected({ call, status }: CallOutcome, record: ReportedCall['record']): boolean {
  const rule = (record?.['rule'] as { readonly name?: string } | undefined)?.name ?? null;
  return status === call.expectStatus && record?.['reason'] === call.expectReason && rule === call.expectRule;
}

const patienceMs = 5_000;
const pollMs = 10;

/** By its decision id; a refused handshake has none that the caller knows, so there it is the newest of its kind. */
async function recordOf(world: DemoWorld, outcome: CallOutcome): Promise<ReportedCall['record']> {
  const { recent } = world.sidecar.parts;
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    const found =
      outcome.decisionId === null
        ? recent.list({ decision: 'deny', reason: outcome.call.expectReason, limit: 1 })[0]
        : recent.find(outcome.decisionId)?.record;
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return null;
}
