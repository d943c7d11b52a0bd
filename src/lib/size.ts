// Sizes as operators write them: `512B`, `64KiB`, `64MiB`, `1GiB`, `1TiB`, and decimal `10KB`, `10MB`, `10GB`.

import { PosternError } from '../errors.ts';

const unitBytes: ReadonlyMap<string, number> = new Map([
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
  ['B', 1],
]);

/**
 * Bytes of a written size.
 * @throws PosternError ERR_CONFIG_VALUE
 */
export function parseSize(text: string): number {
  const parts = /^(\d{1,16})(B|KiB|MiB|GiB|TiB|KB|MB|GB)$/.exec(text);
  const bytes = parts === null ? Number.NaN : Number(parts[1]) * unitBytes.get(parts[2]!)!;
  if (!Number.isSafeInteger(bytes)) {
    throw new PosternError('ERR_CONFIG_VALUE', `\`${text}\` is not a size`, {
      mend: 'write a whole number with its unit: `512B`, `64KiB`, `64MiB`, `1GiB`',
    });
  }
  return bytes;
}

/** The largest binary unit that divides `bytes` evenly; `unlimited` for Infinity. */
export function formatSize(bytes: number): string {
  if (bytes === Number.POSITIVE_INFINITY) return 'unlimited';
  for (const [unit, size] of unitBytes) {
    if (unit.endsWith('iB') && bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}
