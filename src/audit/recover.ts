// What earlier processes left: a stream whose process was killed may end in a torn line and has no last seal. The torn
// bytes are cut off, a `recovered` record says so, and a last seal closes the stream. Streams that are being written
// (their lock is held) are left alone, and so are those that were closed.

import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  futimesSync,
  openSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { PosternError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { faultCode } from './fault-code.ts';
import type { SegmentFile, StreamFiles } from './journal-layout.ts';
import { listStream, listStreams, lockName } from './journal-layout.ts';
import { readSegment } from './journal-reader.ts';
import { lastLineOf, lastSealStart } from './journal-tail.ts';
import { parseSealLine } from './record-line.ts';
import { type SealChain, sealTail } from './seal-chain.ts';
import type { StreamEnd } from './service-records.ts';
import { recoveredLine, sealHead } from './service-records.ts';
import { tryLock } from './stream-lock.ts';
import { goodBytesOf, ScannedTail } from './stream-scan.ts';

export interface RecoverParts {
  readonly clock: Clock;
  readonly onFault: (error: PosternError) => void;
}

/** Most ends that a first seal names. */
const mostEnds = 16;

/** Closes what was left open. Returns the last seals of the newest streams that are closed now, oldest first. */
export async function recoverStreams(dir: string, parts: RecoverParts): Promise<readonly StreamEnd[]> {
  const ends: StreamEnd[] = [];
  for (const stream of await listStreams(dir)) {
    try {
      const end = (await closedEnd(stream)) ?? (await recoverStream(dir, stream, parts.clock));
      if (end !== null) ends.push(end);
    } catch (error) {
      // Another process that looks after the room of the folder has removed it since it was listed.
      if (faultCode(error) === 'ENOENT') continue;
      // One stream that cannot be mended must not keep Postern from starting; `audit verify` shows it.
      const message = `cannot recover the stream \`${stream.dir}\`: ${faultCode(error)}`;
      parts.onFault(new PosternError('ERR_JOURNAL_UNREADABLE', message, { cause: error }));
    }
  }
  return ends.slice(-mostEnds);
}

/** The end of a stream that was closed; null when it was not. */
async function closedEnd(stream: StreamFiles): Promise<StreamEnd | null> {
  const last = stream.segments.at(-1);
  if (last === undefined) return null;
  const line = await lastLineOf(last.path);
  if (line === null || line.end !== last.size || !line.text.includes('"final":true')) return null;
  const seal = parseSealLine(line.text);
  if (seal === null || line.seq === null) return null;
  return { streamId: stream.streamId, seq: line.seq, sha256: seal.sha256 };
}

async function recoverStream(dir: string, listed: StreamFiles, clock: Clock): Promise<StreamEnd | null> {
  if (listed.segments.length === 0) return null;
  const lock = tryLock(join(listed.dir, lockName));
  if (lock === null) return null;
  try {
    // Another process that starts now may have closed the stream between our look and our lock.
    const stream = await listStream(dir, listed.streamId);
    if (stream.segments.length === 0) return null;
    return (await closedEnd(stream)) ?? closeStream(await scanTail(stream), clock);
  } finally {
    lock.release();
  }
}

/** The unsealed end of a stream, ready to be sealed. */
interface OpenTail {
  readonly stream: StreamFiles;
  readonly segment: SegmentFile;
  readonly chain: SealChain;
  readonly sealedUpTo: number;
  readonly lastSeq: number;
  readonly unsealed: number;
  readonly goodBytes: number;
  readonly cutBytes: number;
}

async function scanTail(stream: StreamFiles): Promise<OpenTail> {
  const scan = new ScannedTail(stream.streamId);
  const from = await findLastSeal(stream);
  for (const [index, segment] of stream.segments.entries()) {
    if (index < from.segment) continue;
    const limit = await goodBytesOf(stream, index);
    const start = index === from.segment ? from.offset : 0;
    scan.begin(segment.firstSeq, start);
    for await (const piece of readSegment(segment.path, { start, end: limit })) scan.take(piece);
  }
  const segment = stream.segments.at(-1)!;
  return { stream, segment, ...scan.result() };
}

async function findLastSeal(stream: StreamFiles): Promise<{ readonly segment: number; readonly offset: number }> {
  for (let index = stream.segments.length - 1; index >= 0; index -= 1) {
    const limit = await goodBytesOf(stream, index);
    const segment = stream.segments[index]!;
    const offset = await lastSealStart(segment.path, Math.min(segment.size, limit ?? segment.size));
    if (offset !== null) return { segment: index, offset };
  }
  return { segment: 0, offset: 0 };
}

/** Cuts, writes the `recovered` record and the last seal in one write, and waits for the disk. */
function closeStream(tail: OpenTail, clock: Clock): StreamEnd {
  const { streamId } = tail.stream;
  if (tail.cutBytes > 0) truncateSync(tail.segment.path, tail.goodBytes);
  const timeUs = clock.nowUs();
  const seq = tail.lastSeq + 1;
  const { goodBytes, cutBytes, unsealed } = tail;
  const segment = basename(tail.segment.path);
  const note = recoveredLine({ streamId, seq, timeUs }, { segment, goodBytes, cutBytes, unsealed });
  tail.chain.update(Buffer.from(note, 'latin1'));
  const facts = {
    fromSeq: tail.sealedUpTo + 1,
    count: unsealed + 1,
    prev: tail.chain.previous,
    final: true,
    expired: [],
    previous: [],
  };
  const head = sealHead({ streamId, seq: seq + 1, timeUs }, facts);
  const sha256 = tail.chain.digestWith(head);
  append(tail.segment.path, Buffer.from(`${note}${head}${sha256}${sealTail}`, 'latin1'));
  return { streamId, seq: seq + 1, sha256 };
}

function append(path: string, bytes: Buffer): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
  try {
    const { atime, mtime } = fstatSync(fd);
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    // Its age stays that of its records: retention takes the oldest first.
    futimesSync(fd, atime, mtime);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
