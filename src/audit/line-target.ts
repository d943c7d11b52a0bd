// Where the lines of a stream go. A target knows about bytes and descriptors; what the lines say is the stream's affair.

import type { Recovery } from './service-records.ts';

/** A place for lines; used by one writer, one write at a time. */
export interface LineTarget {
  /** Descriptor for the next write. Makes ready what is needed for lines from `firstSeq` on; throws when it cannot. */
  ready(firstSeq: number): number;
  /** Faults that the next lines must tell of; kept until `accept`. */
  readonly recoveries: readonly Recovery[];
  /** Bytes that must stand before the next lines, such as the end of a torn one. */
  readonly lead: string;
  /** All of a write is there; it told of the first so many recoveries. */
  accept(bytes: number, recoveriesTold: number): void;
  /** A write failed after so many bytes: none of its lines counts. */
  reject(writtenBytes: number): void;
  /** True when what is written should be sealed and followed by a new segment. */
  readonly segmentFull: boolean;
  /** Ends the segment; the next write opens another. */
  endSegment(): void;
  /** Finds out whether what was written is still there, and sees to a new segment if not. */
  check(): void;
  /** Sends bytes from the kernel to the disk. */
  sync(done: (error: Error | null) => void): void;
  /** Bytes of the current segment. */
  readonly segmentBytes: number;
  close(): void;
}
