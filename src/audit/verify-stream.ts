// Walks one stream from its first line to its last and checks what records.md promises of it: each number there or in a
// gap record, each seal's hash right, nothing between, before or behind. Reads as a stranger would, from the files alone.

import { basename } from 'node:path';
import type { SegmentFile, StreamFiles } from './journal-layout.ts';
import { eachLine, readSegment, wholeSegment } from './journal-reader.ts';
import { lineKind, lineSeq, lineStream, lineTime, parseSealLine } from './record-line.ts';
import { SealChain } from './seal-chain.ts';
import type { JudgeSignature } from './seal-signature.ts';
import { type GapRecord, parseGap, parseSeal, type SealRecord } from './service-parse.ts';
import type { Expiry, StreamEnd } from './service-records.ts';
import { goodBytesOf } from './stream-scan.ts';
import { type ReadSeal, type SignedExtent, StreamSignatures } from './stream-signatures.ts';

/** What is wrong, at which place. */
export interface VerifyFinding {
  readonly code:
    | 'not_a_record'
    | 'wrong_stream'
    | 'hole'
    | 'out_of_order'
    | 'seal_mismatch'
    | 'seal_malformed'
    | 'segment_missing'
    | 'segment_torn'
    | 'head_missing'
    | 'after_the_end'
    | 'end_missing'
    | 'stream_missing'
    | 'signature_forged'
    | 'signature_missing';
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset: number;
  readonly seq: number | null;
  /** One line for a reader. */
  readonly message: string;
}

/** What is known of a stream when all its lines are read. */
export interface StreamWalk {
  readonly streamId: string;
  readonly segments: number;
  /** Lines, all types. */
  readonly records: number;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly lastSeal: StreamEnd | null;
  /** True when the last line is a last seal. */
  readonly closed: boolean;
  readonly unsealed: number;
  /** Where what no seal covers begins: index in the list of segments, and bytes. */
  readonly tail: { readonly segment: number; readonly offset: number };
  /** Bytes behind the last whole line. */
  readonly tornBytes: number;
  /** Records that the journal could not take or that were deleted early, as gap records say. */
  readonly gapCount: number;
  readonly findings: readonly VerifyFinding[];
  /** What its seals say of this and other streams. */
  readonly expired: readonly Expiry[];
  readonly previous: readonly StreamEnd[];
  /** Null where signatures were not asked for. */
  readonly signed: SignedExtent | null;
}

/** Most findings that are kept for one stream; one broken line can make a thousand. */
const mostFindings = 20;

/** Checks a stream; with `judge` its signatures too. */
export async function walkStream(stream: StreamFiles, judge: JudgeSignature | null): Promise<StreamWalk> {
  const walker = new StreamWalker(stream, await anchorOf(stream), judge);
  for (const [index, segment] of stream.segments.entries()) {
    walker.begin(segment);
    const end = await goodBytesOf(stream, index);
    for await (const piece of readSegment(segment.path, { start: 0, end })) {
      if (piece.kind === 'torn') walker.torn(piece, index === stream.segments.length - 1);
      else
        eachLine(piece.bytes, (text, from, to) =>
          walker.line(text, piece.bytes.subarray(from, to), piece.offset + from),
        );
    }
  }
  return walker.result();
}

/** Where the chain starts: at the stream's id, or, when its head was taken away, at what its first seal builds upon. */
async function anchorOf(stream: StreamFiles): Promise<SealChain> {
  const first = stream.segments[0];
  if (first === undefined || first.firstSeq === 1) return SealChain.ofStream(stream.streamId);
  for (const segment of stream.segments) {
    for await (const piece of readSegment(segment.path, wholeSegment)) {
      let prev: string | null = null;
      if (piece.kind === 'lines') {
        eachLine(piece.bytes, (text) => {
          prev = parseSeal(text)?.prev ?? null;
          return prev === null;
        });
      }
      if (prev !== null) return SealChain.after(prev);
    }
  }
  return SealChain.ofStream(stream.streamId);
}

class StreamWalker {
  readonly #stream: StreamFiles;
  readonly #findings: VerifyFinding[] = [];
  readonly #expired: Expiry[] = [];
  readonly #previous: StreamEnd[] = [];
  readonly #signatures: StreamSignatures | null;
  #chain: SealChain;
  #segment: SegmentFile | null = null;
  #records = 0;
  #nextSeq: number;
  #sealedUpTo: number;
  #lastSeal: StreamEnd | null = null;
  #closed = false;
  #unsealed = 0;
  #tail = { segment: 0, offset: 0 };
  #tornBytes = 0;
  #gapCount = 0;
  #isBehindRecovery = false;

  constructor(stream: StreamFiles, chain: SealChain, judge: JudgeSignature | null) {
    this.#stream = stream;
    this.#signatures = judge === null ? null : new StreamSignatures(judge);
    this.#chain = chain;
    this.#nextSeq = stream.segments[0]?.firstSeq ?? 1;
    this.#sealedUpTo = this.#nextSeq - 1;
  }

