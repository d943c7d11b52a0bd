// Makes a folder with those above it. Not `mkdir` with `recursive`: Node goes round in circles for ever where the kernel
// answers ENOENT for a name under a folder that exists (/proc, a removed working directory).

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { faultCode } from './fault-code.ts';

/** Makes `dir` with mode 0700 where it is missing; throws with an errno code. */
export function makeFolders(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    const code = faultCode(error);
    if (code === 'EEXIST' && statSync(dir).isDirectory()) return;
    const parent = dirname(dir);
    if (code !== 'ENOENT' || parent === dir || existsSync(parent)) throw error;
    makeFolders(parent);
    mkdirSync(dir, { mode: 0o700 });
  }
}
