// Reads the identity files as one set that was there at one moment: during a Kubernetes symlink swap, or between the
// renames of certificate and key, the parts may be of different rotations.

import { readFile, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { PosternError } from '../errors.ts';
import { fingerprintOf } from '../lib/file-fingerprint.ts';
import { shown } from './shown-text.ts';

/** A federated trust domain and the file of its bundle. */
export interface FederatedBundleFile {
  readonly trustDomain: string;
  readonly bundleFile: string;
}

/** Largest identity file that is read, bytes. */
const largestFileBytes = 16 * 1024 * 1024;

const mostReads = 10;
const betweenReadsMs = 20;

/** A file's text, or the coded reason why there is none. */
export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly error: PosternError };

/** Texts by path; all of one moment unless the files never come to rest. */
export async function readFileSet(files: readonly string[]): Promise<ReadonlyMap<string, FileText>> {
  let before = await fingerprintAll(files);
  for (let reads = 1; ; reads++) {
    const entries = await Promise.all(files.map(async (file) => [file, await readText(file)] as const));
    const after = await fingerprintAll(files);
    if (after === before || reads === mostReads) return new Map(entries);
    before = after;
    await pause(betweenReadsMs, undefined, { ref: false });
  }
}

/** A warning where every user of the host may read the key, else null. */
export async function keyExposure(keyFile: string): Promise<PosternError | null> {
  const facts = await stat(keyFile).catch(() => null);
  if (facts === null || (facts.mode & 0o004) === 0) return null;
  const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
  return new PosternError('ERR_IDENTITY_KEY_EXPOSED', `${shown(keyFile)} has mode ${mode}`);
}

async function fingerprintAll(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(fingerprintOf))).join('\n');
}

async function readText(file: string): Promise<FileText> {
  try {
    const { size } = await stat(file);
    if (size > largestFileBytes) return { ok: false, error: unreadable(file, 'is larger than 16 MiB') };
    return { ok: true, text: await readFile(file, 'latin1') };
  } catch (cause) {
    return { ok: false, error: unreadable(file, reasonOf(cause), cause) };
  }
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown fault';
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by the user Postern runs as';
  return code === 'EISDIR' ? 'is a folder' : `cannot be read (${code})`;
}

function unreadable(file: string, what: string, cause?: unknown): PosternError {
  return new PosternError('ERR_IDENTITY_FILE', `${shown(file)} ${what}`, { cause });
}
