// A journal in another encoding, for whoever takes records from a file or a pipe. Streams through, in the order of the
// journal; what cannot be read as a record is counted, never passed over in silence.

import type { EncodeRecord } from './encode/encoders.ts';
import { requireStreams } from './journal-layout.ts';
import { eachLine, readSegment, type SegmentPiece, wholeSegment } from './journal-reader.ts';
import { lineKind, lineTime } from './record-line.ts';
import { timeText } from './record-time.ts';
import { parseObject } from './service-parse.ts';

/** What to export. */
export interface ExportOptions {
  /** Inclusive, microseconds since the Unix epoch. */
  readonly sinceUs?: number | undefined;
  /** Exclusive. */
  readonly untilUs?: number | undefined;
  /** Null for the records as they stand, seals with them. */
  readonly encode: EncodeRecord | null;
}

/** What an export came to. */
export interface ExportCounts {
  /** Lines that were given. */
  records: number;
  /** Whole lines that are no record of ours. */
  notRecords: number;
  /** Bytes behind the last whole line of a segment: torn, or being written. */
  tornBytes: number;
}

/**
 * The lines, many at a time, each with its line feed. `counts` is kept up to date.
 * @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE
 */
export async function* exportJournal(
  dir: string,
  options: ExportOptions,
  counts: ExportCounts,
): AsyncGenerator<string, void, void> {
  for (const stream of await requireStreams(dir)) {
    for (const segment of stream.segments) {
      for await (const piece of readSegment(segment.path, wholeSegment)) yield encodePiece(piece, options, counts);
    }
  }
}

function encodePiece(piece: SegmentPiece, options: ExportOptions, counts: ExportCounts): string {
  if (piece.kind === 'torn') {
    counts.tornBytes += piece.byteCount;
    return '';
  }
  const [since, until] = [timeText(options.sinceUs), timeText(options.untilUs)];
  const lines: string[] = [];
  eachLine(piece.bytes, (line) => {
    const time = lineTime(line);
    if (time === null || !isPrintable.test(line)) counts.notRecords += 1;
    // RFC 3339 in UTC with a fixed length sorts as text.
    else if ((since === null || time >= since) && (until === null || time < until)) {
      const encoded = encodeLine(line, options.encode, counts);
      if (encoded !== null) lines.push(encoded);
    }
    return true;
  });
  counts.records += lines.length;
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function encodeLine(line: string, encode: EncodeRecord | null, counts: ExportCounts): string | null {
  if (encode === null) return line;
  if (lineKind(line) === 'seal') return null;
  const record = parseObject(line);
  if (record === null) counts.notRecords += 1;
  return record === null ? null : encode(record);
}

/** Records are ASCII; whoever changed a file may not have kept to that. */
const isPrintable = /^[\x20-\x7e]*$/;
