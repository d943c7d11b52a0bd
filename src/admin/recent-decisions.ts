// HOT PATH (npm run bench). The last decisions, in memory, for people who look. Lines are kept as the journal wrote them
// and read only when asked for. Denies have a ring of their own: a flood of allows never drives them out.

import type { WrittenBatch } from '../audit/group-commit.ts';
import { LineRing, type LineRingOptions } from './line-ring.ts';

/** A record of the journal, parsed. */
export type JournalRecord = Readonly<Record<string, unknown>>;

/** Which decisions are wanted; what is undefined does not matter. */
export interface DecisionFilter {
  readonly decision?: 'allow' | 'deny' | undefined;
  /** SPIFFE ID of the peer, `anonymous`, or the begin of an ID with `*` at its end. */
  readonly peer?: string | undefined;
  readonly reason?: string | undefined;
  readonly limit: number;
}

export interface RecentDecisionsOptions {
  readonly denies: LineRingOptions;
  readonly allows: LineRingOptions;
  readonly outcomes: LineRingOptions;
}

export const recentDecisionsDefaults: RecentDecisionsOptions = Object.freeze({
  denies: Object.freeze({ lines: 512, bytes: 768 * 1024 }),
  allows: Object.freeze({ lines: 256, bytes: 384 * 1024 }),
  outcomes: Object.freeze({ lines: 256, bytes: 192 * 1024 }),
});

export class RecentDecisions {
  readonly #denies: LineRing;
  readonly #allows: LineRing;
  readonly #outcomes: LineRing;

  constructor(options: RecentDecisionsOptions = recentDecisionsDefaults) {
    this.#denies = new LineRing(options.denies);
    this.#allows = new LineRing(options.allows);
    this.#outcomes = new LineRing(options.outcomes);
  }

  /** Takes the lines of a batch; for the recorder's `onBatch`. */
  readonly add = ({ entries, bytes, ends }: WrittenBatch): void => {
    let start = 0;
    for (let at = 0; at < entries.length; at++) {
      const end = ends[at]!;
      if (end > start) this.#ringOf(entries[at]!.kind).add(bytes, start, end);
      start = end;
    }
  };

  /** Newest first. */
  list(filter: DecisionFilter): readonly JournalRecord[] {
    const denies = filter.decision === 'allow' ? [] : this.#matching(this.#denies, filter);
    const allows = filter.decision === 'deny' ? [] : this.#matching(this.#allows, filter);
    if (denies.length === 0) return allows;
    if (allows.length === 0) return denies;
    return [...denies, ...allows].sort((a, b) => number(b['seq']) - number(a['seq'])).slice(0, filter.limit);
  }

  /** The decision of that id with its outcome, where it is still here. */
  find(decisionId: string): { readonly record: JournalRecord; readonly outcome: JournalRecord | null } | null {
    const member = `"decision_id":${JSON.stringify(decisionId)}`;
    const line = this.#denies.find(member) ?? this.#allows.find(member);
    if (line === undefined) return null;
    const outcome = this.#outcomes.find(member);
    return { record: parse(line), outcome: outcome === undefined ? null : parse(outcome) };
  }

  /** How many are here. */
  get kept(): { readonly denies: number; readonly allows: number } {
    return { denies: this.#denies.size, allows: this.#allows.size };
  }

  #ringOf(kind: WrittenBatch['entries'][number]['kind']): LineRing {
    if (kind === 'allow') return this.#allows;
    return kind === 'deny' ? this.#denies : this.#outcomes;
  }

  #matching(ring: LineRing, filter: DecisionFilter): JournalRecord[] {
    const found: JournalRecord[] = [];
    for (const line of ring.newestFirst()) {
      if (found.length >= filter.limit) break;
      const record = parse(line);
      if (isWanted(record, filter)) found.push(record);
    }
    return found;
  }
}

function isWanted(record: JournalRecord, filter: DecisionFilter): boolean {
  if (filter.reason !== undefined && record['reason'] !== filter.reason) return false;
  if (filter.peer === undefined) return true;
  const peer = (record['principal'] as JournalRecord | undefined)?.['workload_id'];
  if (typeof peer !== 'string') return false;
  return filter.peer.endsWith('*') ? peer.startsWith(filter.peer.slice(0, -1)) : peer === filter.peer;
}

function parse(line: string): JournalRecord {
  return JSON.parse(line) as JournalRecord;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
