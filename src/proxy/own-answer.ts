// Every answer that Postern gives by itself, in one table: nobody can mislabel a deny by accident, and a stranger learns
// nothing about rules (wire.md "Denies", RFC 9457).

import type { ReasonCode } from '../authz/model.ts';
import type { ErrorCode } from '../errors.ts';

/** Why Postern answers by itself. */
export type OwnAnswerKind =
  | 'denied'
  | 'unauthenticated'
  | 'undecidable'
  | 'unrecorded'
  | 'bad_request'
  | 'target_too_long'
  | 'head_too_large'
  | 'unsupported_transfer_coding'
  | 'unsupported_version'
  | 'head_timeout'
  | 'body_too_large'
  | 'body_timeout'
  | 'workload_unreachable'
  | 'workload_failed'
  | 'workload_timeout'
  | 'request_timeout'
  | 'peer_unresolved'
  | 'peer_unreachable'
  | 'peer_handshake'
  | 'peer_identity'
  | 'peer_failed'
  | 'peer_timeout'
  | 'peer_overloaded'
  | 'host_unknown'
  | 'connect_refused'
  | 'overloaded';

interface AnswerEntry {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Of what a peer is to blame for; then the caller, who is the own workload, is told the operator's line. */
  readonly code?: ErrorCode;
}

/** The one table from a kind to what the caller sees. */
export const ownAnswers: Readonly<Record<OwnAnswerKind, AnswerEntry>> = Object.freeze({
  denied: { status: 403, title: 'Forbidden', detail: 'the request was denied by policy' },
  unauthenticated: { status: 401, title: 'Unauthorized', detail: 'a token that holds is needed' },
  undecidable: { status: 503, title: 'Service Unavailable', detail: 'no decision could be made' },
  unrecorded: { status: 503, title: 'Service Unavailable', detail: 'the decision could not be recorded' },
  bad_request: { status: 400, title: 'Bad Request', detail: 'the request is not valid HTTP/1.1' },
  target_too_long: { status: 414, title: 'URI Too Long', detail: 'the request target is too long' },
  head_too_large: { status: 431, title: 'Request Header Fields Too Large', detail: 'the request head is too large' },
  unsupported_transfer_coding: {
    status: 501,
    title: 'Not Implemented',
    detail: 'the transfer coding is not supported',
  },
  unsupported_version: {
    status: 505,
    title: 'HTTP Version Not Supported',
    detail: 'the protocol version is not supported',
  },
  head_timeout: { status: 408, title: 'Request Timeout', detail: 'the request head did not arrive in time' },
  body_too_large: { status: 413, title: 'Content Too Large', detail: 'the request body is too large' },
  body_timeout: { status: 408, title: 'Request Timeout', detail: 'the request body arrives too slowly' },
  workload_unreachable: {
    status: 503,
    title: 'Service Unavailable',
    detail: 'the workload does not accept connections',
  },
  workload_failed: { status: 502, title: 'Bad Gateway', detail: 'the workload broke off or sent an invalid answer' },
  workload_timeout: { status: 504, title: 'Gateway Timeout', detail: 'the workload did not answer in time' },
  request_timeout: { status: 504, title: 'Gateway Timeout', detail: 'the request took longer than it may' },
  peer_unresolved: {
    status: 503,
    title: 'Service Unavailable',
    detail: 'the name of the peer does not resolve',
    code: 'ERR_OUTBOUND_DNS',
  },
  peer_unreachable: {
    status: 503,
    title: 'Service Unavailable',
    detail: 'the peer does not accept connections',
    code: 'ERR_OUTBOUND_UNREACHABLE',
  },
  peer_handshake: {
    status: 502,
    title: 'Bad Gateway',
    detail: 'the TLS handshake with the peer failed',
    code: 'ERR_OUTBOUND_HANDSHAKE',
  },
  peer_identity: {
    status: 502,
    title: 'Bad Gateway',
    detail: 'the peer is not who it should be',
    code: 'ERR_OUTBOUND_IDENTITY',
  },
  peer_failed: {
    status: 502,
    title: 'Bad Gateway',
    detail: 'the peer broke off or sent an invalid answer',
    code: 'ERR_OUTBOUND_FAILED',
  },
  peer_timeout: {
    status: 504,
    title: 'Gateway Timeout',
    detail: 'the peer did not answer in time',
    code: 'ERR_OUTBOUND_TIMEOUT',
  },
  peer_overloaded: {
    status: 503,
    title: 'Service Unavailable',
    detail: 'too much is under way to the peer',
    code: 'ERR_OUTBOUND_OVERLOADED',
  },
  host_unknown: {
    status: 403,
    title: 'Forbidden',
    detail: 'no outbound listener has this host among its `hosts`',
    code: 'ERR_OUTBOUND_HOST',
  },
  connect_refused: {
    status: 501,
    title: 'Not Implemented',
    detail: 'a CONNECT tunnel would hide requests from policy: call `http://`, and Postern makes the mutual TLS',
    code: 'ERR_OUTBOUND_CONNECT',
  },
  overloaded: { status: 503, title: 'Service Unavailable', detail: 'too many requests are waiting' },
});

