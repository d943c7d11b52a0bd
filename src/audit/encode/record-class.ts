// What a record is to a SIEM: one row for each kind, with the codes that the formats have for it. CEF severities are 0 to
// 10, syslog's those of RFC 5424, OTLP's SeverityNumber, OCSF's severity_id and disposition_id (1.7.0).

import type { RecordMembers } from './field-tree.ts';

/** One kind of record. */
export interface RecordClass {
  readonly name: string;
  /** CEF signature id, stable. */
  readonly signature: number;
  readonly cefSeverity: number;
  readonly syslogSeverity: 3 | 4 | 6;
  readonly otlpSeverity: 9 | 13 | 17;
  readonly ocsfSeverity: 1 | 2 | 3 | 4;
  readonly disposition: number;
  readonly outcome: 'success' | 'failure' | 'unknown';
}

type Row = readonly [
  name: string,
  signature: number,
  cef: number,
  syslog: RecordClass['syslogSeverity'],
  ocsf: RecordClass['ocsfSeverity'],
  disposition: number,
  outcome: RecordClass['outcome'],
];

const rows = {
  allow: ['authorization allow', 100, 1, 6, 1, 1, 'success'],
  denyRule: ['authorization deny by rule', 101, 6, 4, 3, 2, 'failure'],
  denyIndeterminate: ['authorization deny, rule not evaluable', 102, 7, 4, 3, 2, 'failure'],
  denyDefault: ['authorization deny, no rule allows', 103, 4, 4, 2, 2, 'failure'],
  denyFault: ['authorization unavailable', 104, 9, 3, 4, 27, 'unknown'],
  denyAuthn: ['authentication failed', 105, 7, 4, 3, 26, 'failure'],
  denyRequest: ['request refused', 106, 4, 4, 2, 2, 'failure'],
  denyRevoked: ['right ended', 107, 7, 4, 4, 24, 'failure'],
  watched: ['deny not enforced', 108, 5, 4, 3, 17, 'success'],
  ended: ['request ended', 110, 1, 6, 1, 1, 'success'],
  endedBadly: ['request failed', 111, 3, 4, 2, 27, 'failure'],
  gap: ['records missing', 120, 8, 3, 4, 27, 'failure'],
  recovered: ['journal mended', 121, 5, 4, 3, 27, 'unknown'],
} as const satisfies Record<string, Row>;

/** Each kind. */
export const recordClasses = Object.freeze(
  Object.fromEntries(Object.entries(rows).map(([kind, row]) => [kind, classOf(row)])) as Record<
    keyof typeof rows,
    RecordClass
  >,
);

/** Kinds of a deny, by its reason; a reason that is not known yet is told like a fault, never like an allow. */
const denials: Readonly<Record<string, RecordClass>> = Object.freeze({
  rule: recordClasses.denyRule,
  rule_indeterminate: recordClasses.denyIndeterminate,
  default: recordClasses.denyDefault,
  no_policy: recordClasses.denyDefault,
  authn_failed: recordClasses.denyAuthn,
  credential_too_long: recordClasses.denyAuthn,
  bad_request_target: recordClasses.denyRequest,
  bad_request: recordClasses.denyRequest,
  reauth_revoked: recordClasses.denyRevoked,
});

/** The kind of a record; null for seals, which say nothing to a SIEM, and for what is no record. */
export function classify(record: RecordMembers): RecordClass | null {
  switch (record['type']) {
    case 'decision':
      return decisionClass(record);
    case 'outcome':
      return outcomeClass(record);
    case 'gap':
      return recordClasses.gap;
    case 'recovered':
      return recordClasses.recovered;
    default:
      return null;
  }
}

function decisionClass(record: RecordMembers): RecordClass {
  if (record['decision'] === 'allow') return recordClasses.allow;
  if (record['enforced'] === false) return recordClasses.watched;
  const { reason } = record as { reason?: unknown };
  return typeof reason === 'string' && Object.hasOwn(denials, reason) ? denials[reason]! : recordClasses.denyFault;
}

function outcomeClass(record: RecordMembers): RecordClass {
  const outcome = record['outcome'] as { readonly result?: unknown } | null | undefined;
  const isWell = outcome?.result === 'answered' || outcome?.result === 'closed';
  return isWell ? recordClasses.ended : recordClasses.endedBadly;
}

function classOf(row: Row): RecordClass {
  const [name, signature, cefSeverity, syslogSeverity, ocsfSeverity, disposition, outcome] = row;
  const otlpSeverity = syslogSeverity === 6 ? 9 : syslogSeverity === 4 ? 13 : 17;
  return Object.freeze({
    name,
    signature,
    cefSeverity,
    syslogSeverity,
    otlpSeverity,
    ocsfSeverity,
    disposition,
    outcome,
  });
}
