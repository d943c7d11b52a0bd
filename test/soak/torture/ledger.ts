// What a sink must have got, and what it got: every record of the journal at least once, in order in each stream, or a `gap` that names it.

import { readFileSync } from 'node:fs';

interface Entry {
  readonly type: string;
  readonly stream_id: string;
  readonly seq: number;
  readonly decision_id?: string;
  /** Of a receiver that keeps its records in several orders. */
  readonly partition?: number;
  readonly gap?: { readonly from_seq: number; readonly to_seq: number; readonly of_stream?: string };
}

export interface Ledger {
  readonly expected: number;
  readonly received: number;
  readonly duplicates: number;
  /** Records that are told to be missing. */
  readonly inGaps: number;
  /** What neither came nor is told, or came too early; a line each. */
  readonly faults: readonly string[];
}

export interface Account {
  /** What the sink wrote down, a record a line. */
  readonly file: string;
  /** Decision ids that reached the workload. */
  readonly seen: ReadonlySet<string>;
  /** Records that are nothing to this sink: syslog has no use for the seals of a journal. */
  readonly without: readonly string[];
}

export function compare(journal: readonly unknown[], { file, seen, without }: Account): Ledger {
  const wanted = (journal as readonly Entry[]).filter(({ type }) => type !== 'gap' && !without.includes(type));
  const got = entriesOf(file);
  const had = new Set<string>();
  const told = new Set<string>();
  const last = new Map<string, number>();
  const faults: string[] = [];
  let duplicates = 0;
  for (const entry of got) {
    if (entry.gap !== undefined) for (const key of keysOf(entry)) told.add(key);
    if (entry.type === 'gap') continue;
    const key = `${entry.stream_id} ${entry.seq}`;
    if (had.has(key)) {
      duplicates++;
      continue;
    }
    had.add(key);
    const order = `${entry.stream_id} ${entry.partition ?? ''}`;
    if (entry.seq <= (last.get(order) ?? 0)) faults.push(`${key} came after a later one`);
    last.set(order, entry.seq);
  }
  const missing = wanted.map(({ stream_id, seq }) => `${stream_id} ${seq}`).filter((key) => !had.has(key));
  for (const key of missing) if (!told.has(key)) faults.push(`${key} never came and no gap names it`);
  const onRecord = new Set(wanted.flatMap(({ decision_id }) => decision_id ?? []));
  for (const id of seen) if (!onRecord.has(id)) faults.push(`decision ${id} reached the workload and is not on record`);
  const inGaps = missing.filter((key) => told.has(key)).length;
  return { expected: wanted.length, received: had.size, duplicates, inGaps, faults };
}

/** The last line may be torn where the receiver was killed: it had not said then that it has it. */
function entriesOf(file: string): Entry[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Entry];
    } catch {
      return [];
    }
  });
}

function keysOf({ stream_id, gap }: Entry): string[] {
  if (gap === undefined) return [];
  const stream = gap.of_stream ?? stream_id;
  return Array.from({ length: gap.to_seq - gap.from_seq + 1 }, (_, at) => `${stream} ${gap.from_seq + at}`);
}
