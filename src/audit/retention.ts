// Keeps a journal within its room. What goes is first written into a seal (or, if a reader still wanted it, into a `gap`
// record), then deleted: a crash in between leaves too much, never too little.

import { existsSync } from 'node:fs';
import { readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PosternError } from '../errors.ts';
import { faultCode } from './fault-code.ts';
import type { SegmentFile, StreamFiles } from './journal-layout.ts';
import { listStreams, lockName } from './journal-layout.ts';
import type { JournalOptions } from './journal-options.ts';
import { lastLineOf } from './journal-tail.ts';
import type { LeavingSegment, RetentionPlan } from './retention-plan.ts';
import { planRetention } from './retention-plan.ts';
import type { Expiry } from './service-records.ts';
import { tryLock } from './stream-lock.ts';
import type { StreamWriter } from './stream-writer.ts';

/** Tells whether a reader has the whole of a segment. */
export type JournalCursor = (segment: SegmentFile) => boolean;

export interface RetentionOptions extends Pick<JournalOptions, 'keepBytes' | 'segmentBytes' | 'whenFull'> {
  readonly dir: string;
  readonly streamId: string;
  /** How far each reader has come now. */
  readonly cursors: () => Promise<readonly JournalCursor[]>;
  readonly onFault: (error: PosternError) => void;
}

/** What retention needs of the writer. */
export interface RetentionWriter {
  readonly stream: StreamWriter;
  readonly seal: () => void;
}

/** How often the folder is looked at, milliseconds; other processes may write there too. */
const everyMs = 10_000;
const everyMsWhenFull = 500;
/** More would not fit into a seal. */
const mostTold = 64;

/** Looks after one folder for one process. */
export class Retention {
  readonly #options: RetentionOptions;
  #writer: RetentionWriter | null = null;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #current = '';
  #full = false;
  /** A segment was begun while a round was under way. */
  #again = false;
  #listedBytes = 0;
  #writtenWhenListed = 0;
  #closed = false;
  #stopWaiting: () => void = () => {};
  readonly #counted = new Set<string>();
  /** Up to which record streams that are over have expired, as far as we removed them. */
  readonly #told = new Map<string, number>();
  expiredSegments = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Bytes of the folder: as listed last, and what was written since. */
  get retainedBytes(): number {
    return this.#listedBytes + (this.#writer?.stream.counts.bytes ?? 0) - this.#writtenWhenListed;
  }

  /** Begins to look after the folder. */
  start(writer: RetentionWriter): void {
    this.#writer = writer;
    this.#look();
  }

