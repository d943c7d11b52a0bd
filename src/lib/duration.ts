// Durations as operators write them: `500ms`, `30s`, `5m`, `1h`, `90d`, or several from large to small: `1h30m`. A
// number without a unit is refused: nobody remembers whether it was seconds.

import { PosternError } from '../errors.ts';

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const grammar = /^(?:(\d{1,6})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9})s)?(?:(\d{1,15})ms)?$/;

/**
 * Milliseconds of a written duration.
 * @throws PosternError ERR_CONFIG_VALUE
 */
export function parseDuration(text: string): number {
  const parts = text === '' ? null : grammar.exec(text);
  if (parts === null) {
    throw new PosternError('ERR_CONFIG_VALUE', `\`${text}\` is not a duration`, {
      mend: 'write a whole number with its unit: `500ms`, `30s`, `5m`, `1h`, `90d`, `1h30m`',
    });
  }
  const units = Object.values(unitMs);
  return parts.slice(1).reduce((sum, digits, at) => sum + Number(digits ?? 0) * units[at]!, 0);
}

/** The shortest form that parses back to `ms` (whole milliseconds); `unlimited` for Infinity. */
export function formatDuration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'unlimited';
  if (ms === 0) return '0s';
  let rest = ms;
  let text = '';
  for (const [unit, size] of Object.entries(unitMs)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
