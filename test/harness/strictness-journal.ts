// What must hold of the journal after the strictness table: each request has its decision, each record is one line of
// printable ASCII, and no line is there that no request made.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import type { CaseTrace, StrictnessWorld } from './strictness-world.ts';

type JournalRecord = Readonly<Record<string, unknown>>;

/** Control characters, line separators and whatever turns the direction of text (Unicode TR9). */
const hidden = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** Throws where the journal is not as it must be, or the log of the process. */
export function checkJournal(world: StrictnessWorld): void {
  const records = globSync(`${world.mesh.journalDir}/**/*.ndjson`)
    .flatMap((file) => readFileSync(file, 'latin1').split('\n'))
    .filter((line) => line !== '')
    .map(parseLine);
  const decisions = new Map(
    records.filter((record) => record['type'] === 'decision').map((record) => [record['decision_id'], record]),
  );
  for (const line of world.sidecar.stderr.split('\n')) if (line !== '') parseLine(line);
  for (const trace of world.traces) checkTrace(trace, decisions);
  for (const id of world.goodIds) assert.equal(decisions.get(id)?.['decision'], 'allow');
  const seen = new Set([
    ...world.goodIds,
    ...world.traces.flatMap((each) => [...each.forwarded.keys(), ...each.refused.keys()]),
  ]);
  const unseen = [...decisions.keys()].filter((id) => !seen.has(String(id)));
  assert.deepEqual(unseen, [], 'no decision that no request asked for');
}

function parseLine(line: string): JournalRecord {
  assert.match(line, /^\{[\x20-\x7e]*\}$/, 'one line of printable ASCII');
  return JSON.parse(line, (_, value: unknown) => {
    if (typeof value === 'string') assert.doesNotMatch(value, hidden, 'nothing hides in a decoded text');
    return value;
  }) as JournalRecord;
}

function checkTrace({ one, forwarded, refused }: CaseTrace, decisions: ReadonlyMap<unknown, JournalRecord>): void {
  for (const [id, path] of forwarded) {
    const record = decisions.get(id);
    assert.equal(record?.['decision'], 'allow', `${one.name}: what reached the workload is on record`);
    const recorded = String(member(record, 'http.path'));
    assert.equal(recorded, recorded.endsWith('…') ? `${path.slice(0, recorded.length - 1)}…` : path, one.name);
    for (const [where, wanted] of Object.entries(one.recorded ?? {})) {
      assert.equal(member(record, where), wanted, `${one.name}: ${where}`);
    }
  }
  for (const [id, status] of refused) {
    const record = decisions.get(id);
    assert.ok(record, `${one.name}: the refusal is on record`);
    if (record['decision'] === 'allow') continue;
    assert.equal(member(record, 'http.status'), status, one.name);
    assert.match(String(record['reason']), status === 403 ? /^default$/ : /^bad_request(?:_target)?$/, one.name);
  }
}

/** A member of a record by its dotted path. */
function member(record: JournalRecord, where: string): unknown {
  return where.split('.').reduce<unknown>((value, key) => (value as JournalRecord | undefined)?.[key], record);
}
