// HOT PATH (bench/audit.bench.ts). Gives records their numbers and writes them in batches, one write(2) each; seals what
// is written. INVARIANT: each number of a stream is one line, or lies in the range of the `gap` record right behind it.

import type { Clock } from '../lib/clock.ts';
import { LineBuffer } from './line-buffer.ts';
import type { LineTarget } from './line-target.ts';
import type { PacedWriter } from './paced-writer.ts';
import type { SealSigner } from './seal-signature.ts';
import type { Gap, StreamEnd } from './service-records.ts';
import { StreamNews, type Told } from './stream-news.ts';
import { type SealDraft, StreamSeals } from './stream-seals.ts';

/** Something that becomes a line once it has its number. */
export interface Encodable {
  encode(seq: number, out: LineBuffer): void;
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
  /** Null where seals are not signed. */
  readonly signer: SealSigner | null;
}

/** Lines of a batch that was written, valid until `done` returns. */
export interface BatchLines {
  readonly bytes: Buffer;
  /** Where the line of each record ends, and the next begins; where the one before ends if it could not be encoded. */
  readonly ends: readonly number[];
}

const noLines: BatchLines = Object.freeze({ bytes: Buffer.alloc(0), ends: [] });

/** Called once with null when the batch is written, with what went wrong otherwise. */
export type CommitDone = (error: unknown, lines: BatchLines) => void;

/** Writes one stream; one commit or seal at a time. */
export class StreamWriter {
  readonly #parts: StreamWriterParts;
  readonly #news: StreamNews;
  readonly seals: StreamSeals;
  readonly #scratch = new LineBuffer();
  #seq = 1;
  #endSegment = false;
  readonly counts = { records: 0, bytes: 0, seals: 0, batches: 0, unwritten: 0, dropped: 0, syncFailures: 0 };

  constructor(parts: StreamWriterParts) {
    this.#parts = parts;
    this.#news = new StreamNews(parts.streamId, parts.target);
    this.seals = new StreamSeals(parts);
  }

  /** True when a seal should be written without waiting for its time. */
  get sealDue(): boolean {
    return this.seals.isDue || (this.seals.unsealed > 0 && this.#parts.target.segmentFull);
  }

  /** True when there is something to tell that no record has carried yet. */
  get hasNews(): boolean {
    return this.#news.pending;
  }

  /** Counts records that cannot be written; the next batch tells of them. */
  lose(count: number): void {
    this.#news.lose(count);
    this.counts.unwritten += count;
  }

  /** Has the next batch tell of records that were deleted before every sink took them. */
  drop(gap: Gap): void {
    this.#news.drop(gap);
    this.counts.dropped += gap.count;
  }

  /** Lets the segment end with the next seal, whatever its size. */
  endSegmentAfterSeal(): void {
    this.#endSegment = true;
  }

  /** Writes a batch; `done` may be called before this returns. On an error none of the records counts. */
  commit(items: readonly Encodable[], done: CommitDone): void {
    const { target, writer } = this.#parts;
    const firstSeq = this.#seq;
    let fd: number;
    let batch: Batch;
    try {
      fd = target.ready(firstSeq);
      batch = this.#encode(items);
    } catch (error) {
      this.#seq = firstSeq;
      this.lose(items.length);
      return done(error, noLines);
    }
    const bytes = this.#scratch.view(0);
    const undo = (error: unknown, written: number): void => {
      target.reject(written);
      this.#seq = firstSeq;
      this.lose(items.length);
      done(error, noLines);
    };
    writer.write(fd, bytes, (error, written) => {
      if (error !== null) return undo(error, written);
      this.#syncIfAsked((syncError) => {
        if (syncError !== null) {
          this.counts.syncFailures += 1;
          return undo(syncError, written);
        }
        this.#keep(bytes, batch);
        done(null, { bytes: bytes.subarray(batch.first), ends: batch.ends });
      });
    });
  }

  /** Seals what is written; `done` gets false when that failed, which denies nothing and is tried again. */
  seal(final: boolean, done: (sealed: boolean) => void): void {
    const { target, writer } = this.#parts;
    let fd: number;
    let draft: SealDraft;
    try {
      fd = target.ready(this.#seq);
      // A target that must first tell of a fault does so with the next batch; the seal waits for it.
      if (target.lead !== '' || target.recoveries.length > 0) throw new Error('news come first');
      draft = this.seals.draft(this.#seq, final);
    } catch {
      this.seals.refuse();
      return done(false);
    }
    writer.write(fd, draft.line, (error, written) => {
      if (error !== null) {
        target.reject(written);
        this.seals.failed(draft);
        return done(false);
      }
      this.#sealed(draft.line.length);
      this.seals.written(draft);
      done(true);
    });
  }

  #encode(items: readonly Encodable[]): Batch {
    const { lead } = this.#parts.target;
    const news = this.#news.lines(this.#seq, this.#parts.clock.nowUs());
    const out = this.#scratch;
    out.clear();
    out.text(lead);
    const start = out.end;
    for (const line of news.lines) out.text(line);
    this.#seq = news.nextSeq;
    const first = out.end;
    const ends: number[] = [];
    let failures = 0;
    for (const item of items) {
      if (encodeOne(item, this.#seq, out)) this.#seq += 1;
      else failures += 1;
      ends.push(out.end - first);
    }
    return { ends, start, first, failures, told: news.told, records: news.lines.length + items.length - failures };
  }

  #syncIfAsked(done: (error: Error | null) => void): void {
    if (this.#parts.syncEach) this.#parts.target.sync(done);
    else done(null);
  }

  #keep(bytes: Buffer, batch: Batch): void {
    const { counts } = this;
    this.#parts.target.accept(bytes.length, batch.told.recoveries);
    this.#news.written(batch.told);
    this.seals.take(bytes.subarray(batch.start), batch.records);
    counts.records += batch.records;
    counts.bytes += bytes.length;
    counts.batches += 1;
    if (batch.failures > 0) this.lose(batch.failures);
  }

  #sealed(bytes: number): void {
    const { target } = this.#parts;
    target.accept(bytes, 0);
    this.#seq += 1;
    this.counts.seals += 1;
    this.counts.records += 1;
    this.counts.bytes += bytes;
    if (target.segmentFull || this.#endSegment) target.endSegment();
    else target.check();
    this.#endSegment = false;
  }
}

interface Batch {
  readonly ends: readonly number[];
  /** Where the first line begins, and where that of the first record does. */
  readonly start: number;
  readonly first: number;
  /** Records that could not be encoded. */
  readonly failures: number;
  readonly told: Told;
  /** Lines of the batch. */
  readonly records: number;
}

function encodeOne(item: Encodable, seq: number, out: LineBuffer): boolean {
  const start = out.end;
  try {
    item.encode(seq, out);
    return true;
  } catch {
    // An event that cannot be encoded is a defect; its request is denied and the gap is counted like any other.
    out.cut(start);
    return false;
  }
}
