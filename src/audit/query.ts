// Finds records in a journal. Most lines are ruled out as bytes: a needle that every match must hold is looked for in a
// whole piece at once, and only lines that hold all needles are parsed.

import { literalsOf, matchesGlob } from './glob.ts';
import { requireStreams } from './journal-layout.ts';
import { eachLine, readSegment, wholeSegment } from './journal-reader.ts';
import { lineKind, lineTime } from './record-line.ts';
import { asciiJson } from './record-text.ts';
import { timeText } from './record-time.ts';
import { objectOf, parseObject } from './service-parse.ts';

/** What a record must be. Everything that is given must hold. */
export interface RecordQuery {
  /** Inclusive, microseconds since the Unix epoch. */
  readonly sinceUs?: number | undefined;
  /** Exclusive. */
  readonly untilUs?: number | undefined;
  readonly decision?: 'allow' | 'deny' | undefined;
  /** SPIFFE ID; `*` stands for any run of characters. */
  readonly principal?: string | undefined;
  /** Resource name, type, host or topic, or route or path of the request; `*` as above. */
  readonly resource?: string | undefined;
  readonly reason?: string | undefined;
  /** Name of the determining rule; `*` as above. */
  readonly rule?: string | undefined;
  readonly trace?: string | undefined;
  /** Decision id, request id or connection id. */
  readonly id?: string | undefined;
  /** Most records. */
  readonly limit?: number | undefined;
}

/** A record that was found. */
export interface FoundRecord {
  readonly line: string;
  readonly record: Readonly<Record<string, unknown>>;
}

/**
 * Decisions and outcomes that fit, in the order of the journal. `onTorn` hears of bytes behind the last whole line.
 * @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE
 */
export async function* queryJournal(
  dir: string,
  query: RecordQuery,
  onTorn: (path: string, byteCount: number) => void = () => {},
): AsyncGenerator<FoundRecord, void, void> {
  const matcher = new RecordMatcher(query);
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  for (const stream of await requireStreams(dir)) {
    for (const segment of stream.segments) {
      for await (const piece of readSegment(segment.path, wholeSegment)) {
        if (piece.kind === 'torn') {
          onTorn(segment.path, piece.byteCount);
          continue;
        }
        for (const found of matcher.inLines(piece.bytes)) {
          if (left <= 0) return;
          left -= 1;
          yield found;
        }
        if (left <= 0) return;
      }
    }
  }
}

/** Matches lines against a query. */
export class RecordMatcher {
  readonly #query: RecordQuery;
  /** What every match holds, as it stands in a line; the one that rules out most comes first. */
  readonly #needles: readonly string[];
  readonly #since: string | null;
  readonly #until: string | null;

  constructor(query: RecordQuery) {
    this.#query = query;
    this.#needles = needlesOf(query);
    this.#since = timeText(query.sinceUs);
    this.#until = timeText(query.untilUs);
  }

  /** The matches among whole lines. */
  inLines(bytes: Buffer): readonly FoundRecord[] {
    const found: FoundRecord[] = [];
    const needle = this.#needles[0];
    if (needle === undefined) {
      eachLine(bytes, (text) => this.#keep(text, found));
      return found;
    }
    for (let at = bytes.indexOf(needle, 0, 'latin1'); at >= 0; ) {
      const start = bytes.lastIndexOf(lineFeed, at) + 1;
      const end = bytes.indexOf(lineFeed, at);
      this.#keep(bytes.toString('latin1', start, end), found);
      at = bytes.indexOf(needle, end + 1, 'latin1');
    }
    return found;
  }

  /** The record of a line, if it fits. */
  match(line: string): FoundRecord | null {
    const kind = lineKind(line);
    if (kind !== 'decision' && kind !== 'outcome') return null;
    if (!this.#isInTime(lineTime(line))) return null;
    for (const needle of this.#needles) if (!line.includes(needle)) return null;
    const record = parseObject(line);
    return record !== null && fits(record, this.#query) ? { line, record } : null;
  }

  #keep(line: string, found: FoundRecord[]): true {
    const match = this.match(line);
    if (match !== null) found.push(match);
    return true;
  }

  #isInTime(time: string | null): boolean {
    // RFC 3339 in UTC with a fixed length sorts as text.
    if (time === null) return false;
    return (this.#since === null || time >= this.#since) && (this.#until === null || time < this.#until);
  }
}

const lineFeed = 0x0a;

function needlesOf(query: RecordQuery): readonly string[] {
  const needles: string[] = [];
  if (query.id !== undefined) needles.push(asciiJson(query.id));
  if (query.trace !== undefined) needles.push(`"trace_id":${asciiJson(query.trace)}`);
  // Every part counts: the longest one of `spiffe://*/ns/x` stands in every record.
  for (const glob of [query.rule, query.principal, query.resource])
    if (glob !== undefined) needles.push(...literalsOf(glob).map(inString));
  if (query.reason !== undefined) needles.push(`"reason":${asciiJson(query.reason)}`);
  if (query.decision !== undefined) needles.push(`"decision":"${query.decision}"`);
  return needles;
}

/** A text as it stands within a JSON string. */
function inString(text: string): string {
  return asciiJson(text).slice(1, -1);
}

function fits(record: Readonly<Record<string, unknown>>, query: RecordQuery): boolean {
  return (
    isAny(query.decision, [record['decision']]) &&
    isAny(query.reason, [record['reason']]) &&
    isAny(query.trace, [member(record, 'correlation', 'trace_id')]) &&
    isAny(query.id, idsOf(record)) &&
    globs(query.rule, [member(record, 'rule', 'name')]) &&
    globs(query.principal, [member(record, 'principal', 'workload_id')]) &&
    globs(query.resource, resourcesOf(record))
  );
}

function idsOf(record: Readonly<Record<string, unknown>>): readonly unknown[] {
  return [
    record['decision_id'],
    member(record, 'correlation', 'request_id'),
    member(record, 'correlation', 'connection_id'),
  ];
}

function resourcesOf(record: Readonly<Record<string, unknown>>): readonly unknown[] {
  const names = ['name', 'type', 'host', 'topic', 'route'].map((name) => member(record, 'resource', name));
  return [...names, member(record, 'http', 'path'), member(record, 'http', 'route')];
}

function member(record: Readonly<Record<string, unknown>>, group: string, name: string): unknown {
  return objectOf(record[group])?.[name];
}

function isAny(wanted: string | undefined, values: readonly unknown[]): boolean {
  return wanted === undefined || values.includes(wanted);
}

function globs(pattern: string | undefined, values: readonly unknown[]): boolean {
  return pattern === undefined || values.some((value) => typeof value === 'string' && matchesGlob(pattern, value));
}
