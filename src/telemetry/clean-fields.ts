// What may stand in a line of the operational log: no secrets, no text that forges lines or reorders a terminal, and no
// more of anything than a reader wants. Strangers choose much of it (names in certificates, targets, error texts).

import { PosternError } from '../errors.ts';

/** A value that JSON can hold. */
export type LogValue = string | number | boolean | null | readonly LogValue[] | { readonly [name: string]: LogValue };

const longestText = 1024;
const mostElements = 32;
const deepest = 4;
const masked = '[masked]';
/** What a line itself says; a field must not be able to say it anew. */
const ownNames: readonly string[] = ['level', 'time', 'message'];

/** Names of fields whose value is a secret by itself. */
const secretName =
  /^(?:.*(?:password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|credentials?)|authorization|proxy-authorization|cookie|set-cookie|dpop)$/i;
/** A private key as PEM, a compact JWT, and what follows an authentication scheme. */
const secretText =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*|\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*|\b(?:Bearer|Basic|DPoP) +[\w.~+/=-]{8,}/g;
// C0, DEL and C1, bidi controls (Unicode TR9), line and paragraph separators, byte order mark, halves of surrogates.
const forbidden =
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** True when a field of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** A string without secrets, control characters and excess. */
export function cleanText(text: string): string {
  const cut = text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  // Cut first, so that the cost is bounded; a secret that the cut shortens still begins like one.
  return cut.replace(secretText, masked).replace(forbidden, '�');
}

/** The fields of a log line, each cleaned; never throws, whatever a getter or a proxy object does. */
export function cleanFields(fields: Readonly<Record<string, unknown>>): Record<string, LogValue> {
  const cleaned = cleanRecord(fields, 0);
  for (const name of ownNames) {
    if (!(name in cleaned)) continue;
    cleaned[`${name}_`] = cleaned[name]!;
    delete cleaned[name];
  }
  return cleaned;
}

function cleanRecord(record: object, depth: number): Record<string, LogValue> {
  const cleaned: Record<string, LogValue> = Object.create(null) as Record<string, LogValue>;
  for (const name of Object.keys(record).slice(0, mostElements)) {
    cleaned[cleanText(name)] = isSecretName(name) ? masked : cleanMember(record, name, depth);
  }
  return cleaned;
}

function cleanMember(record: object, name: string, depth: number): LogValue {
  try {
    return cleanValue((record as Record<string, unknown>)[name], depth);
  } catch {
    return '[unreadable]';
  }
}

function cleanValue(value: unknown, depth: number): LogValue {
  switch (typeof value) {
    case 'string':
      return cleanText(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? null : cleanObject(value, depth);
    default:
      return value === undefined ? null : `[${typeof value}]`;
  }
}

function cleanObject(value: object, depth: number): LogValue {
  if (value instanceof Error) return cleanError(value, depth);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (depth >= deepest) return '[deep]';
  if (Array.isArray(value)) return value.slice(0, mostElements).map((element) => cleanValue(element, depth + 1));
  return cleanRecord(value, depth + 1);
}

/** Code, message, mend and causes; a stack only of errors that are not ours, for those are defects. */
function cleanError(error: Error, depth: number): LogValue {
  const { code } = error as { code?: unknown };
  return {
    ...(typeof code === 'string' ? { code: cleanText(code) } : {}),
    message: cleanText(error.message),
    ...(error instanceof PosternError ? { mend: cleanText(error.mend) } : stackOf(error)),
    ...(error.cause === undefined || depth >= deepest ? {} : { cause: cleanValue(error.cause, depth + 1) }),
  };
}

function stackOf(error: Error): { readonly stack?: readonly string[] } {
  // System errors (ECONNRESET) are events, not defects: their code says all.
  if ('syscall' in error || typeof error.stack !== 'string') return {};
  const frames = error.stack.split('\n').filter((line) => line.startsWith('    at '));
  return { stack: frames.slice(0, 8).map((line) => cleanText(line.trim())) };
}
