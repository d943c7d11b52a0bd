// Query and tail read back what the recorder wrote, by every filter, over segments and streams, and while it is written.

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { matchesGlob } from '../../src/audit/glob.ts';
import { queryJournal, type RecordQuery } from '../../src/audit/query.ts';
import { tailDefaults, tailJournal } from '../../src/audit/tail.ts';
import { journalFolder, record, segmentPaths, startRecorder, until, writeStream } from './journal-in-folder.ts';
import { authnFailedEvent, decisionEvent, deny, outcomeEvent } from './sample-events.ts';

async function found(dir: string, query: RecordQuery): Promise<string[]> {
  const ids: string[] = [];
  for await (const { record: item } of queryJournal(dir, query))
    ids.push(`${String(item['type'])[0]}${Number(String(item['decision_id']).slice(-4))}`);
  return ids;
}

test('finds by decision, principal, resource, reason, trace, id and time, together and in order', async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, { outcomes: 'all' });
  const base = decisionEvent(3);
  await record(recorder, decisionEvent(1));
  await record(recorder, decisionEvent(2, { decision: deny }));
  const principal = { ...base.request.principal, spiffeId: 'spiffe://stage.acme.com/ns/tést/x' };
  const resource = { ...base.request.resource, name: 'ledger', route: '/ledger/{id}' };
  await record(recorder, { ...base, request: { ...base.request, principal, resource }, path: '/ledger/9' });
  recorder.outcome(outcomeEvent(2, { traceId: 'f'.repeat(32) }));
  recorder.authnFailed(authnFailedEvent());
  await recorder.close();

  const expectations: readonly (readonly [RecordQuery, readonly string[]])[] = [
    [{}, ['d1', 'd2', 'd3', 'o2', 'dNaN']],
    [{ decision: 'deny' }, ['d2', 'dNaN']],
    [{ decision: 'allow', limit: 1 }, ['d1']],
    [{ limit: 0 }, []],
    [{ principal: 'spiffe://stage.acme.com/ns/tést/x' }, ['d3']],
    [{ principal: 'spiffe://*.acme.com/ns/t*/x' }, ['d3']],
    [{ principal: 'spiffe://*' }, ['d1', 'd2', 'd3']],
    [{ principal: 'payments' }, []],
    [{ resource: 'ledger' }, ['d3']],
    [{ resource: '/ledger/*' }, ['d3']],
    [{ reason: 'default' }, ['d2']],
    [{ reason: 'authn_failed', decision: 'deny' }, ['dNaN']],
    [{ rule: 'database-access' }, ['d1', 'd3']],
    [{ rule: 'data*ess', decision: 'deny' }, []],
    [{ rule: 'payment-service-access' }, []],
    [{ trace: 'f'.repeat(32) }, ['o2']],
    [{ id: base.decisionId }, ['d3']],
    [{ id: 'req-000000000002' }, ['d2']],
    [{ sinceUs: base.timeUs }, ['d3', 'o2', 'dNaN']],
    [{ sinceUs: base.timeUs, untilUs: base.timeUs + 1 }, ['d3']],
    [{ untilUs: base.timeUs }, ['d1', 'd2']],
    [{ decision: 'deny', principal: '*', reason: 'rule' }, []],
  ];
  for (const [query, expected] of expectations)
    assert.deepEqual(await found(dir, query), expected, JSON.stringify(query));
});

test('finds across segments and streams, whatever the size of a piece', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 700, { segmentBytes: 400_000 });
  await writeStream(dir, 700, { segmentBytes: 400_000 });
  assert.equal((await found(dir, {})).length, 1_400);
  assert.deepEqual(await found(dir, { id: 'req-000000000049' }), ['d49', 'd49']);
});

test('passes over lines that are not records, and over a torn end', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 2);
  const [path] = await segmentPaths(dir);
  await appendFile(path!, 'rubbish "decision":"allow"\n{"schema":"postern.decision/1","type":"decision","time":"2026');
  assert.deepEqual(await found(dir, { decision: 'allow' }), ['d0', 'd1']);
});

test('a folder that is no journal is one clear error', async (t) => {
  const dir = await journalFolder(t);
  await assert.rejects(found(dir, {}), { code: 'ERR_JOURNAL_NOT_FOUND', message: /holds no journal/ });
  await assert.rejects(found(`${dir}/none`, {}), { code: 'ERR_JOURNAL_NOT_FOUND', message: /does not exist/ });
});

test('tail shows the last lines over segments and streams, oldest first', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 30, { segmentBytes: 20_000 }, 5);
  const lines: string[] = [];
  const { signal } = new AbortController();
  for await (const line of tailJournal(dir, { ...tailDefaults, count: 12, signal })) lines.push(line);
  const paths = lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
  assert.equal(paths.length, 12);
  assert.deepEqual(
    paths,
    paths.toSorted((a, b) => a - b),
  );
});

test('tail -f shows each new record once, over rotation and a new stream', { timeout: 60_000 }, async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir, { segmentBytes: 15_000 });
  await record(recorder, decisionEvent(0));
  const abort = new AbortController();
  const seen: number[] = [];
  const following = (async () => {
    for await (const line of tailJournal(dir, { count: 1, follow: true, everyMs: 5, signal: abort.signal })) {
      seen.push(Number(/"decision_id":"[^"]*?(\d+)"/.exec(line)?.[1]));
      if (seen.length === 50) abort.abort();
    }
  })();
  await until(() => seen.length === 1);
  for (let n = 1; n < 30; n += 1) await record(recorder, decisionEvent(n));
  const { recorder: other } = await startRecorder(t, dir);
  for (let n = 30; n < 50; n += 1) await record(other, decisionEvent(n));
  await following;
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, n) => n),
  );
});

test('tail -f takes up a line that was half written when it began, and tells several streams in order of time', {
  timeout: 60_000,
}, async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 3);
  await writeStream(dir, 3);
  const [first, second] = await segmentPaths(dir);
  const lines = (await readFile(first!, 'latin1')).split('\n').slice(0, 4);
  const earlier = lines[2]!.replace(/T10:00:00\.\d{6}Z/, 'T10:00:00.000001Z');
  // Beyond the lines to begin with: a segment of which nothing is shown, as every one is with `-n 0`.
  await writeFile(first!.replace('00000001-', '00000002-'), `${lines[0]}\n`);
  await writeFile(first!, `${lines[0]}\n${lines[1]!.slice(0, 100)}`);
  await writeFile(second!, '');
  const abort = new AbortController();
  t.after(() => abort.abort());
  const tail = tailJournal(dir, { count: 1, follow: true, everyMs: 2, signal: abort.signal });
  const next = async (): Promise<unknown> => (await tail.next()).value;
  assert.equal(await next(), lines[0]);
  // It stands still until it is asked, so it finds all that is written in between at once.
  appendFileSync(first!, `${lines[1]!.slice(100)}\n`);
  assert.equal(await next(), lines[1]);
  appendFileSync(first!, `${lines[2]}\n`);
  appendFileSync(second!, `${earlier}\n`);
  assert.deepEqual([await next(), await next()], [earlier, lines[2]]);
});

test('a pattern matches as a whole', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*c', 'abcd', false],
    ['*', '', true],
    ['**', 'x', true],
    ['a*a', 'a', false],
    ['*b*b*', 'abb', true],
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['*.acme.*', 'x.acme.com', true],
  ];
  for (const [pattern, text, expected] of cases)
    assert.equal(matchesGlob(pattern, text), expected, `${pattern} ${text}`);
});
