// HOT PATH (bench/audit.bench.ts). Gives records their numbers and writes them in batches, one write(2) each; seals what
// is written. INVARIANT: each number of a stream is one line, or lies in the range of the `gap` record right behind it.

import type { Clock } from '../lib/clock.ts';
import type { LineTarget } from './line-target.ts';
import { lineBytes } from './native-encoder.ts';
import type { PacedWriter } from './paced-writer.ts';
import { SealChain, sealTail } from './seal-chain.ts';
import type { Expiry, Gap, StreamEnd } from './service-records.ts';
import { gapLine, recoveredLine, sealHead } from './service-records.ts';

/** Something that becomes a line once it has its number. */
export interface Encodable {
  encode(seq: number): string;
}

/** What a stream writer works with. */
export interface StreamWriterParts {
  readonly streamId: string;
  readonly target: LineTarget;
  readonly writer: PacedWriter;
  readonly clock: Clock;
  /** True: a batch counts only when it is on the disk. */
  readonly syncEach: boolean;
  /** Ends of earlier streams, for the first seal. */
  readonly previous: readonly StreamEnd[];
}

/** Lines of a batch that was written; null at the place of a record that could not be encoded. */
export type BatchLines = readonly (string | null)[];

/** Records between two seals, and bytes of a scratch buffer to begin with. */
const recordsPerSeal = 1_000;
const scratchBytes = 256 * 1024;

/** Writes one stream; one commit or seal at a time. */
export class StreamWriter {
  readonly #parts: StreamWriterParts;
  readonly #chain: SealChain;
  #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  #seq = 1;
  #sealedUpTo = 0;
  #unsealed = 0;
  #lost = 0;
  #expired: readonly Expiry[] = [];
  #expiredOwn: Expiry | null = null;
  #dropped: Gap[] = [];
  #onSealed: ((sealed: boolean) => void)[] = [];
  #endSegment = false;
  #previous: readonly StreamEnd[];
  readonly counts = {
    records: 0,
    bytes: 0,
    seals: 0,
    batches: 0,
    unwritten: 0,
    dropped: 0,
    sealFailures: 0,
    encodeFailures: 0,
  };

  constructor(parts: StreamWriterParts) {
    this.#parts = parts;
    this.#chain = SealChain.ofStream(parts.streamId);
    this.#previous = parts.previous;
  }

  /** Records that no seal covers yet. */
  get unsealed(): number {
    return this.#unsealed;
  }

  /** Number of the last line. */
  get lastSeq(): number {
    return this.#seq - 1;
  }

  /** True when a seal should be written without waiting for its time. */
  get sealDue(): boolean {
    return this.#unsealed >= recordsPerSeal || (this.#unsealed > 0 && this.#parts.target.segmentFull);
  }

  /** True when there is something to tell that no record has carried yet. */
  get hasNews(): boolean {
    return this.#untold().lines > 0;
  }

  /** Counts records that cannot be written; the next batch tells of them. */
  lose(count: number): void {
    this.#lost += count;
    this.counts.unwritten += count;
  }