  /** @throws PosternError ERR_JOURNAL_UNAVAILABLE while the room is used up by records that are still wanted */
  mayWrite(): void {
    if (!this.#full) return;
    throw new PosternError('ERR_JOURNAL_UNAVAILABLE', 'the journal is full of records that a sink has not taken yet', {
      mend: 'see why the sink does not take them, raise `audit.journal.keep`, or choose `when_full: drop_oldest`',
    });
  }

  /** A segment was begun; the one before it may go now. */
  begun(path: string): void {
    this.#current = path;
    this.#look();
  }

  /** Stops, after what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stopWaiting();
    await this.#running;
  }

  #look(): void {
    if (this.#closed || this.#writer === null) return;
    if (this.#running !== null) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#again = false;
    this.#running = this.#round(this.#writer)
      .catch((error) => this.#fault('cannot look after the room of the journal', error))
      .finally(() => this.#rest());
  }

  #rest(): void {
    this.#running = null;
    if (this.#again) return this.#look();
    if (!this.#closed) this.#timer = setTimeout(() => this.#look(), this.#full ? everyMsWhenFull : everyMs).unref();
  }

  async #round(writer: RetentionWriter): Promise<void> {
    const { dir, keepBytes, segmentBytes, whenFull } = this.#options;
    const written = writer.stream.counts.bytes;
    const streams = await listStreams(dir);
    const others = new Set(streams.filter((stream) => this.#isOfAnother(stream)).map(({ streamId }) => streamId));
    const inUse = new Set([this.#current, ...streams.flatMap((stream) => this.#lastInUse(stream, others))]);
    const reserveBytes = Math.min(segmentBytes, keepBytes);
    const cursors = await this.#options.cursors();
    const isTaken = (segment: SegmentFile): boolean => cursors.every((cursor) => cursor(segment));
    const plan = planRetention({ streams, keepBytes, reserveBytes, whenFull, inUse, isTaken });
    this.#listedBytes = plan.totalBytes;
    this.#writtenWhenListed = written;
    this.#full = plan.full;
    await this.#announce(writer, ownPart(plan, others));
  }

  async #announce(writer: RetentionWriter, plan: RetentionPlan): Promise<void> {
    const leaving = await withWholeSeals([...plan.expired, ...plan.dropped]);
    if (leaving.length === 0) return;
    for (const item of plan.dropped) if (leaving.includes(item)) await this.#countDropped(writer, item);
    const expired = new Map<string, number>();
    for (const { segment, lastSeq } of leaving) {
      expired.set(segment.streamId, lastSeq ?? (await seqOfLastLine(segment.path)) ?? segment.firstSeq);
    }
    if (this.#closed) return;
    const sealed = new Promise<boolean>((resolve) => {
      // A disk that hangs must not hold up the end.
      this.#stopWaiting = () => resolve(false);
      writer.stream.seals.expire(this.#withToldBefore(expired), resolve);
      writer.seal();
    });
    if (await sealed) await this.#remove(leaving);
  }

  /**
   * What we said of streams that are over is said again each time: the segment that said it first may be leaving, while
   * another process still holds the seal that names such a stream.
   */
  #withToldBefore(expired: ReadonlyMap<string, number>): Expiry[] {
    const own = this.#options.streamId;
    for (const [streamId, toSeq] of expired) if (streamId !== own) this.#told.set(streamId, toSeq);
    for (const streamId of [...this.#told.keys()].slice(0, -mostTold)) this.#told.delete(streamId);
    return [...new Map([...this.#told, ...expired])].map(([streamId, toSeq]) => ({ streamId, toSeq }));
  }

  /** Once for each segment, even if the seal that lets it go has to be tried again. */
  async #countDropped(writer: RetentionWriter, { segment, lastSeq }: LeavingSegment): Promise<void> {
    if (this.#counted.has(segment.path)) return;
    this.#counted.add(segment.path);
    const fromSeq = segment.firstSeq;
    const toSeq = lastSeq ?? (await seqOfLastLine(segment.path)) ?? fromSeq;
    const ofStream = segment.streamId === this.#options.streamId ? {} : { ofStream: segment.streamId };
    writer.stream.drop({ fromSeq, toSeq, count: toSeq - fromSeq + 1, cause: 'dropped', ...ofStream });
  }

  async #remove(leaving: readonly LeavingSegment[]): Promise<void> {
    for (const { segment } of leaving) {
      try {
        await unlink(segment.path);
        this.expiredSegments += 1;
        this.#counted.delete(segment.path);
        this.#listedBytes -= segment.size;
      } catch (error) {
        // Another process on the same folder may have been faster.
        if (faultCode(error) !== 'ENOENT') throw error;
      }
      if (segment.streamId !== this.#options.streamId) await removeIfEmpty(dirname(segment.path));
    }
  }

  /** Another process writes it. */
  #isOfAnother(stream: StreamFiles): boolean {
    return stream.streamId !== this.#options.streamId && stream.segments.length > 0 && isLive(stream);
  }

  /** The last segment of our own stream and of those whose process lives. */
  #lastInUse(stream: StreamFiles, others: ReadonlySet<string>): readonly string[] {
    const last = stream.segments.at(-1);
    if (last === undefined) return [];
    return stream.streamId === this.#options.streamId || others.has(stream.streamId) ? [last.path] : [];
  }

  #fault(message: string, cause: unknown): void {
    this.#options.onFault(new PosternError('ERR_JOURNAL_UNAVAILABLE', `${message}: ${faultCode(cause)}`, { cause }));
  }
}

/**
 * What is ours to remove. INVARIANT: a stream that is being written says itself what of it expired, in its own later
 * seals. Said in another stream, it would go when that one's segment expires, and `audit verify` would miss the records.
 */
function ownPart(plan: RetentionPlan, others: ReadonlySet<string>): RetentionPlan {
  const isOurs = ({ segment }: LeavingSegment): boolean => !others.has(segment.streamId);
  return { ...plan, expired: plan.expired.filter(isOurs), dropped: plan.dropped.filter(isOurs) };
}

/** True while the process that writes a stream lives. */
function isLive(stream: StreamFiles): boolean {
  try {
    const lock = tryLock(join(stream.dir, lockName));
    lock?.release();
    return lock === null;
  } catch (error) {
    // Another process took the last of it away since the folder was listed.
    if (!existsSync(stream.dir)) return false;
    throw error;
  }
}

/** What remains of a stream must begin behind a seal, or its first records could not be checked. */
async function withWholeSeals(leaving: readonly LeavingSegment[]): Promise<readonly LeavingSegment[]> {
  const kept: LeavingSegment[] = [];
  const stopped = new Set<string>();
  // From the new end of each stream back to the first segment that ends with a seal.
  for (const item of leaving.toReversed()) {
    const { streamId, path } = item.segment;
    if (!stopped.has(streamId)) {
      const line = await unlessGone(() => lastLineOf(path));
      if (line === gone || (line !== null && line.type !== 'seal')) continue;
      stopped.add(streamId);
    }
    kept.unshift(item);
  }
  return kept;
}

async function seqOfLastLine(path: string): Promise<number | null> {
  const line = await unlessGone(() => lastLineOf(path));
  return line === gone ? null : (line?.seq ?? null);
}

/** Another process that looks whether the stream lives may make its lock anew; then the next round removes it. */
async function removeIfEmpty(dir: string): Promise<void> {
  await unlessGone(async () => {
    if ((await readdir(dir)).some((name) => name.endsWith('.ndjson'))) return;
    await rm(join(dir, lockName), { force: true });
    await rmdir(dir);
  });
}

const gone = Symbol('gone');

/** Several processes look after one folder: what one wants to remove, another may have removed. */
async function unlessGone<T>(work: () => Promise<T>): Promise<T | typeof gone> {
  try {
    return await work();
  } catch (error) {
    if (faultCode(error) === 'ENOENT' || faultCode(error) === 'ENOTEMPTY') return gone;
    throw error;
  }
}
