// What a recorder is made of, and how each part is made from the options.

import { PosternError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { faultCode } from './fault-code.ts';
import type { GroupCommitOptions, WrittenBatch } from './group-commit.ts';
import type { JournalOptions } from './journal-options.ts';
import type { LineTarget } from './line-target.ts';
import {
  PacedWriter,
  type PacedWriterParts,
  type PaceOptions,
  paceDefaults,
  systemWriteCalls,
  type WriteCalls,
} from './paced-writer.ts';
import { type JournalCursor, Retention } from './retention.ts';
import type { SealSigner } from './seal-signature.ts';
import { SegmentTarget } from './segment-target.ts';
import type { StreamEnd } from './service-records.ts';
import { StdoutCopies } from './stdout-copies.ts';
import { openStdout } from './stdout-descriptor.ts';
import { StdoutTarget } from './stdout-target.ts';
import { StreamWriter } from './stream-writer.ts';
import { SyncPacer } from './sync-pacer.ts';

/** What surrounds a recorder. */
export interface RecorderParts {
  readonly clock: Clock;
  /** Sees the records that were written, as their lines with the line feed; must be quick, and copy what it keeps. */
  readonly onBatch?: (batch: WrittenBatch) => void;
  /** Faults of the journal, for the operational log; requests that are concerned are denied anyway. */
  readonly onFault?: (error: PosternError) => void;
  /** How far those who read the journal behind us have come; segments that they still need are kept. */
  readonly cursors?: () => Promise<readonly JournalCursor[]>;
  /** Signs seals; null or absent: they are not signed. */
  readonly signer?: SealSigner | null;
  /** Sees how long each write to the journal took, milliseconds. */
  readonly onWriteMs?: (ms: number) => void;
  /** For tests: the calls that write, how fast a disk must be, and how long to wait. */
  readonly calls?: WriteCalls;
  readonly pace?: PaceOptions;
  readonly commit?: GroupCommitOptions;
  /** Descriptor of standard output. Default 1. */
  readonly stdoutFd?: number;
}

/** What is known when a recorder is built. */
export interface OpenedParts {
  readonly options: JournalOptions;
  readonly parts: RecorderParts;
  readonly onFault: (error: PosternError) => void;
  readonly previous: readonly StreamEnd[];
  readonly streamId: string;
}

/** Where lines go, and who writes them there. */
export interface LinePlace {
  readonly target: LineTarget;
  readonly writer: PacedWriter;
}

/** Standard output as the journal. */
export function openStdoutPlace(opened: OpenedParts): LinePlace {
  const { parts } = opened;
  const stdout = openStdout(parts.stdoutFd ?? 1, parts.calls);
  const { calls, alwaysPooled } = stdout;
  const { onWriteMs } = parts;
  return { target: new StdoutTarget(stdout), writer: makeWriter(parts, { calls, alwaysPooled, onWriteMs }) };
}

/**
 * The folder of a new stream.
 * @throws PosternError ERR_JOURNAL_UNAVAILABLE
 */
export function openFolderPlace(opened: OpenedParts, dir: string, retention: Retention | null): LinePlace {
  const { options, parts, onFault, streamId } = opened;
  try {
    const target = new SegmentTarget({
      dir,
      streamId,
      segmentBytes: options.segmentBytes,
      fsync: options.fsync.kind !== 'off',
      mayWrite: () => retention?.mayWrite(),
      onFault,
      onSegment: (path) => retention?.begun(path),
    });
    const calls = parts.calls ?? systemWriteCalls;
    return { target, writer: makeWriter(parts, { calls, alwaysPooled: false, onWriteMs: parts.onWriteMs }) };
  } catch (error) {
    throw cannotOpen(dir, error);
  }
}

/** Copies on standard output, if they are wanted. */
export function openCopies(opened: OpenedParts): StdoutCopies | null {
  const { options, parts } = opened;
  if (options.stdout === 'off') return null;
  const stdout = openStdout(parts.stdoutFd ?? 1);
  return new StdoutCopies(stdout, makeWriter(parts, stdout));
}

export function makeStream(opened: OpenedParts, place: LinePlace): StreamWriter {
  const { options, parts, previous, streamId } = opened;
  const syncEach = options.fsync.kind === 'always' && options.dir !== null;
  const signer = parts.signer ?? null;
  return new StreamWriter({ streamId, ...place, clock: parts.clock, syncEach, previous, signer });
}

/** Null without a folder. */
export function makeRetention(opened: OpenedParts): Retention | null {
  const { options, parts, onFault, streamId } = opened;
  if (options.dir === null) return null;
  const { dir, keepBytes, segmentBytes, whenFull } = options;
  const cursors = parts.cursors ?? (() => Promise.resolve([]));
  return new Retention({ dir, streamId, keepBytes, segmentBytes, whenFull, cursors, onFault });
}

/** Null where nothing is synced now and then. */
export function makeSyncs(opened: OpenedParts, target: LineTarget, writtenBytes: () => number): SyncPacer | null {
  const { dir, fsync } = opened.options;
  return dir !== null && fsync.kind === 'interval' ? new SyncPacer(target, writtenBytes, fsync.intervalMs) : null;
}

/** The error for a journal that does not open. */
export function cannotOpen(dir: string, error: unknown): PosternError {
  if (error instanceof PosternError && error.code === 'ERR_JOURNAL_UNAVAILABLE') return error;
  const why = faultCode(error);
  return new PosternError('ERR_JOURNAL_UNAVAILABLE', `cannot open the journal \`${dir}\`: ${why}`, { cause: error });
}

function makeWriter(parts: RecorderParts, how: Omit<PacedWriterParts, 'clock' | 'pace'>): PacedWriter {
  const { calls, alwaysPooled, onWriteMs } = how;
  return new PacedWriter({ clock: parts.clock, pace: parts.pace ?? paceDefaults, calls, alwaysPooled, onWriteMs });
}
