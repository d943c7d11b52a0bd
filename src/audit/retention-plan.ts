// Which segments go when a journal has used up its room. Pure: lists in, lists out.

import type { SegmentFile, StreamFiles } from './journal-layout.ts';

export interface RetentionInput {
  /** Oldest first. */
  readonly streams: readonly StreamFiles[];
  readonly keepBytes: number;
  /** Room that must be left for the segment that is being written. */
  readonly reserveBytes: number;
  readonly whenFull: 'deny' | 'drop_oldest';
  /** Segments that are being written, by path. */
  readonly inUse: ReadonlySet<string>;
  /** Whether every reader has the whole of a segment. */
  readonly isTaken: (segment: SegmentFile) => boolean;
}

/** A segment that goes, and the last number in it. */
export interface LeavingSegment {
  readonly segment: SegmentFile;
  /** Null when it cannot be told from the names: the last segment of a stream that is done. */
  readonly lastSeq: number | null;
}

export interface RetentionPlan {
  /** Taken by every reader: no loss. */
  readonly expired: readonly LeavingSegment[];
  /** Not taken yet: `drop_oldest` counts them as a gap. */
  readonly dropped: readonly LeavingSegment[];
  readonly totalBytes: number;
  /** True when the room is used up all the same. */
  readonly full: boolean;
}

/** Deletes from the old end until the reserve fits, and no further than whoever reads has come, unless told to. */
export function planRetention(input: RetentionInput): RetentionPlan {
  const totalBytes = input.streams.flatMap((stream) => stream.segments).reduce((sum, segment) => sum + segment.size, 0);
  const wanted = totalBytes + input.reserveBytes - input.keepBytes;
  const expired: LeavingSegment[] = [];
  const dropped: LeavingSegment[] = [];
  let freed = 0;
  for (const leaving of candidates(input)) {
    if (freed >= wanted) break;
    const taken = input.isTaken(leaving.segment);
    if (!taken && input.whenFull === 'deny') break;
    (taken ? expired : dropped).push(leaving);
    freed += leaving.segment.size;
  }
  return { expired, dropped, totalBytes, full: totalBytes - freed > input.keepBytes };
}

/**
 * Each stream from its front, and of all streams the front that was written longest ago: streams of several processes
 * run side by side, and none may lose its last minutes while another keeps its last days.
 */
function candidates(input: RetentionInput): readonly LeavingSegment[] {
  const queues = input.streams.map((stream) =>
    stream.segments
      .map((segment, index) => ({ segment, lastSeq: lastSeqOf(stream, index) }))
      .filter((leaving) => !input.inUse.has(leaving.segment.path)),
  );
  const order: LeavingSegment[] = [];
  for (;;) {
    const fronts = queues.filter((queue) => queue.length > 0);
    if (fronts.length === 0) return order;
    const oldest = fronts.reduce((a, b) => (b[0]!.segment.writtenMs < a[0]!.segment.writtenMs ? b : a));
    order.push(oldest.shift()!);
  }
}

function lastSeqOf(stream: StreamFiles, index: number): number | null {
  const next = stream.segments[index + 1];
  return next === undefined ? null : next.firstSeq - 1;
}
