// Verifies a journal: each stream by itself, then what the streams say of each other. Without a seal kept elsewhere, whoever
// may write the whole folder can write another history; the last seals are named so that they can be compared.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listStream, listStreams, lockName, requireStreams, type StreamFiles } from './journal-layout.ts';
import { eachLine, readSegment } from './journal-reader.ts';
import type { JudgeSignature } from './seal-signature.ts';
import { parseObject } from './service-parse.ts';
import type { Expiry, StreamEnd } from './service-records.ts';
import { tryLock } from './stream-lock.ts';
import { goodBytesOf } from './stream-scan.ts';
import { type StreamWalk, type VerifyFinding, walkStream } from './verify-stream.ts';

/** How a stream ends: with its last seal, in a process that writes, or in one that is gone. */
export type StreamState = 'closed' | 'running' | 'abandoned';

/** What was found of one stream. */
export interface StreamVerdict extends Omit<StreamWalk, 'expired' | 'previous' | 'closed' | 'tail'> {
  readonly state: StreamState;
  readonly intact: boolean;
}

/** What was found of a journal. */
export interface JournalVerdict {
  readonly intact: boolean;
  readonly streams: readonly StreamVerdict[];
  /** About streams that are not there. */
  readonly findings: readonly VerifyFinding[];
}

/** A journal that is being written is read at most so often; what is found the last time is told. */
const mostReadings = 20;

/** A stream as it was listed, and what its segments hold. */
interface WalkedStream {
  readonly files: StreamFiles;
  readonly walk: StreamWalk;
}

interface HowToWalk {
  readonly dir: string;
  readonly judgeSignature: JudgeSignature | null;
}

/**
 * Verifies every stream of a folder; with `judgeSignature` the signatures of its seals too, which then must be there.
 *
 * RACE: processes may write it meanwhile. Retention takes a segment away after it has sealed that it does; a listing
 * made in between misses both the segment and a new one that holds the seal. So nothing is told of streams that were
 * listed in one way and lie there in another: they are read again.
 * @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE
 */
export async function verifyJournal(
  dir: string,
  judgeSignature: JudgeSignature | null = null,
): Promise<JournalVerdict> {
  let listed = await requireStreams(dir);
  let walked: readonly WalkedStream[] = [];
  for (let readings = 1; ; readings += 1) {
    walked = await walkAll({ dir, judgeSignature }, listed, walked);
    const verdict = await judge(walked);
    if (verdict.intact || readings === mostReadings) return verdict;
    listed = await listStreams(dir);
    if (listed.length === walked.length && listed.every((files) => known(files, walked) !== null)) return verdict;
  }
}

/** What is listed as it was before need not be read again. */
async function walkAll(
  how: HowToWalk,
  streams: readonly StreamFiles[],
  before: readonly WalkedStream[],
): Promise<WalkedStream[]> {
  const walked: WalkedStream[] = [];
  for (const files of streams) walked.push(known(files, before) ?? (await walkSteady(how, files)));
  return walked;
}

/** Segments may leave while a stream is read; then it is read at once from where it begins now. */
async function walkSteady({ dir, judgeSignature }: HowToWalk, listed: StreamFiles): Promise<WalkedStream> {
  let files = listed;
  for (let readings = 1; ; readings += 1) {
    const walked = { files, walk: await walkStream(files, judgeSignature) };
    if (walked.walk.findings.length === 0 || readings === mostReadings) return walked;
    files = await listStream(dir, files.streamId);
    if (known(files, [walked]) !== null) return walked;
  }
}

/** Its reading, if it lies there as it did then: the last segment may have grown. */
function known(files: StreamFiles, before: readonly WalkedStream[]): WalkedStream | null {
  const found = before.find((item) => item.files.streamId === files.streamId);
  if (found === undefined || found.files.segments.length !== files.segments.length) return null;
  return files.segments.every(({ path }, at) => path === found.files.segments[at]?.path) ? found : null;
}

