// Reads a file that somebody may be writing: all that is returned stood in it at one time. Half of a list of rules or of
// revocations may well be a list that parses, so a length alone is not looked at.

import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const attempts = 5;
const pauseMs = 20;

/** The octets of the file. @throws what node:fs throws; an error with code `EBUSY` where it changes all the time */
export async function readSettled(file: string): Promise<Buffer> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await pause(pauseMs);
    const bytes = await readUnchanged(file);
    if (bytes !== null) return bytes;
  }
  throw Object.assign(new Error(`${file} changes while it is read`), { code: 'EBUSY' });
}

/** Null: it changed meanwhile. */
async function readUnchanged(file: string): Promise<Buffer | null> {
  const handle = await open(file);
  try {
    const before = await handle.stat({ bigint: true });
    const bytes = await handle.readFile();
    if (!before.isFile()) return bytes; // a pipe has no state to compare
    const after = await handle.stat({ bigint: true });
    const isSame = before.mtimeNs === after.mtimeNs && before.size === after.size;
    return isSame && BigInt(bytes.length) === after.size ? bytes : null;
  } finally {
    await handle.close();
  }
}