/** The kind that a deny's reason turns into. */
export function answerOfReason(reason: ReasonCode): OwnAnswerKind {
  switch (reason) {
    case 'policy_unavailable':
    case 'engine_error':
      return 'undecidable';
    case 'bad_request_target':
    case 'bad_request':
      return 'bad_request';
    default:
      return 'denied';
  }
}

/** The kind that a wire fault's status turns into. */
export function answerOfWireStatus(status: number): OwnAnswerKind {
  switch (status) {
    case 413:
      return 'body_too_large';
    case 414:
      return 'target_too_long';
    case 431:
      return 'head_too_large';
    case 501:
      return 'unsupported_transfer_coding';
    case 505:
      return 'unsupported_version';
    default:
      return 'bad_request';
  }
}

/** How the listener wants denies to look. */
export interface DenyForm {
  readonly status: number;
  readonly body: 'problem' | 'empty';
  /** Tells a deny of this side from one of the peer's. */
  readonly code?: ErrorCode;
}

/** What an own answer is made for. */
export interface OwnAnswerForm {
  readonly decisionId: string | null;
  readonly deny: DenyForm;
  /** The connection ends with it, where the protocol says so in the answer. */
  readonly close: boolean;
  /** Leaves the body out but says its length (RFC 9110 §9.3.2). */
  readonly isHead: boolean;
  /** Closed code of what is wrong with the caller's token; null where it is about something else. */
  readonly code: string | null;
  /** The operator's line; only a caller who is the own workload sees it. */
  readonly told: string | null;
}

/** An own answer whatever the protocol: names and values in turn. */
export interface OwnAnswer {
  readonly status: number;
  readonly title: string;
  readonly fields: readonly string[];
  /** ASCII. */
  readonly body: string;
}

/** The answer of a kind. */
export function ownAnswer(kind: OwnAnswerKind, form: OwnAnswerForm): OwnAnswer {
  const entry = ownAnswers[kind];
  const status = kind === 'denied' ? form.deny.status : entry.status;
  const title = status === entry.status ? entry.title : 'Denied';
  const body = form.deny.body === 'empty' ? '' : problem(entry, status, { ...form, title, code: codeOf(kind, form) });
  const fields = body === '' ? [] : ['content-type', 'application/problem+json'];
  fields.push('content-length', String(body.length), 'cache-control', 'no-store');
  if (form.decisionId !== null) fields.push('x-postern-decision-id', form.decisionId);
  if (status === 503) fields.push('retry-after', '1');
  if (kind === 'unauthenticated') fields.push('www-authenticate', challenge(form.code));
  return { status, title, fields, body };
}

/** Serialises an own answer as HTTP/1.1. */
export function serializeOwnAnswer(kind: OwnAnswerKind, form: OwnAnswerForm): string {
  const { status, title, fields, body } = ownAnswer(kind, form);
  let head = `HTTP/1.1 ${status} ${title}\r\n`;
  for (let at = 0; at < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`;
  head += form.close ? 'connection: close\r\n\r\n' : '\r\n';
  return form.isHead ? head : head + body;
}

/** RFC 6750 §3: whoever sent no token is told no error. */
function challenge(code: string | null): string {
  const fault = code === null || code === 'token_missing' ? '' : `, error="invalid_token", error_description="${code}"`;
  return `Bearer realm="postern"${fault}`;
}

function codeOf(kind: OwnAnswerKind, { deny, code }: { readonly deny: DenyForm; readonly code: string | null }) {
  return (kind === 'denied' ? deny.code : ownAnswers[kind].code) ?? code;
}

function problem(
  entry: AnswerEntry,
  status: number,
  dynamic: {
    readonly title: string;
    readonly decisionId: string | null;
    readonly code: string | null;
    readonly told: string | null;
  },
): string {
  const detail = entry.code === undefined || dynamic.told === null ? `"${entry.detail}"` : asciiJson(dynamic.told);
  const code = dynamic.code === null ? '' : `,"code":"${dynamic.code}"`;
  const id = dynamic.decisionId === null ? code : `${code},"decision_id":"${dynamic.decisionId}"`;
  return `{"type":"about:blank","title":"${dynamic.title}","status":${status},"detail":${detail}${id}}`;
}

/** One octet a character, so that the length of the text is that of the body. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^\x20-\x7e]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
