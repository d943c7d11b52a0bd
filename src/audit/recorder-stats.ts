// Figures of a recorder, for metrics and for tests.

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
