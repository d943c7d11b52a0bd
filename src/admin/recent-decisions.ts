// HOT PATH (npm run bench). The last decisions, in memory, for people who look. Lines are kept as the journal wrote them
// and parsed only when asked for. Denies have a ring of their own: a flood of allows never drives them out.

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
  denies: Object.freeze({ lines: 512, chars: 768 * 1024 }),
  allows: Object.freeze({ lines: 256, chars: 384 * 1024 }),
  outcomes: Object.freeze({ lines: 256, chars: 192 * 1024 }),
});

// The encoder writes these members first and in this order, and a quote within a value is escaped: neither text can
// stand in a value that a stranger chose.
const decisionStart = '{"schema":"postern.decision/1","type":"decision"';
const outcomeStart = '{"schema":"postern.decision/1","type":"outcome"';
const decisionMember = '"decision":"';

export class RecentDecisions {
  readonly #denies: LineRing;
  readonly #allows: LineRing;
  readonly #outcomes: LineRing;
  /** Where the effect stood in the last decision: most often it stands there again. */
  #effectAt = 0;

  constructor(options: RecentDecisionsOptions = recentDecisionsDefaults) {
    this.#denies = new LineRing(options.denies);
    this.#allows = new LineRing(options.allows);
    this.#outcomes = new LineRing(options.outcomes);
  }

  /** Takes a line of the journal; for the recorder's `onLine`. */
  readonly add = (line: string): void => {
    if (line.startsWith(decisionStart)) {
      // The first such member is the right one; no earlier text of a line can have this form.
      if (!line.startsWith(decisionMember, this.#effectAt)) {
        this.#effectAt = line.indexOf(decisionMember, decisionStart.length);
      }
      // Anything but a plain allow is kept with the denies.
      if (line.startsWith('allow"', this.#effectAt + decisionMember.length)) this.#allows.add(line);
      else this.#denies.add(line);
    } else if (line.startsWith(outcomeStart)) this.#outcomes.add(line);
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
