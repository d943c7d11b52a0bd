// The folder of the embedded CA: `ca.pem` with key and certificate in one file, so that they can never be of two CAs, and
// `bundle.pem` with the certificate alone, for others to read.

import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PosternError } from '../errors.ts';
import { pemBlocks } from './pem.ts';
import { shown } from './shown-text.ts';

/** PEM texts; the key is secret. */
export interface DevCaFile {
  readonly keyPem: string;
  readonly certPem: string;
}

/** The CA of a folder, or null where there is none. @throws PosternError ERR_DEV_CA, ERR_DEV_CA_STORE */
export async function readDevCaFile(dir: string): Promise<DevCaFile | null> {
  const file = join(dir, 'ca.pem');
  const text = await stored(file, () => readFile(file, 'latin1')).catch((error: PosternError) => {
    if ((error.cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const blocks = pemBlocks(text);
  const key = blocks.find((block) => block.label === 'PRIVATE KEY');
  const certificate = blocks.find((block) => block.label === 'CERTIFICATE');
  if (key === undefined || certificate === undefined) {
    const mend = 'delete the folder and make a new CA';
    throw new PosternError('ERR_DEV_CA', `${shown(file)} does not hold a key and a certificate`, { mend });
  }
  return { keyPem: `${key.text}\n`, certPem: `${certificate.text}\n` };
}

/** Writes a new CA; false where the folder has one already, which then stays. @throws PosternError ERR_DEV_CA_STORE */
export async function writeDevCaFile(dir: string, ca: DevCaFile): Promise<boolean> {
  await stored(dir, () => mkdir(dir, { recursive: true, mode: 0o700 }));
  const isMade = await stored(dir, () => writeOnce(join(dir, 'ca.pem'), ca.certPem + ca.keyPem));
  if (isMade) await replaceFile(join(dir, 'bundle.pem'), ca.certPem, 0o644);
  return isMade;
}

/** Writes beside and renames, so that no reader sees half a file. @throws PosternError ERR_DEV_CA_STORE */
export async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  await stored(file, async () => {
    const beside = await writeBeside(file, text, mode);
    await rename(beside, file);
  });
}

// A link fails where the name is taken: of several processes that make a CA at once, one wins and the others load its.
async function writeOnce(file: string, text: string): Promise<boolean> {
  const beside = await writeBeside(file, text, 0o600);
  try {
    await link(beside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(beside);
  }
}

async function writeBeside(file: string, text: string, mode: number): Promise<string> {
  const beside = `${file}.${randomBytes(6).toString('hex')}.new`;
  const handle = await open(beside, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return beside;
}

async function stored<T>(file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new PosternError('ERR_DEV_CA_STORE', `${shown(file)} cannot be read or written (${code})`, { cause });
  }
}
