// A failing input on disk, octet by octet, with the command that tries it again.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Writes the input below `dir`; gives its file. */
export function saveFinding(dir: string, target: string, input: string): string {
  const bytes = Buffer.from(input, 'latin1');
  const name = `${target}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.bin`;
  mkdirSync(dir, { recursive: true });
  const file = path.join(dir, name);
  writeFileSync(file, bytes);
  return file;
}

/** The input of a file. */
export function readFinding(file: string): string {
  return readFileSync(file).toString('latin1');
}

/** What to type to try it again. */
export function repeatCommand(target: string, file: string): string {
  return `npm run fuzz -- --target ${target} --input ${path.relative(process.cwd(), file)}`;
}
