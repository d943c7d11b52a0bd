// The end of a journal, and what comes next. Follows rotation, new streams and retention by looking at the folder again;
// a line is shown when it is whole.

import { setTimeout as pause } from 'node:timers/promises';
import { listStreams, requireStreams, type SegmentFile } from './journal-layout.ts';
import { eachLine, readSegment } from './journal-reader.ts';
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

/** How far each segment was read, by path. */
type Offsets = Map<string, number>;

/**
 * The last decisions and outcomes, then, when asked, those to come.
 * @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE
 */
export async function* tailJournal(dir: string, options: TailOptions): AsyncGenerator<string, void, void> {
  const offsets: Offsets = new Map();
  yield* await lastLines(dir, options.count, offsets);
  while (options.follow && (await pauseUnlessAborted(options))) {
    for (const stream of await listStreams(dir)) {
      for (const segment of stream.segments) yield* await newLines(segment, offsets);
    }
  }
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
  found.sort((a, b) => compare(lineTime(a) ?? '', lineTime(b) ?? ''));
  return count === 0 ? [] : found.slice(-count);
}

/** Puts the last lines of a segment before those that are there; returns where its last whole line ends. */
async function collectEnd(segment: SegmentFile, count: number, lines: string[]): Promise<number> {
  if (count <= 0) return segment.size;
  for (let window = Math.max(count, 4) * 4 * 1024; ; window *= 4) {
    const start = Math.max(0, segment.size - window - lineBytes);
    const read = await linesFrom(segment.path, start);
    // The first line may have been met in its middle.
    const whole = start === 0 ? read.lines : read.lines.slice(1);
    const shown = whole.filter(isShown);
    if (start > 0 && shown.length < count) continue;
    lines.unshift(...shown.slice(-count));
    return read.end;
  }
}

async function newLines(segment: SegmentFile, offsets: Offsets): Promise<readonly string[]> {
  const start = offsets.get(segment.path) ?? 0;
  if (segment.size <= start) return [];
  const read = await linesFrom(segment.path, start);
  offsets.set(segment.path, read.end);
  return read.lines.filter(isShown);
}

async function linesFrom(
  path: string,
  start: number,
): Promise<{ readonly lines: readonly string[]; readonly end: number }> {
  const lines: string[] = [];
  let end = start;
  for await (const piece of readSegment(path, { start, end: null })) {
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

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
