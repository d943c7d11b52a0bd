// Ruling lines out as bytes finds exactly what parsing each line and looking at its members finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesGlob } from '../../src/audit/glob.ts';
import { RecordMatcher, type RecordQuery } from '../../src/audit/query.ts';
import { asciiJson } from '../../src/audit/record-text.ts';

/** A record with what queries look at. */
interface Sample {
  readonly decision: 'allow' | 'deny';
  readonly reason: string;
  readonly rule: string;
  readonly principal: string;
  readonly resource: string;
  readonly id: string;
}

// Few letters, so that patterns meet; those that JSON escapes among them.
const word = fc.array(fc.constantFrom('a', 'b', '/', '"', '\\', '\n', 'é', '\u202e', '💥'), { maxLength: 5 });
const name = word.map((letters) => letters.join(''));
const glob = fc.array(fc.oneof(name, fc.constant('*')), { maxLength: 4 }).map((parts) => parts.join(''));
const decision = fc.constantFrom('allow', 'deny');
const reason = fc.constantFrom('rule', 'default');

const samples = fc.array(fc.record({ decision, reason, rule: name, principal: name, resource: name, id: name }), {
  maxLength: 12,
});
const queries = fc.record(
  { decision, reason, rule: glob, principal: glob, resource: glob, id: name },
  { requiredKeys: [] },
);

function lineOf(sample: Sample): string {
  const { decision: verdict, reason: why, rule, principal, resource, id } = sample;
  const head = '{"schema":"postern.decision/1","type":"decision","time":"2026-01-01T00:00:00.000000Z",';
  const correlation = { request_id: id };
  const members = { decision: verdict, reason: why, rule: { name: rule }, principal: { workload_id: principal } };
  return `${head}${asciiJson({ ...members, resource: { name: resource }, correlation }).slice(1)}\n`;
}

function isWanted(sample: Sample, query: RecordQuery): boolean {
  const exact = (['decision', 'reason', 'id'] as const).every((key) => (query[key] ?? sample[key]) === sample[key]);
  const globs = ['rule', 'principal', 'resource'] as const;
  return exact && globs.every((key) => matchesGlob(query[key] ?? '*', sample[key]));
}

test('a query by bytes finds the records that a look at each one finds, and no other', () => {
  fc.assert(
    fc.property(samples, queries, (records, query) => {
      const bytes = Buffer.from(records.map(lineOf).join(''), 'latin1');
      const found = new RecordMatcher(query).inLines(bytes).map(({ line }) => `${line}\n`);
      assert.deepEqual(found, records.filter((sample) => isWanted(sample, query)).map(lineOf));
    }),
    { numRuns: 500 },
  );
});
