// The audit part as the rest of Postern sees it: events in, records on the journal, waiters told.

import { randomBytes } from 'node:crypto';
import { PosternError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { AuthnFailedEvent, DecisionEvent, OutcomeEvent, Recorder, RecordWaiter } from './decision-event.ts';
import { faultCode } from './fault-code.ts';
import type { GroupCommitOptions } from './group-commit.ts';
import { GroupCommit, groupCommitDefaults } from './group-commit.ts';
import { AuthnFailedEntry, DecisionEntry, OutcomeEntry } from './journal-entries.ts';
import { makeStreamId } from './journal-layout.ts';
import type { JournalOptions } from './journal-options.ts';
import type { LineTarget } from './line-target.ts';
import { makeFolders } from './make-folders.ts';
import { NativeEncoder } from './native-encoder.ts';
import type { PaceOptions, WriteCalls } from './paced-writer.ts';
import { PacedWriter, paceDefaults, systemWriteCalls } from './paced-writer.ts';
import { recoverStreams } from './recover.ts';
import type { JournalCursor } from './retention.ts';
import { Retention } from './retention.ts';
import { SegmentTarget } from './segment-target.ts';
import type { StreamEnd } from './service-records.ts';
import { StdoutCopies } from './stdout-copies.ts';
import { StdoutTarget } from './stdout-target.ts';
import { StreamWriter } from './stream-writer.ts';
import { SyncPacer } from './sync-pacer.ts';

/** What surrounds a recorder. */
export interface RecorderParts {
  readonly clock: Clock;
  /** Sees each record that was written, as its line with the line feed; must be quick. */
  readonly onLine?: (line: string) => void;
  /** Faults of the journal, for the operational log; requests that are concerned are denied anyway. */
  readonly onFault?: (error: PosternError) => void;
  /** How far those who read the journal behind us have come; segments that they still need are kept. */
  readonly cursors?: readonly JournalCursor[];
  /** For tests: the calls that write, how fast a disk must be, and how long to wait. */
  readonly calls?: WriteCalls;
  readonly pace?: PaceOptions;
  readonly commit?: GroupCommitOptions;
  /** Descriptor of standard output. Default 1. */
  readonly stdoutFd?: number;
}

/** Figures for metrics; counters rise from the start of the process. */
export interface RecorderStats {
  readonly records: number;
  readonly bytes: number;
  /** Batches, each one write(2) but for short writes. */
  readonly batches: number;
  readonly writes: number;
  /** Writes that took longer than 20 ms. */
  readonly stalls: number;
  /** True while the disk is slow and writes go through the thread pool. */
  readonly pooled: boolean;
  readonly failedBatches: number;
  /** Records that could not be written; their requests were denied and a `gap` record tells of them. */
  readonly unwritten: number;
  /** Records that `when_full: drop_oldest` deleted before every sink took them. */
  readonly dropped: number;
  readonly seals: number;
  readonly unsealed: number;
  readonly syncs: number;
  readonly syncFailures: number;
  readonly pending: number;
  /** Bytes of all segments of the folder, as far as known. */
  readonly retainedBytes: number;
  readonly expiredSegments: number;
  readonly copies: number;
  readonly droppedCopies: number;
}

/** A recorder with its life. */
export interface RecorderHandle extends Recorder {
  /** Names this start of this process in each record; null never. */
  readonly streamId: string;
  stats(): RecorderStats;
  /** Seals what is written and begins a new segment. */
  rotate(): void;
  /** Writes what waits, seals, syncs. Later events are refused. */
  close(): Promise<void>;
}

/**
 * Opens the journal: recovers what earlier processes left torn, then begins a stream of its own.
 * @throws PosternError ERR_JOURNAL_UNAVAILABLE when the folder cannot be made or written
 */
export async function openRecorder(options: JournalOptions, parts: RecorderParts): Promise<RecorderHandle> {
  if (options.dir === null && options.stdout !== 'native') {
    throw new TypeError('without a journal folder, stdout must be `native`: every decision needs a record');
  }
  const onFault = parts.onFault ?? (() => {});
  const previous = options.dir === null ? [] : await prepareFolder(options.dir, parts.clock, onFault);
  const streamId = makeStreamId(parts.clock.nowMs(), randomBytes(6).toString('hex'));
  return new JournalRecorder({ options, parts, onFault, previous, streamId });
}

async function prepareFolder(
  dir: string,
  clock: Clock,
  onFault: (error: PosternError) => void,
): Promise<readonly StreamEnd[]> {
  try {
    makeFolders(dir);
    return await recoverStreams(dir, { clock, onFault });
  } catch (error) {
    throw cannotOpen(dir, error);
  }
}

function cannotOpen(dir: string, error: unknown): PosternError {
  if (error instanceof PosternError && error.code === 'ERR_JOURNAL_UNAVAILABLE') return error;
  const why = faultCode(error);
  return new PosternError('ERR_JOURNAL_UNAVAILABLE', `cannot open the journal \`${dir}\`: ${why}`, { cause: error });
}

interface OpenedParts {
  readonly options: JournalOptions;
  readonly parts: RecorderParts;
  readonly onFault: (error: PosternError) => void;
  readonly previous: readonly StreamEnd[];
  readonly streamId: string;
}

/** HOT PATH: `decision` and `outcome`. */
class JournalRecorder implements RecorderHandle {
  readonly streamId: string;
  readonly #encoder: NativeEncoder;
  readonly #commit: GroupCommit;
  readonly #stream: StreamWriter;
  readonly #writer: PacedWriter;
  readonly #target: LineTarget;
  readonly #retention: Retention | null;
  readonly #syncs: SyncPacer | null;
  readonly #copies: StdoutCopies | null;
  readonly #outcomes: JournalOptions['outcomes'];
  readonly #onLine: ((line: string) => void) | undefined;
  #closing: Promise<void> | null = null;

  constructor(opened: OpenedParts) {
    const { options, parts, streamId } = opened;
    const writerParts = {
      clock: parts.clock,
      calls: parts.calls ?? systemWriteCalls,
      pace: parts.pace ?? paceDefaults,
    };
    this.streamId = streamId;
    this.#encoder = new NativeEncoder({ proxy: options.proxy, redactPath: options.redactPath, streamId });
    this.#writer = new PacedWriter(writerParts);
    this.#retention = makeRetention(opened);
    this.#target = makeTarget(opened, this.#retention);
    this.#stream = new StreamWriter({
      streamId,
      target: this.#target,
      writer: this.#writer,
      clock: parts.clock,
      syncEach: options.fsync.kind === 'always' && options.dir !== null,
      previous: opened.previous,
    });
    this.#commit = new GroupCommit({
      stream: this.#stream,
      options: parts.commit ?? groupCommitDefaults,
      onLines: (lines) => this.#publish(lines),
      onFault: opened.onFault,
    });
    this.#copies =
      options.dir !== null && options.stdout === 'native'
        ? new StdoutCopies(parts.stdoutFd ?? 1, new PacedWriter(writerParts))
        : null;
    this.#syncs =
      options.dir !== null && options.fsync.kind === 'interval'
        ? new SyncPacer(this.#target, () => this.#stream.counts.bytes, options.fsync.intervalMs)
        : null;
    this.#outcomes = options.outcomes;
    this.#onLine = parts.onLine;
    this.#retention?.start({ stream: this.#stream, seal: () => this.#commit.requestSeal() });
  }

  decision(event: DecisionEvent, waiter: RecordWaiter): void {
    this.#commit.add(new DecisionEntry(event, waiter, this.#encoder));
  }

  authnFailed(event: AuthnFailedEvent): void {
    this.#commit.add(new AuthnFailedEntry(event, this.#encoder));
  }

  outcome(event: OutcomeEvent): void {
    if (this.#outcomes === 'off' || (this.#outcomes === 'errors' && event.result === 'answered')) return;
    this.#commit.add(new OutcomeEntry(event, this.#encoder));
  }

  rotate(): void {
    this.#stream.endSegmentAfterSeal();
    this.#commit.requestSeal();
  }

  stats(): RecorderStats {
    const { counts } = this.#stream;
    return {
      records: counts.records,
      bytes: counts.bytes,
      batches: counts.batches,
      writes: this.#writer.writes,
      stalls: this.#writer.stalls,
      pooled: this.#writer.pooled,
      failedBatches: this.#commit.counts.failedCommits,
      unwritten: counts.unwritten,
      dropped: counts.dropped,
      seals: counts.seals,
      unsealed: this.#stream.unsealed,
      syncs: this.#syncs?.counts.syncs ?? 0,
      syncFailures: this.#syncs?.counts.failures ?? 0,
      pending: this.#commit.pending,
      retainedBytes: this.#retention?.retainedBytes ?? 0,
      expiredSegments: this.#retention?.expiredSegments ?? 0,
      copies: this.#copies?.counts.copied ?? 0,
      droppedCopies: this.#copies?.counts.dropped ?? 0,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#retention?.close();
    await this.#commit.close();
    await this.#syncs?.close();
    if (this.#syncs !== null) await new Promise<void>((resolve) => this.#target.sync(() => resolve()));
    this.#copies?.close();
    this.#target.close();
  }

  #publish(lines: readonly (string | null)[]): void {
    this.#copies?.add(lines);
    if (this.#onLine === undefined) return;
    for (const line of lines) if (line !== null) this.#onLine(line);
  }
}

function makeTarget(opened: OpenedParts, retention: Retention | null): LineTarget {
  const { options, parts, onFault, streamId } = opened;
  if (options.dir === null) return new StdoutTarget(parts.stdoutFd ?? 1);
  const { dir, segmentBytes } = options;
  try {
    const fsync = options.fsync.kind !== 'off';
    const mayWrite = (): void => retention?.mayWrite();
    return new SegmentTarget({
      dir,
      streamId,
      segmentBytes,
      fsync,
      mayWrite,
      onFault,
      onSegment: (path) => retention?.begun(path),
    });
  } catch (error) {
    throw cannotOpen(dir, error);
  }
}

function makeRetention(opened: OpenedParts): Retention | null {
  const { options, parts, onFault, streamId } = opened;
  if (options.dir === null) return null;
  const { dir, keepBytes, segmentBytes, whenFull } = options;
  return new Retention({ dir, streamId, keepBytes, segmentBytes, whenFull, cursors: parts.cursors ?? [], onFault });
}