  begin(segment: SegmentFile): void {
    const before = this.#segment;
    this.#segment = segment;
    if (before !== null && segment.index !== before.index + 1) {
      this.#find(
        'segment_missing',
        0,
        `segments ${before.index + 1} to ${segment.index - 1} are missing before this one`,
      );
    }
    if (segment.firstSeq !== this.#nextSeq) {
      this.#find('hole', 0, `the segment begins with record ${segment.firstSeq}, expected ${this.#nextSeq}`);
    }
  }

  torn(piece: { readonly byteCount: number; readonly offset: number }, isLast: boolean): void {
    if (isLast) this.#tornBytes = piece.byteCount;
    else
      this.#find(
        'segment_torn',
        piece.offset,
        `${piece.byteCount} bytes behind the last whole line, and no record of it`,
      );
  }

  line(text: string, bytes: Buffer, offset: number): boolean {
    this.#records += 1;
    if (this.#closed) this.#find('after_the_end', offset, 'a line behind the last seal of the stream');
    this.#closed = false;
    const kind = lineKind(text);
    const seq = lineSeq(text);
    if (kind === null || seq === null) {
      this.#find('not_a_record', offset, 'the line is not a record of this journal');
      this.#chain.update(bytes);
      this.#unsealed += 1;
      return true;
    }
    if (lineStream(text) !== this.#stream.streamId)
      this.#find('wrong_stream', offset, 'the record names another stream');
    this.#checkSeq(seq, kind === 'gap' ? parseGap(text) : null, offset);
    if (kind === 'seal') this.#seal(text, seq, { start: offset, end: offset + bytes.length });
    else {
      this.#chain.update(bytes);
      this.#unsealed += 1;
    }
    this.#isBehindRecovery = kind === 'recovered';
    this.#nextSeq = seq + 1;
    return true;
  }

  result(): StreamWalk {
    const unsigned = this.#signatures?.missing() ?? null;
    if (unsigned !== null) this.#find('signature_missing', 0, unsigned);
    return {
      streamId: this.#stream.streamId,
      segments: this.#stream.segments.length,
      records: this.#records,
      firstSeq: this.#stream.segments[0]?.firstSeq ?? null,
      lastSeq: this.#records === 0 ? null : this.#nextSeq - 1,
      lastSeal: this.#lastSeal,
      closed: this.#closed,
      unsealed: this.#unsealed,
      tail: this.#tail,
      tornBytes: this.#tornBytes,
      gapCount: this.#gapCount,
      findings: this.#findings,
      expired: this.#expired,
      previous: this.#previous,
      signed: this.#signatures?.extent() ?? null,
    };
  }

  #checkSeq(seq: number, gap: GapRecord | null, offset: number): void {
    if (gap !== null) this.#gapCount += gap.count;
    if (seq === this.#nextSeq) return;
    const told = gap?.cause === 'unwritten' && gap.fromSeq === this.#nextSeq && gap.toSeq === seq - 1;
    if (told) return;
    if (seq < this.#nextSeq)
      this.#find('out_of_order', offset, `record ${seq} comes after record ${this.#nextSeq - 1}`);
    else this.#find('hole', offset, `records ${this.#nextSeq} to ${seq - 1} are missing`);
  }

  #seal(text: string, seq: number, at: { readonly start: number; readonly end: number }): void {
    const offset = at.start;
    const line = parseSealLine(text);
    const seal = parseSeal(text);
    if (line === null || seal === null) {
      this.#find('seal_malformed', offset, 'the seal cannot be read');
      return;
    }
    const wrong = this.#whatIsWrong(seal, seq, text.slice(0, line.headLength));
    if (wrong !== null)
      this.#find('seal_mismatch', offset, `the seal of records ${seal.fromSeq} to ${seq - 1} does not fit: ${wrong}`);
    else this.#checkSignature({ line: text, seal, seq, offset });
    this.#chain = SealChain.after(line.sha256);
    this.#lastSeal = { streamId: this.#stream.streamId, seq, sha256: line.sha256 };
    this.#sealedUpTo = seq;
    this.#unsealed = 0;
    this.#tail = { segment: this.#stream.segments.indexOf(this.#segment!), offset: at.end };
    this.#closed = seal.final;
    this.#expired.push(...seal.expired);
    this.#previous.push(...seal.previous);
  }

  #checkSignature({ offset, ...read }: Pick<ReadSeal, 'line' | 'seal' | 'seq'> & { readonly offset: number }): void {
    const timeMs = Date.parse(lineTime(read.line) ?? '');
    const digestWith = (head: string) => this.#chain.digestWith(head);
    const wrong =
      this.#signatures?.take({ ...read, timeMs, digestWith, isRecovery: read.seal.final && this.#isBehindRecovery }) ??
      null;
    if (wrong !== null)
      this.#find('signature_forged', offset, `the signature of seal ${read.seq} does not hold: ${wrong}`);
  }

  #whatIsWrong(seal: SealRecord, seq: number, head: string): string | null {
    if (seal.prev !== this.#chain.previous) return 'the seal before it is another one';
    if (this.#chain.digestWith(head) !== seal.sha256) return 'what it seals was changed';
    if (seal.fromSeq !== this.#sealedUpTo + 1 || seal.toSeq !== seq - 1) return 'it names other records';
    return seal.count === this.#unsealed ? null : `it counts ${seal.count} records, found ${this.#unsealed}`;
  }

  #find(code: VerifyFinding['code'], offset: number, message: string): void {
    if (this.#findings.length >= mostFindings) return;
    const file =
      this.#segment === null ? this.#stream.streamId : `${this.#stream.streamId}/${basename(this.#segment.path)}`;
    this.#findings.push({ code, file, offset, seq: this.#nextSeq, message });
  }
}
