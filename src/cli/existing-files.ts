// Which of some paths are files.

import { stat } from 'node:fs/promises';

/** The paths that are files, in order; folders and what is not there are left out. */
export async function existingFiles(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) if (await isFile(path)) found.push(path);
  return found;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
