// Reads what is given to `postern audit` on the command line.

import { PosternError } from '../errors.ts';
import { parseDuration } from '../lib/duration.ts';

const instant = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * A moment in microseconds: RFC 3339 (a date alone is its midnight in UTC), or a duration before now.
 * @throws PosternError ERR_USAGE
 */
export function parseInstantUs(text: string, option: string, nowUs: number): number {
  const match = instant.exec(text);
  // Date.parse cuts off what is below a millisecond.
  const ms = match === null ? Number.NaN : Date.parse(text.replace(/\.\d+/, ''));
  if (!Number.isNaN(ms)) return ms * 1000 + Number((match?.[3] ?? '').slice(1, 7).padEnd(6, '0'));
  try {
    return Math.max(0, nowUs - parseDuration(text) * 1000);
  } catch (cause) {
    throw new PosternError('ERR_USAGE', `${option} \`${text}\` is no time`, {
      cause,
      mend: 'write 2026-11-22T10:00:00Z, 2026-11-22, or how long ago: `15m`, `24h`, `7d`',
    });
  }
}

/**
 * A whole number from 0.
 * @throws PosternError ERR_USAGE
 */
export function parseCount(text: string, option: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isNaN(count)) return count;
  throw new PosternError('ERR_USAGE', `${option} \`${text}\` is no whole number`);
}

/**
 * One of some words.
 * @throws PosternError ERR_USAGE
 */
export function parseChoice<T extends string>(text: string, option: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new PosternError('ERR_USAGE', `${option} \`${text}\` is none of ${choices.join(', ')}`);
}
