// What tells that a file or folder is another than before, without reading it: where its name leads, and what stat says.

import type { BigIntStats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Most entries of one folder tree that are looked at; above it a change may go unseen until another is seen. */
const mostEntries = 10_000;

/**
 * A text that changes when the path leads elsewhere, or to other content. A folder's covers everything below it. A
 * missing path is a state like any other; so is one that may not be read.
 */
export async function fingerprintOf(path: string): Promise<string> {
  const parts: string[] = [];
  await collect(path, parts, new Set());
  return parts.join('\n');
}

async function collect(path: string, parts: string[], seen: Set<string>): Promise<void> {
  if (parts.length >= mostEntries) return;
  try {
    const [real, facts] = await Promise.all([realpath(path), stat(path, { bigint: true })]);
    parts.push(`${path} ${real} ${describe(facts)}`);
    // A symbolic link to a folder above would never end.
    if (!facts.isDirectory() || seen.has(real)) return;
    seen.add(real);
    for (const name of (await readdir(path)).sort()) await collect(join(path, name), parts, seen);
  } catch (error) {
    parts.push(`${path} ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
  }
}

function describe(facts: BigIntStats): string {
  // A folder's own times change with files that are none of ours; its entries are listed one by one.
  if (facts.isDirectory()) return `${facts.dev} ${facts.ino} folder`;
  return `${facts.dev} ${facts.ino} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`;
}
