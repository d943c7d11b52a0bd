// What of a journal was not delivered yet, in bounded pieces: each stream in its order, streams from the oldest on.

import type { RecordMembers } from '../encode/field-tree.ts';
import { listStreams, type SegmentFile, type StreamFiles } from '../journal-layout.ts';
import { eachLine, readSegment, type SegmentPiece } from '../journal-reader.ts';
import { lineSeq } from '../record-line.ts';
import { parseObject } from '../service-parse.ts';
import { gapLine } from '../service-records.ts';
import type { ShipCursor, StreamPlace } from './ship-cursor.ts';

/** A record on its way. */
export interface ShipRecord {
  readonly streamId: string;
  readonly seq: number;
  readonly line: string;
  readonly record: RecordMembers;
  /** True for a `gap` record of our own making, which stands for what cannot be delivered. */
  readonly isGap: boolean;
  /** What it stands for, where that is here still. */
  readonly standsFor: ShipRecord | null;
}

/** Records that go together, and the place that is reached when they are delivered. */
export interface ShipBatch {
  readonly streamId: string;
  readonly records: readonly ShipRecord[];
  readonly next: StreamPlace;
}

/** Most records of a batch. */
const mostRecords = 200;

/**
 * One pass over the folder. The consumer takes each batch before it asks for the next.
 * @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE
 */
export async function* undelivered(
  dir: string,
  cursor: ShipCursor,
  timeUs: () => number,
): AsyncGenerator<ShipBatch, void, void> {
  const streams = await listStreams(dir);
  cursor.forgetAllBut(new Set(streams.map(({ streamId }) => streamId)));
  for (const stream of streams) yield* ofStream(stream, cursor, timeUs);
  cursor.isNew = false;
}

async function* ofStream(stream: StreamFiles, cursor: ShipCursor, timeUs: () => number): AsyncGenerator<ShipBatch> {
  const { streamId } = stream;
  let place = cursor.places.get(streamId);
  for (const segment of stream.segments) {
    if (place !== undefined && segment.index < place.segment) continue;
    const isSame = place !== undefined && segment.index === place.segment;
    // What was there before this receiver had a name is no loss of its.
    const seq = place?.seq ?? (cursor.isNew ? segment.firstSeq - 1 : 0);
    const start: StreamPlace = { segment: segment.index, offset: isSame ? place!.offset : 0, seq };
    if (!isSame && segment.firstSeq > seq + 1) {
      const records = [missingRecord(streamId, { fromSeq: seq + 1, toSeq: segment.firstSeq - 1 }, timeUs())];
      yield { streamId, records, next: { ...start, seq: segment.firstSeq - 1 } };
    }
    for await (const batch of ofSegment(segment, start)) {
      place = batch.next;
      yield batch;
    }
  }
}

async function* ofSegment(segment: SegmentFile, start: StreamPlace): AsyncGenerator<ShipBatch> {
  let { seq } = start;
  for await (const piece of readSegment(segment.path, { start: start.offset, end: null })) {
    for (const batch of batchesOf(piece, segment, seq)) {
      seq = batch.next.seq;
      yield batch;
    }
  }
}

/**
 * A torn end is still being written, or was cut off by nobody yet: it is looked at again. A batch is parsed when it is
 * its turn: what waits for long is copied by each collection of garbage.
 */
function* batchesOf(piece: SegmentPiece, segment: SegmentFile, lastSeq: number): Generator<ShipBatch> {
  if (piece.kind === 'torn') return;
  const { streamId, index } = segment;
  let [start, seq] = [0, lastSeq];
  while (start < piece.bytes.length) {
    const records: ShipRecord[] = [];
    let read = 0;
    eachLine(piece.bytes.subarray(start), (line, _, end) => {
      const record = parseObject(line);
      const number = lineSeq(line);
      if (record !== null && number !== null) {
        records.push({ streamId, seq: number, line, record, isGap: false, standsFor: null });
        seq = Math.max(seq, number);
      }
      read = end;
      return records.length < mostRecords;
    });
    start += read;
    yield { streamId, records, next: { segment: index, offset: piece.offset + start, seq } };
  }
}

/** The record that stands for those that went before they were delivered. */
function missingRecord(
  streamId: string,
  range: { readonly fromSeq: number; readonly toSeq: number },
  timeUs: number,
): ShipRecord {
  const { fromSeq, toSeq } = range;
  const gap = { fromSeq, toSeq, count: toSeq - fromSeq + 1, cause: 'dropped' } as const;
  return gapRecord(gapLine({ streamId, seq: toSeq, timeUs }, gap), { streamId, seq: toSeq, standsFor: null });
}

/** The record that tells of `count` among some of a stream that the receiver refused without a word which. */
export function refusedAmong(records: readonly ShipRecord[], count: number, timeUs: number): ShipRecord {
  const [first, last] = [records[0]!, records.at(-1)!];
  const { streamId, seq } = last;
  const gap = { fromSeq: first.seq, toSeq: seq, count, cause: 'refused' } as const;
  return gapRecord(gapLine({ streamId, seq, timeUs }, gap), { streamId, seq, standsFor: null });
}

/** The record that stands for one that the receiver refuses. */
export function refusedRecord(standsFor: ShipRecord, timeUs: number): ShipRecord {
  const { streamId, seq } = standsFor;
  const gap = { fromSeq: seq, toSeq: seq, count: 1, cause: 'refused' } as const;
  return gapRecord(gapLine({ streamId, seq, timeUs }, gap), { streamId, seq, standsFor });
}

function gapRecord(text: string, place: Pick<ShipRecord, 'streamId' | 'seq' | 'standsFor'>): ShipRecord {
  const line = text.trimEnd();
  return { ...place, line, record: parseObject(line) ?? {}, isGap: true };
}
