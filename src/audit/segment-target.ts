// Writes a stream into segments of a folder. After a write that failed half-way the torn bytes are cut off; where even that
// is impossible the segment is left and the next one begins with a `recovered` record that says how much of it is good.

import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PosternError } from '../errors.ts';
import { faultCode } from './fault-code.ts';
import { lockName, segmentFileName } from './journal-layout.ts';
import type { LineTarget } from './line-target.ts';
import { Segment } from './segment.ts';
import type { Recovery } from './service-records.ts';
import type { StreamLock } from './stream-lock.ts';
import { tryLock } from './stream-lock.ts';

/** What a target of segments is told. */
export interface SegmentTargetOptions {
  readonly dir: string;
  readonly streamId: string;
  readonly segmentBytes: number;
  /** False where nothing is ever sent to the disk on purpose. */
  readonly fsync: boolean;
  /** Throws while there is no room. */
  readonly mayWrite: () => void;
  /** A fault that denies no request: a segment that vanished, a sync that failed. */
  readonly onFault: (error: PosternError) => void;
  /** A segment was begun. */
  readonly onSegment: (path: string) => void;
}

type TargetState =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly segment: Segment }
  | { readonly kind: 'torn'; readonly segment: Segment; readonly tornBytes: number }
  | { readonly kind: 'closed' };

/** Somebody may be looking whether the stream is alive. */
const lockWaitMs = 500;

/** The folder of one stream. */
export class SegmentTarget implements LineTarget {
  readonly lead = '';
  readonly #options: SegmentTargetOptions;
  readonly #streamDir: string;
  #state: TargetState = { kind: 'none' };
  #lock: StreamLock | null;
  #nextIndex = 1;
  #recoveries: Recovery[] = [];
  #syncFailed = false;

  /** Makes the stream's folder and takes its lock; throws ERR_JOURNAL_UNAVAILABLE or with an errno code. */
  constructor(options: SegmentTargetOptions) {
    this.#options = options;
    this.#streamDir = join(options.dir, options.streamId);
    this.#lock = this.#makeFolder();
  }

  get recoveries(): readonly Recovery[] {
    return this.#recoveries;
  }

  get segmentBytes(): number {
    return this.#state.kind === 'open' ? this.#state.segment.goodBytes : 0;
  }

  get segmentFull(): boolean {
    return this.segmentBytes >= this.#options.segmentBytes;
  }

  ready(firstSeq: number): number {
    if (this.#syncFailed && this.#state.kind === 'open') this.#leave(this.#state.segment, 0);
    this.#syncFailed = false;
    if (this.#state.kind === 'torn') this.#mend(this.#state.segment, this.#state.tornBytes);
    this.#options.mayWrite();
    if (this.#state.kind === 'none') this.#open(firstSeq);
    if (this.#state.kind === 'open') return this.#state.segment.fd;
    throw new PosternError('ERR_JOURNAL_UNAVAILABLE', 'the journal is closed');
  }

  accept(bytes: number, recoveriesTold: number): void {
    if (recoveriesTold > 0) this.#recoveries = this.#recoveries.slice(recoveriesTold);
    if (this.#state.kind === 'open') this.#state.segment.goodBytes += bytes;
  }

  reject(writtenBytes: number): void {
    if (this.#state.kind === 'open' && writtenBytes > 0) {
      this.#state = { kind: 'torn', segment: this.#state.segment, tornBytes: writtenBytes };
      this.#mend(this.#state.segment, writtenBytes);
    }
  }

  endSegment(): void {
    if (this.#state.kind !== 'open') return;
    const { segment } = this.#state;
    this.#state = { kind: 'none' };
    if (!this.#options.fsync) return this.#close(segment);
    segment.syncAndClose((error) => this.#reportSync(error));
  }

  check(): void {
    if (this.#state.kind !== 'open') return;
    const { segment } = this.#state;
    if (isIntact(segment)) return;
    this.#leave(segment, 0);
    this.#fault(
      `segment \`${segment.name}\` was deleted or changed by somebody else; records in it may be lost`,
      undefined,
    );
  }

  sync(done: (error: Error | null) => void): void {
    if (this.#state.kind !== 'open' || !this.#options.fsync) return done(null);
    const { segment } = this.#state;
    segment.sync((error) => {
      // The segment was ended meanwhile; its end synced it too.
      if (this.#state.kind !== 'open' || this.#state.segment !== segment) return done(null);
      // After a failed fsync the kernel may call lost pages clean: nothing more is built upon this file. It is left with
      // the next write, for one may be under way on its descriptor.
      if (error) this.#syncFailed = true;
      this.#reportSync(error ?? null);
      done(error ?? null);
    });
  }

  close(): void {
    if (this.#state.kind === 'open' || this.#state.kind === 'torn') this.#close(this.#state.segment);
    this.#state = { kind: 'closed' };
    this.#lock?.release();
    this.#lock = null;
  }

  #makeFolder(): StreamLock {
    // Only the last part: a volume that is gone must not be replaced by a folder on the disk beneath.
    mkdirSync(this.#streamDir, { mode: 0o700 });
    const lock = tryLock(join(this.#streamDir, lockName), lockWaitMs);
    if (lock !== null) return lock;
    throw new PosternError('ERR_JOURNAL_UNAVAILABLE', `another process writes the stream \`${this.#streamDir}\``);
  }

  #open(firstSeq: number): void {
    const path = join(this.#streamDir, segmentFileName(this.#nextIndex, firstSeq));
    let segment: Segment;
    try {
      segment = new Segment(path, firstSeq);
    } catch (error) {
      if (faultCode(error) !== 'ENOENT') throw error;
      this.#lock?.release();
      this.#lock = null;
      this.#lock = this.#makeFolder();
      segment = new Segment(path, firstSeq);
    }
    this.#nextIndex += 1;
    this.#state = { kind: 'open', segment };
    this.#options.onSegment(path);
    if (this.#options.fsync) void this.#syncFolder();
  }

  #mend(segment: Segment, tornBytes: number): void {
    try {
      segment.cut();
      this.#state = { kind: 'open', segment };
    } catch {
      // The record in the next segment tells of it.
      this.#leave(segment, tornBytes);
    }
  }

  #leave(segment: Segment, tornBytes: number): void {
    this.#recoveries.push({ segment: segment.name, goodBytes: segment.goodBytes, cutBytes: tornBytes, unsealed: 0 });
    this.#state = { kind: 'none' };
    this.#close(segment);
  }

  #close(segment: Segment): void {
    try {
      segment.close();
    } catch (error) {
      this.#fault(`cannot close \`${segment.name}\`: ${faultCode(error)}`, error);
    }
  }

  /** A new name is safe from power loss only when its folder is on the disk too. */
  async #syncFolder(): Promise<void> {
    try {
      const folder = await open(this.#streamDir, 'r');
      await folder.sync().finally(() => folder.close());
    } catch (error) {
      this.#reportSync(error);
    }
  }

  #reportSync(error: unknown): void {
    if (error !== null) this.#fault(`cannot sync the journal to disk: ${faultCode(error)}`, error);
  }

  #fault(message: string, cause: unknown): void {
    this.#options.onFault(new PosternError('ERR_JOURNAL_UNAVAILABLE', message, { cause }));
  }
}

function isIntact(segment: Segment): boolean {
  try {
    return segment.isIntact();
  } catch {
    return false;
  }
}