  /** Has the next seal say what retention is about to delete; `done` gets true once that seal is written. */
  expire(expired: readonly Expiry[], done: (sealed: boolean) => void): void {
    const own = expired.findLast((item) => item.streamId === this.#parts.streamId);
    if (own !== undefined) this.#expiredOwn = own;
    this.#expired = [...this.#expired, ...expired.filter((item) => item.streamId !== this.#parts.streamId)];
    this.#onSealed.push(done);
  }

  /** Lets the segment end with the next seal, whatever its size. */
  endSegmentAfterSeal(): void {
    this.#endSegment = true;
  }

  /** Has the next batch tell of records that were deleted before every sink took them. */
  drop(gap: Gap): void {
    this.#dropped.push(gap);
    this.counts.dropped += gap.count;
  }

  /** Writes a batch; `done` may be called before this returns. On an error none of the records counts. */
  commit(items: readonly Encodable[], done: (error: unknown, lines: BatchLines) => void): void {
    const firstSeq = this.#seq;
    const { target, writer } = this.#parts;
    let fd: number;
    try {
      fd = target.ready(firstSeq);
    } catch (error) {
      this.lose(items.length);
      return done(error, []);
    }
    const lead = this.#leadBytes();
    const batch = this.#encode(items, lead);
    const bytes = this.#scratch.subarray(0, batch.end);
    writer.write(fd, bytes, (error, written) => {
      if (error !== null) return this.#undo({ firstSeq, items, written }, error, done);
      this.#syncIfAsked((syncError) => {
        if (syncError !== null) return this.#undo({ firstSeq, items, written }, syncError, done);
        this.#keep(bytes.subarray(lead), batch);
        done(null, batch.lines);
      });
    });
  }

  /** Seals what is written; `done` gets false when that failed, which denies nothing and is tried again. */
  seal(final: boolean, done: (sealed: boolean) => void): void {
    const { target, writer, streamId, clock } = this.#parts;
    const seq = this.#seq;
    const facts = {
      fromSeq: this.#sealedUpTo + 1,
      count: this.#unsealed,
      prev: this.#chain.previous,
      final,
      expired: this.#expiredOwn === null ? this.#expired : [this.#expiredOwn, ...this.#expired],
      previous: this.#previous,
    };
    const head = sealHead({ streamId, seq, timeUs: clock.nowUs() }, facts);
    const sha256 = this.#chain.digestWith(head);
    const line = Buffer.from(`${head}${sha256}${sealTail}`, 'latin1');
    const failed = (written: number): void => {
      target.reject(written);
      this.counts.sealFailures += 1;
      for (const told of this.#onSealed.splice(0)) told(false);
      done(false);
    };
    let fd: number;
    try {
      fd = target.ready(seq);
    } catch {
      return failed(0);
    }
    // A target that must first tell of a fault does so with the next batch; the seal waits for it.
    if (target.lead !== '' || target.recoveries.length > 0) return failed(0);
    writer.write(fd, line, (error, written) => {
      if (error !== null) return failed(written);
      this.#sealed(sha256, line.length);
      done(true);
    });
  }

  #leadBytes(): number {
    const { lead } = this.#parts.target;
    return lead === '' ? 0 : this.#scratch.write(lead, 0, 'latin1');
  }

  #encode(items: readonly Encodable[], start: number): Batch {
    let end = this.#serviceLines(start);
    const told = this.#untold();
    const lines: (string | null)[] = [];
    let failures = 0;
    for (const item of items) {
      const line = encodeOne(item, this.#seq);
      lines.push(line);
      if (line === null) {
        failures += 1;
        continue;
      }
      this.#seq += 1;
      if (end + line.length > this.#scratch.length) this.#grow(end + line.length);
      end += this.#scratch.write(line, end, 'latin1');
    }
    return { lines, end, failures, told, records: told.lines + items.length - failures };
  }

  /** What the next batch tells of beside its records. */
  #untold(): Told {
    const recoveries = this.#parts.target.recoveries.length;
    const dropped = this.#dropped.length;
    return { lost: this.#lost, recoveries, dropped, lines: recoveries + dropped + (this.#lost > 0 ? 1 : 0) };
  }

  /** What must be told before the next records. */
  #serviceLines(start: number): number {
    const { streamId, clock, target } = this.#parts;
    if (this.#untold().lines === 0) return start;
    let end = start;
    const timeUs = clock.nowUs();
    const put = (line: string): void => {
      if (end + line.length > this.#scratch.length) this.#grow(end + line.length);
      end += this.#scratch.write(line, end, 'latin1');
      this.#seq += 1;
    };
    if (this.#lost > 0) {
      const fromSeq = this.#seq;
      this.#seq += this.#lost;
      const gap = { fromSeq, toSeq: this.#seq - 1, count: this.#lost, cause: 'unwritten' } as const;
      put(gapLine({ streamId, seq: this.#seq, timeUs }, gap));
    }
    for (const recovery of target.recoveries) put(recoveredLine({ streamId, seq: this.#seq, timeUs }, recovery));
    for (const gap of this.#dropped) put(gapLine({ streamId, seq: this.#seq, timeUs }, gap));
    return end;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes + 64 * lineBytes, this.#scratch.length * 2));
    this.#scratch.copy(larger);
    this.#scratch = larger;
  }

  #syncIfAsked(done: (error: Error | null) => void): void {
    if (this.#parts.syncEach) this.#parts.target.sync(done);
    else done(null);
  }

  #keep(bytes: Buffer, batch: Batch): void {
    this.#parts.target.accept(batch.end, batch.told.recoveries);
    this.#chain.update(bytes);
    // More may have been lost while the write was under way.
    this.#lost -= batch.told.lost;
    if (batch.told.dropped > 0) this.#dropped = this.#dropped.slice(batch.told.dropped);
    this.#unsealed += batch.records;
    this.counts.records += batch.records;
    this.counts.bytes += bytes.length;
    this.counts.batches += 1;
    this.counts.encodeFailures += batch.failures;
    if (batch.failures > 0) this.lose(batch.failures);
    // What one burst needed is not kept for ever.
    if (this.#scratch.length > 8 * scratchBytes) this.#scratch = Buffer.allocUnsafeSlow(scratchBytes);
  }

  #undo(batch: FailedBatch, error: unknown, done: (error: unknown, lines: BatchLines) => void): void {
    this.#parts.target.reject(batch.written);
    this.#seq = batch.firstSeq;
    this.lose(batch.items.length);
    done(error, []);
  }

  #sealed(sha256: string, bytes: number): void {
    const { target } = this.#parts;
    target.accept(bytes, 0);
    this.#chain.sealed(sha256);
    this.#sealedUpTo = this.#seq;
    this.#seq += 1;
    this.#unsealed = 0;
    this.#expired = [];
    this.#previous = [];
    this.counts.seals += 1;
    this.counts.records += 1;
    this.counts.bytes += bytes;
    if (target.segmentFull || this.#endSegment) target.endSegment();
    else target.check();
    this.#endSegment = false;
    for (const told of this.#onSealed.splice(0)) told(true);
  }
}

interface Batch {
  readonly lines: (string | null)[];
  readonly end: number;
  /** Records that could not be encoded. */
  readonly failures: number;
  readonly told: Told;
  /** Lines of the batch. */
  readonly records: number;
}

interface Told {
  readonly lost: number;
  readonly recoveries: number;
  readonly dropped: number;
  readonly lines: number;
}

interface FailedBatch {
  readonly firstSeq: number;
  readonly items: readonly Encodable[];
  readonly written: number;
}

function encodeOne(item: Encodable, seq: number): string | null {
  try {
    return item.encode(seq);
  } catch {
    // An event that cannot be encoded is a defect; its request is denied and the gap is counted like any other.
    return null;
  }
}