async function judge(walks: readonly WalkedStream[]): Promise<JournalVerdict> {
  const expired = latestExpiries(walks.flatMap(({ walk }) => walk.expired));
  const ends = walks.flatMap(({ walk }) => walk.previous);
  const verdicts: StreamVerdict[] = [];
  for (const { walk, files } of walks) verdicts.push(await verdictOf(walk, files, { expired, ends }));
  const present = new Set(verdicts.filter((verdict) => verdict.segments > 0).map((verdict) => verdict.streamId));
  const findings = missingStreams(ends, present, expired);
  return { intact: findings.length === 0 && verdicts.every((verdict) => verdict.intact), streams: verdicts, findings };
}

interface Elsewhere {
  readonly expired: ReadonlyMap<string, number>;
  readonly ends: readonly StreamEnd[];
}

async function verdictOf(walk: StreamWalk, files: StreamFiles, said: Elsewhere): Promise<StreamVerdict> {
  const { expired, previous, closed, tail, ...known } = walk;
  const findings = [...walk.findings];
  findings.push(...headFindings(walk, said.expired), ...endFindings(walk, said.ends));
  if (walk.unsealed > 0) findings.push(...(await tailFindings(walk, files)));
  const state = closed ? 'closed' : isRunning(files) ? 'running' : 'abandoned';
  return { ...known, state, findings, intact: findings.length === 0 };
}

/** Records at the front may be missing only if a seal says that they were taken away. */
function headFindings(walk: StreamWalk, expired: ReadonlyMap<string, number>): readonly VerifyFinding[] {
  if (walk.firstSeq === null || walk.firstSeq === 1) return [];
  if ((expired.get(walk.streamId) ?? 0) >= walk.firstSeq - 1) return [];
  return [
    finding('head_missing', walk, `records 1 to ${walk.firstSeq - 1} are missing, and no seal says that they expired`),
  ];
}

/** A later stream has seen how this one ended. */
function endFindings(walk: StreamWalk, ends: readonly StreamEnd[]): readonly VerifyFinding[] {
  const end = ends.find((item) => item.streamId === walk.streamId);
  if (end === undefined || walk.firstSeq === null) return [];
  if (walk.closed && walk.lastSeal?.sha256 === end.sha256) return [];
  return [
    finding(
      'end_missing',
      walk,
      `a later stream saw this one end with record ${end.seq}, it ends with ${walk.lastSeq}`,
    ),
  ];
}

/** What no seal covers can only be parsed. */
async function tailFindings(walk: StreamWalk, files: StreamFiles): Promise<readonly VerifyFinding[]> {
  for (const [index, segment] of files.segments.entries()) {
    if (index < walk.tail.segment) continue;
    const start = index === walk.tail.segment ? walk.tail.offset : 0;
    for await (const piece of readSegment(segment.path, { start, end: await goodBytesOf(files, index) })) {
      if (piece.kind === 'torn' || eachLine(piece.bytes, (text) => parseObject(text) !== null)) continue;
      return [finding('not_a_record', walk, 'a record that is not sealed yet is not JSON')];
    }
  }
  return [];
}

function missingStreams(
  ends: readonly StreamEnd[],
  present: ReadonlySet<string>,
  expired: ReadonlyMap<string, number>,
): readonly VerifyFinding[] {
  const missing = ends.filter((end) => !present.has(end.streamId) && (expired.get(end.streamId) ?? 0) < end.seq);
  return [...new Set(missing.map((end) => end.streamId))].map((streamId) => ({
    code: 'stream_missing',
    file: streamId,
    offset: 0,
    seq: null,
    message: 'a later stream saw this one, and no seal says that it expired',
  }));
}

function latestExpiries(expired: readonly Expiry[]): ReadonlyMap<string, number> {
  const latest = new Map<string, number>();
  for (const { streamId, toSeq } of expired) latest.set(streamId, Math.max(toSeq, latest.get(streamId) ?? 0));
  return latest;
}

function isRunning(files: StreamFiles): boolean {
  const path = join(files.dir, lockName);
  // A copy of a journal has no locks, and looking must not make one.
  if (!existsSync(path)) return false;
  try {
    const lock = tryLock(path);
    lock?.release();
    return lock === null;
  } catch {
    // A reader who may not touch the lock cannot know; a stream that is not closed may then as well be running.
    return true;
  }
}

function finding(code: VerifyFinding['code'], walk: StreamWalk, message: string): VerifyFinding {
  return { code, file: walk.streamId, offset: 0, seq: walk.firstSeq, message };
}
