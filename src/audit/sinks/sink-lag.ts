// How far a sink is behind the journal.

import { listStreams, type SegmentFile, type StreamFiles } from '../journal-layout.ts';
import { eachLine, readSegment } from '../journal-reader.ts';
import { lastLineOf } from '../journal-tail.ts';
import { lineBytes } from '../native-encoder.ts';
import { lineTime } from '../record-line.ts';
import type { StreamPlace } from './ship-cursor.ts';

export interface SinkLag {
  /** Records that wait. */
  readonly records: number;
  /** When the oldest of them was written, milliseconds since the Unix epoch; null where none waits. */
  readonly oldestMs: number | null;
}

/** @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE; Error of a file that went meanwhile */
export async function measureLag(dir: string, places: ReadonlyMap<string, StreamPlace>): Promise<SinkLag> {
  let records = 0;
  const times: number[] = [];
  for (const stream of await listStreams(dir)) {
    const place = places.get(stream.streamId);
    const waiting = stream.segments.filter((segment) => !isTaken(segment, place));
    const last = waiting.at(-1);
    if (last === undefined) continue;
    records += await waitingRecords(stream, last, place);
    const oldest = await oldestTime(waiting[0]!, place);
    if (oldest !== null) times.push(oldest);
  }
  return { records, oldestMs: times.length === 0 ? null : Math.min(...times) };
}

/** True where a reader that has come to `place` needs nothing more of a segment. */
export function isTaken({ index, size }: SegmentFile, place: StreamPlace | undefined): boolean {
  if (place === undefined) return size === 0;
  return index < place.segment || (index === place.segment && size <= place.offset);
}

async function waitingRecords(stream: StreamFiles, last: SegmentFile, place: StreamPlace | undefined): Promise<number> {
  const lastSeq = (await lastLineOf(last.path))?.seq ?? last.firstSeq - 1;
  return Math.max(0, lastSeq - (place?.seq ?? stream.segments[0]!.firstSeq - 1));
}

async function oldestTime(segment: SegmentFile, place: StreamPlace | undefined): Promise<number | null> {
  const start = place?.segment === segment.index ? place.offset : 0;
  let time: string | null = null;
  for await (const piece of readSegment(segment.path, { start, end: start + 2 * lineBytes })) {
    if (piece.kind === 'torn') break;
    eachLine(piece.bytes, (line) => {
      time = lineTime(line);
      return false;
    });
    break;
  }
  const ms = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}
