// The end of a segment file: its last whole line, and what may stand torn behind it. Reads backwards, in bounded pieces.

import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { lineBytes } from './native-encoder.ts';
import { lineKind, lineSeq } from './record-line.ts';

/** The last whole line of a segment. */
export interface TailLine {
  /** Without its line feed. */
  readonly text: string;
  readonly type: string | null;
  readonly seq: number | null;
  /** Where the line begins, and where it ends with its line feed, bytes. */
  readonly start: number;
  readonly end: number;
}

const lineFeed = 0x0a;

/** The last whole line of a file; null when there is none within reach. */
export async function lastLineOf(path: string): Promise<TailLine | null> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    // A torn line and a whole one before it.
    const from = Math.max(0, size - 2 * lineBytes - 1);
    const bytes = await readRange(file, from, size);
    const end = bytes.lastIndexOf(lineFeed);
    if (end < 0) return null;
    const before = end === 0 ? -1 : bytes.lastIndexOf(lineFeed, end - 1);
    if (before < 0 && from > 0) return null;
    const text = bytes.toString('latin1', before + 1, end);
    return { text, type: lineKind(text), seq: lineSeq(text), start: from + before + 1, end: from + end + 1 };
  } finally {
    await file.close();
  }
}

/** Where the last seal of a file begins; null when it has none. Reads no more than it must. */
export async function lastSealStart(path: string, end: number): Promise<number | null> {
  const file = await open(path, 'r');
  try {
    for (let window = 2 * 1024 * 1024; ; window *= 4) {
      const from = Math.max(0, end - window);
      const bytes = await readRange(file, from, end);
      const found = lastSealIn(bytes, from === 0);
      if (found !== null) return from + found;
      if (from === 0) return null;
    }
  } finally {
    await file.close();
  }
}

/** Bytes `from` to `to` of a file; fewer when it ends before. */
export async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(to - from);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function lastSealIn(bytes: Buffer, atStart: boolean): number | null {
  const needle = '{"schema":"postern.decision/1","type":"seal",';
  for (let at = bytes.lastIndexOf(needle); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(needle, at - 1)) {
    // The needle cannot stand within a line: quotes in strings are escaped.
    if (at === 0 ? atStart : bytes[at - 1] === lineFeed) return at;
  }
  return null;
}
