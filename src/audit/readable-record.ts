// A record as one line for people.

import type { Paint } from '../lib/paint.ts';
import { RecordText, recordLimits } from './record-text.ts';
import { objectOf, parseObject } from './service-parse.ts';

type Members = Readonly<Record<string, unknown>>;

/** One line, without its end. Whatever the file holds, no control character reaches the terminal. */
export function readableRecord(line: string, paint: Paint): string {
  const record = parseObject(line);
  if (record === null) return paint.yellow('(not a record)');
  const time = paint.dim(text(record['time']).replace('T', ' ').slice(0, 23));
  return `${time} ${body(record, paint)}`;
}

function body(record: Members, paint: Paint): string {
  switch (record['type']) {
    case 'decision':
      return decisionBody(record, paint);
    case 'outcome':
      return outcomeBody(record, paint);
    case 'gap':
      return paint.yellow(
        `GAP    ${text(objectOf(record['gap'])?.['count'])} records are not on record: ${text(objectOf(record['gap'])?.['cause'])}`,
      );
    case 'recovered':
      return paint.yellow(
        `MENDED ${text(objectOf(record['recovered'])?.['cut_bytes'])} torn bytes were cut off ${text(objectOf(record['recovered'])?.['segment'])}`,
      );
    default:
      return text(record['type']);
  }
}

function decisionBody(record: Members, paint: Paint): string {
  const principal = objectOf(record['principal']);
  const resource = objectOf(record['resource']);
  const http = objectOf(record['http']);
  const rule = objectOf(record['rule']);
  const failure = objectOf(record['authn_failure']);
  const allowed = record['decision'] === 'allow';
  const watched = record['enforced'] === false ? ' (not enforced)' : '';
  const verdict = allowed ? paint.green('ALLOW ') : paint.red('DENY  ');
  const what =
    failure === null ? callText(record, http, resource) : `${text(failure['cause'])}: ${text(failure['detail'])}`;
  const why =
    rule === null ? text(record['reason']) : `${text(record['reason'])} ${text(rule['policy'])}/${text(rule['name'])}`;
  const id = paint.dim(text(record['decision_id']));
  return `${verdict}${watched}${paint.bold(text(principal?.['workload_id']))} ${what} [${why}] ${id}`;
}

function callText(record: Members, http: Members | null, resource: Members | null): string {
  const action = text(objectOf(record['action'])?.['name']);
  const target = `${text(resource?.['type'])} ${text(resource?.['name'] ?? resource?.['host'])}`;
  if (http === null) return `${action} ${target}`;
  return `${action} ${target} ${text(http['method'])} ${text(http['path'] ?? http['route'])}`;
}

function outcomeBody(record: Members, paint: Paint): string {
  const outcome = objectOf(record['outcome']);
  const status = outcome?.['status'] === undefined ? '' : ` ${text(outcome['status'])}`;
  const detail = outcome?.['detail'] === undefined ? '' : `: ${text(outcome['detail'])}`;
  return `END   ${text(outcome?.['result'])}${status}${detail} ${paint.dim(text(record['decision_id']))}`;
}

function text(value: unknown): string {
  if (typeof value === 'string') return new RecordText(recordLimits[0]).cleanIdentity(value, '') ?? '';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '-';
}
