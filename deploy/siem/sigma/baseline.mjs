#!/usr/bin/env node
// What a record alone does not say: which identities are dormant, and which callers have been at which resource. Reads records
// (NDJSON) from standard input and writes two Sigma filters, for the rules that need them.
//
//   postern audit query --journal DIR --json | node baseline.mjs --dormant-after 30d --out filters/

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const dayMs = 86_400_000;
/** In a list that would be empty: Sigma has no list of nothing, and no identity is this one. */
const nobody = 'spiffe://nobody.invalid/';

const { values } = parseArgs({
  options: {
    'dormant-after': { type: 'string', default: '30d' },
    /** RFC 3339; in place of the time of the last record. */
    now: { type: 'string' },
    out: { type: 'string', default: '.' },
  },
});

const seen = await readRecords(process.stdin);
const nowMs = values.now === undefined ? seen.lastMs : Date.parse(values.now);
const dormantMs = daysOf(values['dormant-after']) * dayMs;
const dormant = [...seen.lastUse].filter(([, lastMs]) => nowMs - lastMs >= dormantMs).map(([id]) => id);
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, 'dormant_identities.yml'), dormantFilter(dormant));
writeFileSync(join(values.out, 'known_pairs.yml'), pairsFilter([...seen.pairs].map((pair) => JSON.parse(pair))));
process.stderr.write(
  `${seen.records} decisions: ${dormant.length} dormant identities, ${seen.pairs.size} known pairs\n`,
);
if (seen.strange > 0) {
  process.stderr.write(`${seen.strange} lines are no records and were left out\n`);
  process.exitCode = 1;
}

/** Last use of each verified identity, and who was let through to what. */
async function readRecords(input) {
  const found = { lastUse: new Map(), pairs: new Set(), records: 0, strange: 0, lastMs: 0 };
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const record = parse(line);
    if (record === null) found.strange += 1;
    else if (record.type === 'decision') note(record, found);
  }
  return found;
}

function parse(line) {
  try {
    const record = JSON.parse(line);
    return record?.schema === 'postern.decision/1' && !Number.isNaN(Date.parse(record.time)) ? record : null;
  } catch {
    return null;
  }
}

function note(record, found) {
  const timeMs = Date.parse(record.time);
  found.records += 1;
  found.lastMs = Math.max(found.lastMs, timeMs);
  const id = record.principal?.workload_id;
  if (typeof id !== 'string' || id === 'anonymous') return;
  found.lastUse.set(id, Math.max(found.lastUse.get(id) ?? 0, timeMs));
  const resource = record.resource?.name;
  if (record.decision === 'allow' && typeof resource === 'string') found.pairs.add(JSON.stringify([id, resource]));
}

function daysOf(text) {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) return Number(days);
  process.stderr.write(`--dormant-after \`${text}\` is no number of days, such as 30d\n`);
  process.exit(2);
}

function dormantFilter(ids) {
  return filter('Dormant Identities', 'postern_dormant_identity_awake', {
    selection: { 'principal.workload_id': (ids.length === 0 ? [nobody] : ids).map(literal) },
    condition: 'selection',
  });
}

function pairsFilter(pairs) {
  const rows = pairs.length === 0 ? [[nobody, nobody]] : pairs;
  return filter('Known Pairs of Caller and Resource', 'postern_new_caller_resource_pair', {
    selection: rows.map(([id, name]) => ({ 'principal.workload_id': literal(id), 'resource.name': literal(name) })),
    condition: 'not selection',
  });
}

/** A text that a rule takes as it stands: `*`, `?` and `\` have a meaning in Sigma. */
function literal(text) {
  return text.replaceAll(/[\\*?]/g, '\\$&');
}

/** JSON is YAML, so no text of a record can end its line or begin a key. */
function filter(title, rule, parts) {
  const logsource = { product: 'postern', service: 'authz' };
  return `${JSON.stringify({ title, logsource, filter: { rules: [rule], ...parts } }, null, 2)}\n`;
}
