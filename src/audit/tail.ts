// The end of a journal, and what comes next. Follows rotation, new streams and retention by looking at the folder again;
// a line is shown when it is whole.

import { setTimeout as pause } from 'node:timers/promises';
import { faultCode } from './fault-code.ts';
import { listStreams, requireStreams, type SegmentFile, unreadable } from './journal-layout.ts';
import { eachLine, readSegment, type SegmentRange } from './journal-reader.ts';
import { lastLineOf } from './journal-tail.ts';
import { lineBytes } from './native-encoder.ts';
import { lineKind, lineTime } from './record-line.ts';

export interface TailOptions {
  /** Lines to begin with. */
  readonly count: number;
  readonly follow: boolean;
  /** How often the folder is looked at, milliseconds. */
  readonly everyMs: number;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

export const tailDefaults: Omit<TailOptions, 'signal'> = Object.freeze({ count: 20, follow: false, everyMs: 200 });

/** Most that is read of a segment at once. */
const roundBytes = 1024 * 1024;

/** How far each segment was read, by path. */
type Offsets = Map<string, number>;

/**
 * The last decisions and outcomes, then, when asked, those to come.
 * @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE
 */
export async function* tailJournal(dir: string, options: TailOptions): AsyncGenerator<string, void, void> {
  const offsets: Offsets = new Map();
  yield* await lastLines(dir, options.count, offsets);
  let isBehind = false;
  while (options.follow && (isBehind ? !options.signal.aborted : await pauseUnlessAborted(options))) {
    const round = await newLines(dir, offsets);
    isBehind = round.isBehind;
    yield* round.lines;
  }
}

/** What was written since the last round, up to a bound for each segment; in the order of time over all streams. */
async function newLines(
  dir: string,
  offsets: Offsets,
): Promise<{ readonly lines: readonly string[]; readonly isBehind: boolean }> {
  const lines: string[] = [];
  let isBehind = false;
  for (const stream of await listStreams(dir)) {
    for (const segment of stream.segments) {
      const start = offsets.get(segment.path) ?? 0;
      if (segment.size <= start) continue;
      const read = await linesFrom(segment.path, { start, end: start + roundBytes });
      offsets.set(segment.path, read.end);
      // Without a whole line there is nothing to hurry for.
      isBehind ||= read.end > start && segment.size - read.end >= lineBytes;
      for (const line of read.lines) if (isShown(line)) lines.push(line);
    }
  }
  return { lines: lines.sort(byTime), isBehind };
}

async function lastLines(dir: string, count: number, offsets: Offsets): Promise<readonly string[]> {
  const found: string[] = [];
  for (const stream of await requireStreams(dir)) {
    const ofStream: string[] = [];
    for (const segment of stream.segments.toReversed()) {
      const end = await collectEnd(segment, count - ofStream.length, ofStream);
      offsets.set(segment.path, end);
    }
    found.push(...ofStream);
  }
  // Streams of several processes run side by side.
  found.sort(byTime);
  return count === 0 ? [] : found.slice(-count);
}

/** Puts the last lines of a segment before those that are there; returns where its last whole line ends. */
async function collectEnd(segment: SegmentFile, count: number, lines: string[]): Promise<number> {
  if (count <= 0) return wholeEnd(segment);
  for (let window = Math.max(count, 4) * 4 * 1024; ; window *= 4) {
    const start = Math.max(0, segment.size - window - lineBytes);
    const read = await linesFrom(segment.path, { start, end: null });
    // The first line may have been met in its middle.
    const whole = start === 0 ? read.lines : read.lines.slice(1);
    const shown = whole.filter(isShown);
    if (start > 0 && shown.length < count) continue;
    lines.unshift(...shown.slice(-count));
    return read.end;
  }
}

/** Where the last whole line ends: what stands behind it may be a line that is just being written. */
async function wholeEnd({ path, size }: SegmentFile): Promise<number> {
  try {
    const line = await lastLineOf(path);
    return line?.end ?? (size <= lineBytes ? 0 : size);
  } catch (error) {
    // Retention may have been faster.
    if (faultCode(error) === 'ENOENT') return size;
    throw unreadable(path, error);
  }
}

async function linesFrom(
  path: string,
  range: SegmentRange,
): Promise<{ readonly lines: readonly string[]; readonly end: number }> {
  const lines: string[] = [];
  let end = range.start;
  for await (const piece of readSegment(path, range)) {
    if (piece.kind === 'torn') continue;
    eachLine(piece.bytes, (text) => lines.push(text) > 0);
    end = piece.offset + piece.bytes.length;
  }
  return { lines, end };
}

function isShown(line: string): boolean {
  const kind = lineKind(line);
  return kind === 'decision' || kind === 'outcome' || kind === 'gap' || kind === 'recovered';
}

async function pauseUnlessAborted(options: TailOptions): Promise<boolean> {
  try {
    await pause(options.everyMs, undefined, { signal: options.signal });
  } catch {
    // Only an abort ends a pause early.
  }
  return !options.signal.aborted;
}

function byTime(a: string, b: string): number {
  const [first, second] = [lineTime(a) ?? '', lineTime(b) ?? ''];
  return first < second ? -1 : first > second ? 1 : 0;
}
