// What the demo prints: each call, what came of it, and why, as the operator sees it and the caller never does.

import type { Explanation } from '../authz/explain.ts';
import type { Paint } from '../lib/paint.ts';
import type { CallOutcome } from './demo-calls.ts';
import type { DemoWorld } from './demo-world.ts';

/** A call with its record and, for a deny, its explanation. */
export interface ReportedCall {
  readonly outcome: CallOutcome;
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly explanation: Explanation | null;
  readonly isAsExpected: boolean;
}

/** The lines above the calls. */
export function headerLines(world: DemoWorld, paint: Paint): readonly string[] {
  return [
    paint.bold('Postern demo: mTLS in, SPIFFE ID, policy, a record of each decision, then forward'),
    '',
    '  caller ──mTLS──▶ postern ──plain HTTP──▶ payments service (unchanged, on localhost)',
    `                   ${world.port} │                  ${world.service.port}`,
    '                         └─▶ policy, journal',
    '',
  ];
}

/** The lines of one call. */
export function callLines(number: number, reported: ReportedCall, paint: Paint): readonly string[] {
  const { outcome, record } = reported;
  const { call } = outcome;
  const mark = outcome.status === 200 ? paint.green('ALLOW') : paint.red(outcome.status === null ? 'REFUSED' : 'DENY');
  const surprise = reported.isAsExpected ? '' : paint.yellow('   (not what the demo expects)');
  return [
    paint.bold(`${number}. ${call.title}`),
    `   ${paint.dim(callerName(reported))}  ${call.method} ${call.path}`,
    `   ${mark}  ${statusText(outcome)}  ${reasonText(record)}${surprise}`,
    ...explanationLines(reported.explanation).map((line) => paint.dim(`     ${line}`)),
    '',
  ];
}

/** The lines below the calls. */
export function footerLines(world: DemoWorld, calls: readonly ReportedCall[], paint: Paint): readonly string[] {
  const expected = calls.filter((call) => call.isAsExpected).length;
  const summary = `${expected} of ${calls.length} calls came out as expected; ${world.service.served} reached the service`;
  return [
    expected === calls.length ? paint.green(summary) : paint.red(summary),
    '',
    `  dashboard   http://${world.adminAddress}/`,
    `  metrics     http://${world.adminAddress}/metrics`,
    `  decisions   http://${world.adminAddress}/decisions?decision=deny`,
    `  journal     postern audit tail --journal ${world.journalDir}`,
    `  config      ${world.configFile}`,
  ];
}

function callerName({ outcome, record }: ReportedCall): string {
  if (outcome.call.caller === 'nobody') return 'no certificate';
  return text(at(record, 'principal')['workload_id']) ?? outcome.call.caller;
}

function statusText(outcome: CallOutcome): string {
  if (outcome.status !== null) return `HTTP ${outcome.status}`;
  // OpenSSL's message names source files; the alert is what the caller can use.
  const alert = /alert ([a-z ]+)/.exec(outcome.failure ?? '');
  return `at the handshake: ${alert?.[1] ?? outcome.failure ?? 'refused'}`;
}

function reasonText(record: ReportedCall['record']): string {
  if (record === null) return '(not on record)';
  const reason = text(record['reason']) ?? '?';
  const rule = text(at(record, 'rule')['name']);
  const cause = text(at(record, 'authn_failure')['cause']);
  if (rule !== null) return `${reason}: ${rule}`;
  return cause === null ? `reason: ${reason}` : `${reason}: ${cause}`;
}

/** For a default deny: the nearest rule, and what of it failed, expected against actual. */
export function explanationLines(explanation: Explanation | null): readonly string[] {
  const nearest = explanation?.actions[0]?.nearest ?? null;
  if (nearest === null) return [];
  const failed = nearest.failed.flatMap((clause) => [
    `✗ ${clause.text}`,
    ...clause.facts.map((fact) => `    ${fact.attribute} is ${fact.actual}`),
  ]);
  return [`nearest rule: ${nearest.policy}/${nearest.rule}; it failed by`, ...failed];
}

function at(record: ReportedCall['record'], key: string): Readonly<Record<string, unknown>> {
  const value = record?.[key];
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
