// HOT PATH (bench/audit.bench.ts). All records of one turn of the event loop go out with one write; those that come while
// a write is under way wait for the next. Whoever waits is told after the write returned, exactly once, never at once.

import { PosternError } from '../errors.ts';
import type { RecordWaiter } from './decision-event.ts';
import { faultCode } from './fault-code.ts';
import type { BatchLines, Encodable, StreamWriter } from './stream-writer.ts';

/** A record on its way. */
export interface JournalEntry extends Encodable {
  readonly kind: 'allow' | 'deny' | 'outcome';
  readonly waiter: RecordWaiter | null;
}

/** Limits of what may be under way. Times in milliseconds. */
export interface GroupCommitOptions {
  /** Records that may wait for a write; more are refused. Default 16,384. */
  readonly mostPending: number;
  /** How long a write may take before those who wait are refused. Default 5 s. */
  readonly patienceMs: number;
  /** Longest time that a record stays without a seal. Default 1 s. */
  readonly sealEveryMs: number;
}

export const groupCommitDefaults: GroupCommitOptions = Object.freeze({
  mostPending: 16_384,
  patienceMs: 5_000,
  sealEveryMs: 1_000,
});

/** Records that are in the journal now. */
export interface WrittenBatch extends BatchLines {
  readonly entries: readonly { readonly kind: JournalEntry['kind'] }[];
}

/** What a group commit works with. */
export interface GroupCommitParts {
  readonly stream: StreamWriter;
  readonly options: GroupCommitOptions;
  /** Sees each batch that was written; the bytes are valid during the call only. */
  readonly onBatch: (batch: WrittenBatch) => void;
  /** A write failed, or a waiter threw. */
  readonly onFault: (error: PosternError) => void;
}

type CommitState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'writing'; readonly waiting: readonly JournalEntry[] }
  /** The write that is under way takes too long; who comes now is refused. */
  | { readonly kind: 'refusing' }
  | { readonly kind: 'closed' };

