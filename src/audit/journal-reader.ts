// Reads segments in whole lines with bounded memory, as fast as the page cache gives them. What stands behind the last
// line feed is torn, or still being written.

import { type FileHandle, open } from 'node:fs/promises';
import { faultCode } from './fault-code.ts';
import { unreadable } from './journal-layout.ts';
import { lineBytes } from './native-encoder.ts';

/** A piece of a segment; `bytes` is valid until the next piece is asked for. */
export type SegmentPiece =
  | { readonly kind: 'lines'; readonly bytes: Buffer; readonly offset: number }
  /** What is not a whole line, at the end. Counted, not given. */
  | { readonly kind: 'torn'; readonly byteCount: number; readonly offset: number };

/** Which bytes of a segment to read. */
export interface SegmentRange {
  readonly start: number;
  /** First byte that is not read; null for the end of the file as it is when reading begins. */
  readonly end: number | null;
}

export const wholeSegment: SegmentRange = Object.freeze({ start: 0, end: null });

const lineFeed = 0x0a;
const pieceBytes = 1024 * 1024;

/**
 * The lines of a segment, many at a time; a torn piece comes last. A run without a line feed that is longer than any
 * line can be ends the reading: it and all behind it count as torn.
 * @throws PosternError ERR_JOURNAL_UNREADABLE
 */
export async function* readSegment(path: string, range: SegmentRange): AsyncGenerator<SegmentPiece, void, void> {
  const file = await openForReading(path);
  if (file === null) return;
  try {
    const size = await sizeOf(file, path);
    const end = Math.min(range.end ?? size, size);
    yield* pieces(file, { path, start: range.start, end });
  } finally {
    await file.close();
  }
}

async function* pieces(
  file: FileHandle,
  range: { readonly path: string; readonly start: number; readonly end: number },
): AsyncGenerator<SegmentPiece, void, void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(range.end - range.start, 1)) + 2 * lineBytes);
  let offset = range.start;
  let kept = 0;
  for (;;) {
    const want = Math.min(buffer.length - kept, range.end - offset - kept);
    const got =
      want > 0 ? await readInto(file, { buffer, at: kept, length: want, position: offset + kept }, range.path) : 0;
    const filled = kept + got;
    const whole = buffer.lastIndexOf(lineFeed, filled - 1) + 1;
    if (got === 0 || whole === 0) {
      if (range.end > offset) yield { kind: 'torn', byteCount: range.end - offset, offset };
      return;
    }
    yield { kind: 'lines', bytes: buffer.subarray(0, whole), offset };
    buffer.copyWithin(0, whole, filled);
    kept = filled - whole;
    offset += whole;
  }
}

/** Calls `see` for each line of a piece, as Latin-1 text without its line feed, until it returns false. */
export function eachLine(bytes: Buffer, see: (text: string, start: number, end: number) => boolean): boolean {
  let start = 0;
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
    if (!see(bytes.toString('latin1', start, end), start, end + 1)) return false;
    start = end + 1;
  }
  return true;
}

interface ReadTarget {
  readonly buffer: Buffer;
  readonly at: number;
  readonly length: number;
  readonly position: number;
}

async function readInto(file: FileHandle, target: ReadTarget, path: string): Promise<number> {
  try {
    return (await file.read(target.buffer, target.at, target.length, target.position)).bytesRead;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Null for a segment that retention took away since the folder was listed. */
async function openForReading(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return null;
    throw unreadable(path, error);
  }
}

async function sizeOf(file: FileHandle, path: string): Promise<number> {
  try {
    return (await file.stat()).size;
  } catch (error) {
    throw unreadable(path, error);
  }
}
