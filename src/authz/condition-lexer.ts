// Words of the condition language (policy.md 1.3). Linear, without backtracking; a fault names its place and its mend.

import { parseDuration } from '../lib/duration.ts';

/** A fault in a condition; `at` is an index into its text. */
export interface ConditionFault {
  readonly at: number;
  readonly code: 'L-KEY' | 'L-ATTR' | 'L-TYPE' | 'L-TIME' | 'L-TD' | 'E-LIMIT';
  readonly message: string;
  readonly mend: string | null;
}

/** Thrown within the lexer, parser and checker of one condition, and caught where the condition is read. */
export class ConditionError extends Error {
  readonly fault: ConditionFault;

  constructor(fault: ConditionFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Ends the reading of a condition. */
export function failCondition(at: number, message: string, mend: string | null = null): never {
  throw new ConditionError({ at, code: 'L-TYPE', message, mend });
}

export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly kind: 'sign'; readonly text: string; readonly at: number; readonly end: number }
  | {
      readonly kind: 'string';
      readonly value: string;
      readonly starEscape: boolean;
      readonly at: number;
      readonly end: number;
    }
  | { readonly kind: 'number'; readonly value: number; readonly at: number; readonly end: number }
  | { readonly kind: 'duration'; readonly ms: number; readonly at: number; readonly end: number }
  | { readonly kind: 'end'; readonly at: number; readonly end: number };

const signs = ['==', '!=', '<=', '>=', '&&', '||', '<', '>', '!', '(', ')', '[', ']', ',', '.'];
const wordStart = /[A-Za-z_]/;
const wordPart = /[A-Za-z0-9_]/;

const slips: ReadonlyMap<string, string> = new Map([
  ['=', 'write `==` to compare'],
  ["'", 'strings have double quotes'],
  ['&', 'write `and` or `&&`'],
  ['|', 'write `or` or `||`'],
  ['`', 'strings have double quotes'],
]);

/** Cuts a condition into words. Throws ConditionError. */
export function lexCondition(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = skipSpace(text, token.end);
  }
  tokens.push({ kind: 'end', at: text.length, end: text.length });
  return tokens;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  return at;
}

function tokenAt(text: string, at: number): Token {
  const letter = text[at]!;
  if (letter === '"') return stringAt(text, at);
  if (wordStart.test(letter)) {
    const end = endOf(text, at, wordPart);
    return { kind: 'word', text: text.slice(at, end), at, end };
  }
  if (isDigit(letter) || (letter === '-' && isDigit(text[at + 1] ?? ''))) return numberAt(text, at);
  const sign = signs.find((candidate) => text.startsWith(candidate, at));
  if (sign !== undefined) return { kind: 'sign', text: sign, at, end: at + sign.length };
  const code = text.codePointAt(at)!;
  const shown = code < 0x20 || code > 0x7e ? `U+${code.toString(16).toUpperCase().padStart(4, '0')}` : letter;
  return failCondition(at, `unexpected \`${shown}\``, slips.get(letter) ?? null);
}

function isDigit(letter: string): boolean {
  return letter >= '0' && letter <= '9';
}

function endOf(text: string, from: number, part: RegExp): number {
  let end = from;
  while (end < text.length && part.test(text[end]!)) end++;
  return end;
}

function numberAt(text: string, at: number): Token {
  const end = endOf(text, text[at] === '-' ? at + 1 : at, /[A-Za-z0-9_.]/);
  const written = text.slice(at, end);
  if (/^-?\d+(?:\.\d+)?$/.test(written)) {
    const value = Number(written);
    if (!written.includes('.') && !Number.isSafeInteger(value)) {
      failCondition(at, `\`${clip(written)}\` is beyond ±2^53`, 'compare it as a string');
    }
    return { kind: 'number', value, at, end };
  }
  const ms = durationMs(written);
  if (ms !== undefined) return { kind: 'duration', ms, at, end };
  return failCondition(
    at,
    `\`${clip(written)}\` is neither a number nor a duration`,
    'durations are written `500ms`, `30s`, `1h30m`',
  );
}

/** Milliseconds of `1h30m`; undefined if the text is no duration. */
export function durationMs(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

function stringAt(text: string, at: number): Token {
  let end = at + 1;
  let starEscape = false;
  while (end < text.length && text[end] !== '"') {
    if (text[end] === '\\') {
      if (text[end + 1] === '*') starEscape = true;
      end++;
    }
    end++;
  }
  if (end >= text.length) {
    return failCondition(
      at,
      'the string does not end',
      'close it with `"`; quote the whole condition if it holds ` #` or `: `',
    );
  }
  end++;
  const value = unquote(text.slice(at, end));
  if (value === undefined) failCondition(at, 'the string has an escape or control character that JSON does not know');
  return { kind: 'string', value: value!, starEscape, at, end };
}

// `\*` is no escape of JSON; it stays as it is, for globs to read.
function unquote(quoted: string): string | undefined {
  try {
    const value: unknown = JSON.parse(quoted.replaceAll(/\\[\s\S]/g, (pair) => (pair === '\\*' ? '\\\\*' : pair)));
    return typeof value === 'string' && value.isWellFormed() ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Outside text for a message: at most 64 characters. */
export function clip(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
