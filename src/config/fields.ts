// The kinds of value that the configuration knows. Each is a zod schema from the written form to the parsed one, with
// the JSON Schema of the written form as metadata; a refusal carries a code and a mend in its `params`.

import * as z from 'zod';
import { type ErrorCode, isPosternError, PosternError } from '../errors.ts';
import { formatDuration, parseDuration } from '../lib/duration.ts';
import { formatSize, parseSize } from '../lib/size.ts';

/** JSON Schema keywords of a written form, and what `docs/configuration.md` calls it. */
export interface WrittenForm {
  /** Name of the form in documentation: `duration`, `size`, … */
  readonly 'x-form'?: string;
  /** Least and most, where `minimum` and `maximum` cannot say it. */
  readonly 'x-range'?: string;
  readonly pattern?: string;
  readonly enum?: readonly (string | number | boolean)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
}

/** What zod carries for a refusal made by this module. */
export interface RefusalParams {
  readonly code: ErrorCode;
  readonly mend: string;
}

/** A value written as text. `parse` throws PosternError for what it refuses. */
export function textField<T>(parse: (text: string) => T, form: WrittenForm): z.ZodType<T, string> {
  return z
    .string()
    .meta({ ...form })
    .transform((text, context) => guard(() => parse(text), context));
}

/** Runs `make`; a PosternError becomes an issue at this place. */
export function guard<T>(make: () => T, context: z.RefinementCtx): T {
  try {
    return make();
  } catch (error) {
    if (!isPosternError(error)) throw error;
    refuse(context, error);
    return z.NEVER;
  }
}

/** Adds a coded issue at the place of `context`, or below it. */
export function refuse(context: z.RefinementCtx, error: PosternError, path: readonly (string | number)[] = []): void {
  const params: RefusalParams = { code: error.code, mend: error.mend };
  context.addIssue({ code: 'custom', message: error.message, params: { ...params }, path: [...path] });
}

/** A fault of a value, with the mend for this very case. */
export function badValue(message: string, mend: string, code: ErrorCode = 'ERR_CONFIG_VALUE'): PosternError {
  return new PosternError(code, message, { mend });
}

export interface DurationBounds {
  readonly minMs: number;
  readonly maxMs: number;
  readonly unlimited?: boolean;
}

/** Longest that a timer of the runtime can wait, milliseconds; a longer one would fire at once. */
export const longestTimerMs = 24 * 86_400_000;

/** A duration in milliseconds; `unlimited`, where allowed, is Infinity. */
export function duration(bounds: DurationBounds): z.ZodType<number, string> {
  return textField((text) => boundedDuration(text, bounds), {
    'x-form': bounds.unlimited ? 'duration or `unlimited`' : 'duration',
    pattern: `^((\\d+d)?(\\d+h)?(\\d+m(?!s))?(\\d+s)?(\\d+ms)?${bounds.unlimited ? '|unlimited' : ''})$`,
    'x-range': `${formatDuration(bounds.minMs)} to ${formatDuration(bounds.maxMs)}`,
    examples: ['30s'],
  });
}

function boundedDuration(text: string, bounds: DurationBounds): number {
  if (bounds.unlimited && text === 'unlimited') return Number.POSITIVE_INFINITY;
  const ms = parseDuration(text);
  if (ms >= bounds.minMs && ms <= bounds.maxMs) return ms;
  throw outOfRange(text, formatDuration(bounds.minMs), formatDuration(bounds.maxMs));
}

export interface SizeBounds {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly unlimited?: boolean;
}

/** A size in bytes; `unlimited`, where allowed, is Infinity. */
export function size(bounds: SizeBounds): z.ZodType<number, string> {
  return textField((text) => boundedSize(text, bounds), {
    'x-form': bounds.unlimited ? 'size or `unlimited`' : 'size',
    pattern: `^(\\d+(B|KiB|MiB|GiB|TiB|KB|MB|GB)${bounds.unlimited ? '|unlimited' : ''})$`,
    'x-range': `${formatSize(bounds.minBytes)} to ${formatSize(bounds.maxBytes)}`,
    examples: ['10MiB'],
  });
}

function boundedSize(text: string, bounds: SizeBounds): number {
  if (bounds.unlimited && text === 'unlimited') return Number.POSITIVE_INFINITY;
  const bytes = parseSize(text);
  if (bytes >= bounds.minBytes && bytes <= bounds.maxBytes) return bytes;
  throw outOfRange(text, formatSize(bounds.minBytes), formatSize(bounds.maxBytes));
}

/** Bytes a second, written `100B/s`. */
export function rate(bounds: SizeBounds): z.ZodType<number, string> {
  return textField(
    (text) => {
      if (text.endsWith('/s')) return boundedSize(text.slice(0, -2), bounds);
      throw badValue(`\`${text}\` is not a rate`, 'write a size a second, such as `100B/s` or `1KiB/s`');
    },
    { 'x-form': 'rate', pattern: '^\\d+(B|KiB|MiB|GiB|TiB|KB|MB|GB)/s$', examples: ['100B/s'] },
  );
}

function outOfRange(text: string, least: string, most: string): PosternError {
  return badValue(`\`${text}\` is out of range`, `write a value from ${least} to ${most}`);
}

/** A whole number. */
export function count(least: number, most: number): z.ZodType<number, number> {
  return z
    .number()
    .meta({ 'x-form': 'whole number', type: 'integer', minimum: least, maximum: most })
    .transform((value, context) => {
      if (Number.isInteger(value) && value >= least && value <= most) return value;
      const mend = least === most ? `write \`${least}\`` : `write a whole number from ${least} to ${most}`;
      refuse(context, badValue(`\`${value}\` is not a whole number in range`, mend));
      return z.NEVER;
    });
}

/** One of a few words. `later` are words of the contract that this version refuses by name. */
export function choice<const Word extends string>(
  words: readonly Word[],
  later: readonly string[] = [],
): z.ZodType<Word, string> {
  return textField((text) => pick(text, words, later), { 'x-form': 'word', enum: words });
}

function pick<Word extends string>(text: string, words: readonly Word[], later: readonly string[]): Word {
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  const known = words.map((each) => `\`${each}\``).join(', ');
  if (later.includes(text)) throw notYetError(`\`${text}\``, `write one of ${known}`);
  throw badValue(`\`${text}\` is not one of the words allowed here`, `write one of ${known}`);
}

/** A key of the contract that this version does not have: recognised, described, refused by name. */
export function notYet(key: string): z.ZodOptional<z.ZodType<undefined, undefined>> {
  return z
    .custom<undefined>()
    .meta({ 'x-form': 'not in this version', not: {} })
    .transform((value, context) => {
      if (value === undefined) return undefined;
      refuse(context, notYetError(`\`${key}\``, 'remove the key, or use a version that has it'));
      return z.NEVER;
    })
    .optional();
}

/** A thing of the contract that this version refuses by name. */
export function notYetError(what: string, mend: string): PosternError {
  return badValue(`${what} is part of the contract but not in this version`, mend, 'ERR_CONFIG_NOT_YET');
}
