// Where a journal keeps its bytes: DIR/<stream id>/<index>-<first seq>.ndjson. One stream is one start of one process;
// names sort in the order of writing. Beside the segments lies `lock`, held by the process that writes the stream.

import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PosternError } from '../errors.ts';
import { faultCode } from './fault-code.ts';

/** One file of a stream. */
export interface SegmentFile {
  readonly streamId: string;
  readonly path: string;
  /** From 1, without holes within a stream but for what retention took from the front. */
  readonly index: number;
  readonly firstSeq: number;
  /** Bytes when the folder was listed. */
  readonly size: number;
  /** When it was written last, milliseconds since the Unix epoch. */
  readonly writtenMs: number;
}

/** A stream and its segments, oldest first. */
export interface StreamFiles {
  readonly streamId: string;
  readonly dir: string;
  readonly segments: readonly SegmentFile[];
}

const streamName = /^\d{8}T\d{9}Z-[0-9a-f]{12}$/;
const segmentName = /^(\d{8})-(\d{16})\.ndjson$/;

/** Name of the file whose lock says that a stream is being written. */
export const lockName = 'lock';

/** A stream id: its start in UTC, so that names sort by it, and six random bytes in hex. */
export function makeStreamId(startMs: number, random: string): string {
  return `${new Date(startMs).toISOString().replaceAll(/[-:.]/g, '')}-${random}`;
}

/** The file name of a segment. */
export function segmentFileName(index: number, firstSeq: number): string {
  return `${String(index).padStart(8, '0')}-${String(firstSeq).padStart(16, '0')}.ndjson`;
}

/**
 * The streams of a journal folder, oldest first; streams without a segment are listed too.
 * Throws ERR_JOURNAL_NOT_FOUND when there is no such folder or it holds no journal, ERR_JOURNAL_UNREADABLE otherwise.
 */
export async function listStreams(dir: string): Promise<readonly StreamFiles[]> {
  const entries = await readFolder(dir);
  const names = entries
    .filter((entry) => entry.isDirectory() && streamName.test(entry.name))
    .map((entry) => entry.name);
  return Promise.all(names.sort().map((streamId) => listStream(dir, streamId)));
}

/** As `listStreams`, for a reader who expects a journal: a folder with other things in it is not one. */
export async function requireStreams(dir: string): Promise<readonly StreamFiles[]> {
  const streams = await listStreams(dir);
  if (streams.length > 0) return streams;
  throw new PosternError(
    'ERR_JOURNAL_NOT_FOUND',
    `\`${dir}\` holds no journal: no stream folder such as 20260101T000000000Z-0123456789ab`,
  );
}

/** The segments of one stream. A stream that retention is removing right now is empty. */
export async function listStream(dir: string, streamId: string): Promise<StreamFiles> {
  const streamDir = join(dir, streamId);
  const segments: SegmentFile[] = [];
  for (const entry of await readFolder(streamDir, [])) {
    const match = segmentName.exec(entry.name);
    if (match === null) continue;
    const path = join(streamDir, entry.name);
    const found = await statOf(path);
    if (found === null) continue;
    const { size, mtimeMs: writtenMs } = found;
    segments.push({ streamId, path, index: Number(match[1]), firstSeq: Number(match[2]), size, writtenMs });
  }
  segments.sort((a, b) => a.index - b.index);
  return { streamId, dir: streamDir, segments };
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return null;
    throw unreadable(path, error);
  }
}

async function readFolder(dir: string, whenGone?: readonly Dirent[]): Promise<readonly Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    const code = faultCode(error);
    if (code === 'ENOENT' && whenGone !== undefined) return whenGone;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const what = code === 'ENOENT' ? 'does not exist' : 'is not a folder';
      throw new PosternError('ERR_JOURNAL_NOT_FOUND', `the journal \`${dir}\` ${what}`, { cause: error });
    }
    throw unreadable(dir, error);
  }
}

/** The error for a part of a journal that cannot be read. */
export function unreadable(path: string, cause: unknown): PosternError {
  return new PosternError('ERR_JOURNAL_UNREADABLE', `cannot read \`${path}\`: ${faultCode(cause)}`, { cause });
}
