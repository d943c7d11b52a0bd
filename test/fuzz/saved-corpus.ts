// Inputs that reached something new, kept between runs: one file each, named by its digest.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The inputs saved in `dir`; none where there is no such folder. */
export function readCorpus(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .sort()
    .map((name) => readFileSync(path.join(dir, name), 'latin1'));
}

/** Adds the inputs to `dir`. */
export function writeCorpus(dir: string, inputs: readonly string[]): void {
  mkdirSync(dir, { recursive: true });
  for (const input of inputs) {
    const bytes = Buffer.from(input, 'latin1');
    writeFileSync(path.join(dir, createHash('sha256').update(bytes).digest('hex').slice(0, 16)), bytes);
  }
}
