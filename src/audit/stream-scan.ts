// Reads the end of a stream that was left open: what no seal covers yet, and where the last whole line ends.

import { basename } from 'node:path';
import type { StreamFiles } from './journal-layout.ts';
import { eachLine, readSegment, type SegmentPiece } from './journal-reader.ts';
import { lineBytes } from './native-encoder.ts';
import { lineKind, lineSeq, parseSealLine } from './record-line.ts';
import { SealChain } from './seal-chain.ts';
import { objectOf, parseObject } from './service-parse.ts';

/** What a scan found. */
export interface ScanResult {
  readonly chain: SealChain;
  readonly sealedUpTo: number;
  readonly lastSeq: number;
  readonly unsealed: number;
  /** Of the last segment. */
  readonly goodBytes: number;
  readonly cutBytes: number;
}

/** Takes the bytes of a stream from its last seal (or from its start) on. */
export class ScannedTail {
  #chain: SealChain;
  #sealedUpTo = 0;
  #lastSeq = 0;
  #unsealed = 0;
  #goodBytes = 0;
  #tornBytes = 0;

  constructor(streamId: string) {
    this.#chain = SealChain.ofStream(streamId);
  }

  /** Goes on with a segment; torn bytes of the one before do not count. */
  begin(firstSeq: number, offset: number): void {
    this.#tornBytes = 0;
    this.#goodBytes = offset;
    this.#lastSeq = Math.max(this.#lastSeq, firstSeq - 1);
  }

  take(piece: SegmentPiece): void {
    if (piece.kind === 'torn') this.#tornBytes = piece.byteCount;
    else
      eachLine(piece.bytes, (text, start, end) => {
        this.#line(text, piece.bytes.subarray(start, end));
        return true;
      });
  }

  result(): ScanResult {
    return {
      chain: this.#chain,
      sealedUpTo: this.#sealedUpTo,
      lastSeq: this.#lastSeq,
      unsealed: this.#unsealed,
      goodBytes: this.#goodBytes,
      cutBytes: this.#tornBytes,
    };
  }

  #line(text: string, bytes: Buffer): void {
    this.#goodBytes += bytes.length;
    this.#lastSeq = lineSeq(text) ?? this.#lastSeq;
    const seal = parseSealLine(text);
    if (seal === null) {
      this.#chain.update(bytes);
      this.#unsealed += 1;
      return;
    }
    this.#chain = SealChain.after(seal.sha256);
    this.#sealedUpTo = this.#lastSeq;
    this.#unsealed = 0;
  }
}

/**
 * How many bytes of a segment count: all (null), unless the next segment begins with a `recovered` record that says that
 * the writer had to leave this one.
 */
export async function goodBytesOf(stream: StreamFiles, index: number): Promise<number | null> {
  const segment = stream.segments[index];
  const next = stream.segments[index + 1];
  if (segment === undefined || next === undefined) return null;
  const name = basename(segment.path);
  for (const line of await firstLines(next.path)) {
    const kind = lineKind(line);
    if (kind !== 'recovered' && kind !== 'gap') return null;
    const recovered = objectOf(parseObject(line)?.['recovered']);
    const good = recovered?.['segment'] === name ? recovered['good_bytes'] : null;
    if (typeof good === 'number') return good;
  }
  return null;
}

/** The lines at the front of a segment; none when retention has taken it away since. */
async function firstLines(path: string): Promise<readonly string[]> {
  for await (const piece of readSegment(path, { start: 0, end: 4 * lineBytes })) {
    if (piece.kind === 'lines') return piece.bytes.toString('latin1').split('\n').slice(0, -1);
  }
  return [];
}
