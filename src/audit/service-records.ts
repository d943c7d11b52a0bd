// Records that the journal writes about itself: seals, gaps, and what was found at a start.

import { asciiJson } from './record-text.ts';
import { RecordTime } from './record-time.ts';
import { hashMark } from './seal-chain.ts';

/** Place of a record in its stream. */
export interface RecordPlace {
  readonly streamId: string;
  readonly seq: number;
  readonly timeUs: number;
}

/** Records that are not there: these numbers of the stream have no line. */
export interface Gap {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly count: number;
  /** `unwritten`: the journal could not take them and their requests were denied. `dropped`: deleted before a sink took them. `refused`: a receiver
   * does not take them. */
  readonly cause: 'unwritten' | 'dropped' | 'refused';
  /** Stream of the numbers when it is another one. */
  readonly ofStream?: string;
}

/** What was found torn, and what became of it. */
export interface Recovery {
  /** File name of the segment. */
  readonly segment: string;
  /** Bytes of the segment that are good; what followed is cut off or, where that failed, to be ignored. */
  readonly goodBytes: number;
  readonly cutBytes: number;
  /** Records of the stream that no seal covered when it was recovered. */
  readonly unsealed: number;
}

/** Segments that retention takes away: all numbers of the stream up to `toSeq`. */
export interface Expiry {
  readonly streamId: string;
  readonly toSeq: number;
}

/** Last seal of an earlier stream, so that a stream that vanishes or is cut leaves a trace. */
export interface StreamEnd {
  readonly streamId: string;
  readonly seq: number;
  readonly sha256: string;
}

/** What a seal says beside its hash. */
export interface SealFacts {
  readonly fromSeq: number;
  readonly count: number;
  readonly prev: string;
  readonly final: boolean;
  readonly expired: readonly Expiry[];
  readonly previous: readonly StreamEnd[];
}

/** A `gap` record as a line. */
export function gapLine(place: RecordPlace, gap: Gap): string {
  const members = {
    from_seq: gap.fromSeq,
    to_seq: gap.toSeq,
    count: gap.count,
    cause: gap.cause,
    of_stream: gap.ofStream,
  };
  return `{${head('gap', place)},${inner({ gap: members })}}\n`;
}

/** A `recovered` record as a line. */
export function recoveredLine(place: RecordPlace, recovery: Recovery): string {
  const { segment, goodBytes, cutBytes, unsealed } = recovery;
  const members = { segment, good_bytes: goodBytes, cut_bytes: cutBytes, unsealed };
  return `{${head('recovered', place)},${inner({ recovered: members })}}\n`;
}

/** A `seal` record up to where its hash begins; `sign` gives what signs all before it, or nothing. */
export function sealHead(place: RecordPlace, facts: SealFacts, sign: (body: string) => string = () => ''): string {
  const members = {
    from_seq: facts.fromSeq,
    to_seq: place.seq - 1,
    count: facts.count,
    final: facts.final ? true : undefined,
    expired: list(facts.expired.map((item) => ({ stream_id: item.streamId, to_seq: item.toSeq }))),
    previous: list(facts.previous.map((item) => ({ stream_id: item.streamId, seq: item.seq, sha256: item.sha256 }))),
    prev: facts.prev,
  };
  const body = `{${head('seal', place)},"seal":{${inner(members)}}`;
  return `${body}${sign(body)}${hashMark}`;
}

function head(type: 'gap' | 'recovered' | 'seal', place: RecordPlace): string {
  const time = new RecordTime().text(place.timeUs);
  return inner({ schema: 'postern.decision/1', type, time, seq: place.seq, stream_id: place.streamId });
}

function inner(members: Record<string, unknown>): string {
  return asciiJson(members).slice(1, -1);
}

function list<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}
