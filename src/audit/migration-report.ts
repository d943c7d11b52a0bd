// Who is not there yet: what a journal says of callers without TLS (`plaintext: permit`), and of denies that were let pass
// (`mode: shadow`). Counted by who, where and what; when nobody is left, a listener can refuse and enforce.

import { queryJournal, type RecordQuery } from './query.ts';
import { objectOf } from './service-parse.ts';

/** Those who came in one way, together. */
export interface MigrationRow {
  readonly listener: string;
  /** Address of a plain caller; SPIFFE ID of one who was denied in shadow. */
  readonly who: string;
  /** `type name` of what was reached. */
  readonly resource: string;
  readonly action: string;
  readonly allowed: number;
  readonly denied: number;
  /** RFC 3339. */
  readonly firstSeen: string;
  readonly lastSeen: string;
}

export interface MigrationReport {
  /** Most frequent first. */
  readonly rows: readonly MigrationRow[];
  /** Records of further callers, beyond what is told apart. */
  readonly untold: number;
}

/** What is looked for. */
export type MigrationKind = 'plaintext' | 'shadow';

/** Callers are told apart up to here: a scan of a network must not fill memory. */
const mostRows = 10_000;

type Fields = Readonly<Record<string, unknown>>;
type Counted = { -readonly [Key in keyof MigrationRow]: MigrationRow[Key] };

/** @throws PosternError ERR_JOURNAL_NOT_FOUND, ERR_JOURNAL_UNREADABLE */
export async function reportMigration(
  dir: string,
  kind: MigrationKind,
  range: Pick<RecordQuery, 'sinceUs' | 'untilUs'>,
): Promise<MigrationReport> {
  const rows = new Map<string, Counted>();
  let untold = 0;
  // What every such record holds, so that most lines are ruled out unread.
  const query = kind === 'plaintext' ? { ...range, principal: 'anonymous' } : { ...range, decision: 'deny' as const };
  for await (const { record } of queryJournal(dir, query)) {
    if (record['type'] !== 'decision' || !isOfKind(record, kind)) continue;
    if (!count(rows, record, kind)) untold++;
  }
  const frequency = (row: MigrationRow): number => row.allowed + row.denied;
  return { rows: [...rows.values()].sort((a, b) => frequency(b) - frequency(a)), untold };
}

function isOfKind(record: Fields, kind: MigrationKind): boolean {
  if (kind === 'shadow') return record['enforced'] === false;
  const isRefused = record['authn_failure'] !== undefined || record['reason'] === 'reauth_revoked';
  // Whoever came with TLS and a token, or without a certificate, has a version.
  return !isRefused && text(record, 'tls', 'version') === '' && text(record, 'network', 'direction') === 'inbound';
}

function count(rows: Map<string, Counted>, record: Fields, kind: MigrationKind): boolean {
  const row = rowOf(record, kind);
  const key = JSON.stringify([row.listener, row.who, row.resource, row.action]);
  const known = rows.get(key);
  if (known === undefined) {
    if (rows.size >= mostRows) return false;
    rows.set(key, row);
    return true;
  }
  known.allowed += row.allowed;
  known.denied += row.denied;
  // Streams of several processes lie beside each other: records do not come in the order of time.
  if (row.firstSeen < known.firstSeen) known.firstSeen = row.firstSeen;
  if (row.lastSeen > known.lastSeen) known.lastSeen = row.lastSeen;
  return true;
}

function rowOf(record: Fields, kind: MigrationKind): Counted {
  const time = String(record['time']);
  const isAllowed = record['decision'] === 'allow';
  return {
    listener: String(record['listener'] ?? ''),
    who:
      kind === 'plaintext' ? text(record, 'network', 'source_ip') || 'unix' : text(record, 'principal', 'workload_id'),
    resource: [text(record, 'resource', 'type'), text(record, 'resource', 'name')].join(' ').trim(),
    action: text(record, 'action', 'name'),
    allowed: isAllowed ? 1 : 0,
    denied: isAllowed ? 0 : 1,
    firstSeen: time,
    lastSeen: time,
  };
}

function text(record: Fields, group: string, name: string): string {
  const value = objectOf(record[group])?.[name];
  return typeof value === 'string' ? value : '';
}