/** Gathers records into batches for one stream. */
export class GroupCommit {
  readonly #parts: GroupCommitParts;
  #state: CommitState = { kind: 'idle' };
  #pending: JournalEntry[] = [];
  #scheduled = false;
  #sealWanted: 'no' | 'seal' | 'final' = 'no';
  #sealTimer: NodeJS.Timeout | undefined;
  #lastFailed = false;
  #patience: NodeJS.Timeout | undefined;
  #whenIdle: (() => void)[] = [];
  readonly counts = { failedCommits: 0, refused: 0 };

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
  }

  /** Records that wait for a write. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Takes a record; its waiter hears in a later turn. */
  add(entry: JournalEntry): void {
    if (this.#state.kind === 'closed' || this.#pending.length >= this.#parts.options.mostPending) {
      return this.#refuseLater(entry);
    }
    this.#pending.push(entry);
    this.#schedule();
  }

  /** Seals what is written, as soon as nothing is under way. */
  requestSeal(): void {
    if (this.#sealWanted === 'no') this.#sealWanted = 'seal';
    this.#schedule();
  }

  /** Writes what is there and a last seal; what comes later is refused. */
  async close(): Promise<void> {
    if (this.#state.kind === 'closed') return;
    clearTimeout(this.#sealTimer);
    this.#sealWanted = 'final';
    this.#lastFailed = false;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
      this.#schedule();
    });
    this.#state = { kind: 'closed' };
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#state.kind === 'refusing') this.#refuseAll(this.#pending.splice(0), tooSlow());
    // A seal goes before the records that wait, or steady load would put it off for ever; the last one goes behind them.
    if (this.#state.kind === 'idle' && this.#sealWanted === 'seal' && !this.#parts.stream.hasNews) this.#seal(false);
    if (this.#state.kind === 'idle' && (this.#pending.length > 0 || this.#newsWanted())) this.#commit();
    else if (this.#state.kind === 'idle' && this.#sealWanted !== 'no') this.#seal(this.#sealWanted === 'final');
    if (this.#state.kind !== 'writing' && !this.#scheduled) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** News go out by themselves before a seal, but not again and again while the disk is away. */
  #newsWanted(): boolean {
    return this.#sealWanted !== 'no' && this.#parts.stream.hasNews && !this.#lastFailed;
  }

  #commit(): void {
    const batch = this.#pending;
    this.#pending = [];
    this.#begin(batch);
    this.#parts.stream.commit(batch, (error, lines) => {
      const isUntold = this.#end();
      if (error !== null) this.#failed(isUntold ? batch : [], error);
      else {
        if (isUntold) this.#tellAll(batch, lines.ends);
        this.#tell(() => this.#parts.onBatch({ entries: batch, bytes: lines.bytes, ends: lines.ends }));
      }
      this.#next(error === null);
    });
    this.#watch(batch);
  }

  #seal(final: boolean): void {
    const nobody: readonly JournalEntry[] = [];
    this.#begin(nobody);
    clearTimeout(this.#sealTimer);
    this.#sealTimer = undefined;
    this.#parts.stream.seal(final, (sealed) => {
      this.#end();
      // A seal that failed is tried again with its time; a last one is not, so that a dead disk cannot hold up an exit.
      if (final || this.#sealWanted === 'seal') this.#sealWanted = 'no';
      this.#next(sealed);
    });
    this.#watch(nobody);
  }

  #begin(waiting: readonly JournalEntry[]): void {
    this.#state = { kind: 'writing', waiting };
  }

  /** Only a write that did not return at once can be slow. */
  #watch(waiting: readonly JournalEntry[]): void {
    if (this.#state.kind !== 'writing' || this.#state.waiting !== waiting) return;
    this.#patience = setTimeout(() => this.#loseWaiters(waiting), this.#parts.options.patienceMs);
  }

  /** True when nobody was told yet. */
  #end(): boolean {
    clearTimeout(this.#patience);
    const untold = this.#state.kind === 'writing';
    this.#state = { kind: 'idle' };
    return untold;
  }

  /** What comes after a write. After a failed one nothing starts by itself but what was asked for. */
  #next(succeeded: boolean): void {
    const { stream, options } = this.#parts;
    this.#lastFailed = !succeeded;
    if (!succeeded && this.#sealWanted === 'seal') this.#sealWanted = 'no';
    if (succeeded && stream.sealDue && this.#sealWanted === 'no') this.#sealWanted = 'seal';
    if (this.#pending.length > 0 || this.#sealWanted !== 'no' || this.#whenIdle.length > 0) this.#schedule();
    if (this.#sealWanted === 'no' && this.#sealTimer === undefined && (stream.seals.unsealed > 0 || stream.hasNews)) {
      this.#sealTimer = setTimeout(() => {
        this.#sealTimer = undefined;
        this.#lastFailed = false;
        this.requestSeal();
      }, options.sealEveryMs).unref();
    }
  }

  #tellAll(batch: readonly JournalEntry[], ends: readonly number[]): void {
    let start = 0;
    for (let index = 0; index < batch.length; index += 1) {
      const { waiter } = batch[index]!;
      const end = ends[index]!;
      if (waiter !== null && end === start) this.#tell(() => waiter.recordFailed(notEncoded()));
      else if (waiter !== null) {
        try {
          waiter.recorded();
        } catch (error) {
          this.#waiterThrew(error);
        }
      }
      start = end;
    }
  }

  #failed(batch: readonly JournalEntry[], cause: unknown): void {
    this.counts.failedCommits += 1;
    const error = unavailable(cause);
    this.#parts.onFault(error);
    for (const { waiter } of batch) if (waiter !== null) this.#tell(() => waiter.recordFailed(error));
  }

  /** The write goes on, and may yet succeed: then the record is there though its request was denied. */
  #loseWaiters(batch: readonly JournalEntry[]): void {
    this.#state = { kind: 'refusing' };
    const error = tooSlow();
    this.#parts.onFault(error);
    for (const { waiter } of batch) if (waiter !== null) this.#tell(() => waiter.recordFailed(error));
    this.#refuseAll(this.#pending.splice(0), error);
    if (this.#whenIdle.length > 0) this.#schedule();
  }

  #refuseAll(entries: readonly JournalEntry[], error: PosternError): void {
    this.counts.refused += entries.length;
    this.#parts.stream.lose(entries.length);
    for (const { waiter } of entries) if (waiter !== null) this.#tell(() => waiter.recordFailed(error));
  }

  #refuseLater(entry: JournalEntry): void {
    const why = this.#state.kind === 'closed' ? 'the journal is closed' : 'too many records wait for the journal';
    setImmediate(() => this.#refuseAll([entry], new PosternError('ERR_JOURNAL_UNAVAILABLE', why)));
  }

  /** What one waiter throws must not keep the others from hearing. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#waiterThrew(error);
    }
  }

  #waiterThrew(cause: unknown): void {
    this.#parts.onFault(new PosternError('ERR_INTERNAL', 'a waiter of the journal threw', { cause }));
  }
}

function unavailable(cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause;
  return new PosternError('ERR_JOURNAL_UNAVAILABLE', `cannot write the journal: ${faultCode(cause)}`, { cause });
}

function tooSlow(): PosternError {
  return new PosternError('ERR_JOURNAL_UNAVAILABLE', 'the disk of the journal does not answer');
}

function notEncoded(): PosternError {
  return new PosternError('ERR_JOURNAL_UNAVAILABLE', 'the record could not be encoded');
}
