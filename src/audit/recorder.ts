// The audit part as the rest of Postern sees it: events in, records on the journal, waiters told.

import { randomBytes } from 'node:crypto';
import type { PosternError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { AuthnFailedEvent, DecisionEvent, OutcomeEvent, Recorder, RecordWaiter } from './decision-event.ts';
import { GroupCommit, groupCommitDefaults, type WrittenBatch } from './group-commit.ts';
import { AuthnFailedEntry, DecisionEntry, OutcomeEntry } from './journal-entries.ts';
import { makeStreamId } from './journal-layout.ts';
import type { JournalOptions } from './journal-options.ts';
import type { LineTarget } from './line-target.ts';
import { makeFolders } from './make-folders.ts';
import { NativeEncoder } from './native-encoder.ts';
import type { PacedWriter } from './paced-writer.ts';
import {
  cannotOpen,
  makeRetention,
  makeStream,
  makeSyncs,
  type OpenedParts,
  openCopies,
  openFolderPlace,
  openStdoutPlace,
  type RecorderParts,
} from './recorder-parts.ts';
import type { RecorderStats } from './recorder-stats.ts';
import { recoverStreams } from './recover.ts';
import type { Retention } from './retention.ts';
import type { StreamEnd } from './service-records.ts';
import type { StdoutCopies } from './stdout-copies.ts';
import type { StreamWriter } from './stream-writer.ts';
import type { SyncPacer } from './sync-pacer.ts';

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
  readonly #patienceMs: number;
  readonly #onBatch: ((batch: WrittenBatch) => void) | undefined;
  #closing: Promise<void> | null = null;

  constructor(opened: OpenedParts) {
    const { options, parts, streamId } = opened;
    this.streamId = streamId;
    this.#outcomes = options.outcomes;
    this.#onBatch = parts.onBatch;
    this.#patienceMs = (parts.commit ?? groupCommitDefaults).patienceMs;
    this.#encoder = new NativeEncoder({ proxy: options.proxy, redactPath: options.redactPath, streamId });
    this.#retention = makeRetention(opened);
    const place =
      options.dir === null ? openStdoutPlace(opened) : openFolderPlace(opened, options.dir, this.#retention);
    this.#target = place.target;
    this.#writer = place.writer;
    this.#stream = makeStream(opened, place);
    this.#commit = new GroupCommit({
      stream: this.#stream,
      options: parts.commit ?? groupCommitDefaults,
      onBatch: (batch) => this.#publish(batch),
      onFault: opened.onFault,
    });
    this.#copies = options.dir === null ? null : openCopies(opened);
    this.#syncs = makeSyncs(opened, place.target, () => this.#stream.counts.bytes);
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
      unsealed: this.#stream.seals.unsealed,
      syncs: this.#syncs?.counts.syncs ?? 0,
      syncFailures: this.#stream.counts.syncFailures + (this.#syncs?.counts.failures ?? 0),
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
    // A disk that hangs must not keep the process from ending.
    await within(this.#patienceMs, this.#syncAll());
    this.#copies?.close();
    this.#writer.giveUp();
    this.#target.close();
  }

  async #syncAll(): Promise<void> {
    await this.#syncs?.close();
    await new Promise<void>((resolve) => this.#target.sync(() => resolve()));
  }

  #publish(batch: WrittenBatch): void {
    this.#copies?.add(batch);
    this.#onBatch?.(batch);
  }
}

function within(mostMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, mostMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
