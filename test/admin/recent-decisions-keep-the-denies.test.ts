// The decisions in memory: what is kept, what is found, and the endpoints that show them. Lines come from the encoder
// of the journal, so that a change of its form is noticed here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineRing } from '../../src/admin/line-ring.ts';
import { RecentDecisions } from '../../src/admin/recent-decisions.ts';
import type { WrittenBatch } from '../../src/audit/group-commit.ts';
import type { Decision } from '../../src/authz/model.ts';
import { EncodedLines } from '../audit/encoded-lines.ts';
import { allow, authnFailedEvent, decisionEvent, journalOptions, outcomeEvent } from '../audit/sample-events.ts';
import { ask, openAdmin } from './admin-fixture.ts';

const encoder = new EncodedLines({ ...journalOptions('/nowhere'), streamId: 'stream' });
const deny = Object.freeze({ ...allow, effect: 'deny', permit: null, reason: 'default' }) as Decision;

type Kind = WrittenBatch['entries'][number]['kind'];

/** One record as a batch, behind one that could not be encoded. */
function batchOf(kind: Kind, line: string): WrittenBatch {
  return { entries: [{ kind: 'allow' }, { kind }], bytes: Buffer.from(line), ends: [0, line.length] };
}

/** A batch of decisions: `a` an allow, `d` a deny. */
function filled(kinds: string, into = new RecentDecisions()): RecentDecisions {
  let bytes = '';
  const ends: number[] = [];
  const entries = [...kinds].map((kind, at) => {
    bytes += encoder.decision(decisionEvent(at, { decision: kind === 'a' ? allow : deny }), at);
    ends.push(bytes.length);
    return { kind: kind === 'a' ? ('allow' as const) : ('deny' as const) };
  });
  into.add({ entries, bytes: Buffer.from(bytes), ends });
  return into;
}

const idOf = (n: number): string => decisionEvent(n).decisionId;

test('a flood of allows does not drive out the last denies', () => {
  const recent = filled(`dd${'a'.repeat(3_000)}`);
  assert.equal(recent.kept.denies, 2);
  assert.ok(recent.kept.allows <= 256);
  assert.deepEqual(
    recent.list({ decision: 'deny', limit: 10 }).map((record) => record['decision_id']),
    [idOf(1), idOf(0)],
  );
});

test('decisions come newest first, both kinds together, as many as were asked for', () => {
  const recent = filled('adadad');
  const seqs = (limit: number, decision?: 'allow' | 'deny') =>
    recent.list({ limit, decision }).map((record) => record['seq']);
  assert.deepEqual(seqs(10), [5, 4, 3, 2, 1, 0]);
  assert.deepEqual(seqs(3), [5, 4, 3]);
  assert.deepEqual(seqs(2, 'allow'), [4, 2]);
});

test('filters by peer, by the begin of a peer, and by reason', () => {
  const recent = filled('aad');
  const other = { ...decisionEvent(7).request.principal, spiffeId: 'spiffe://prod.acme.com/ns/orders/sa/web' };
  const request = { ...decisionEvent(7).request, principal: other };
  recent.add(batchOf('deny', encoder.decision(decisionEvent(7, { request, decision: deny }), 7)));
  recent.add(batchOf('deny', encoder.authnFailed(authnFailedEvent(), 8)));
  const seqs = (filter: { peer?: string; reason?: string }) =>
    recent.list({ ...filter, limit: 50 }).map((record) => record['seq']);
  assert.deepEqual(seqs({ peer: 'spiffe://prod.acme.com/ns/orders/sa/web' }), [7]);
  assert.deepEqual(seqs({ peer: 'spiffe://prod.acme.com/ns/payments/*' }), [2, 1, 0]);
  assert.deepEqual(seqs({ peer: 'spiffe://prod.acme.com/ns/payments/' }), []);
  assert.deepEqual(seqs({ peer: 'anonymous' }), [8]);
  assert.deepEqual(seqs({ reason: 'default' }), [7, 2]);
  assert.deepEqual(seqs({ reason: 'authn_failed' }), [8]);
});

test('a decision is found by its id, with its outcome', () => {
  const recent = filled('ad');
  recent.add(batchOf('outcome', encoder.outcome(outcomeEvent(1), 9)));
  assert.equal(recent.find(idOf(0))?.record['decision'], 'allow');
  assert.equal(recent.find(idOf(0))?.outcome, null);
  assert.equal(recent.find(idOf(1))?.outcome?.['seq'], 9);
  assert.equal(recent.find('019abcde-0000-7000-8000-00000000ffff'), null);
  assert.equal(recent.find('"'), null);
});

test('outcomes are not listed', () => {
  const recent = new RecentDecisions();
  recent.add(batchOf('outcome', encoder.outcome(outcomeEvent(1), 1)));
  assert.deepEqual(recent.list({ limit: 10 }), []);
  assert.deepEqual(recent.kept, { denies: 0, allows: 0 });
});

test('a ring keeps the newest lines within both of its bounds, and wastes less than a line', () => {
  const bounds = fc.record({ lines: fc.integer({ min: 1, max: 8 }), bytes: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(bounds, fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { maxLength: 40 }), (options, lines) => {
      const ring = new LineRing(options);
      const fitting: string[] = [];
      for (const line of lines) {
        ring.add(Buffer.from(`##${line}#`), 2, 2 + line.length);
        if (line.length <= options.bytes) fitting.unshift(line);
        const kept = [...ring.newestFirst()];
        assert.deepEqual(kept, fitting.slice(0, kept.length));
        assert.equal(ring.size, kept.length);
        assert.ok(kept.length <= options.lines && kept.join('').length <= options.bytes);
        assert.ok(fitting.length === 0 || kept.length > 0);
        const isFull = kept.length === Math.min(options.lines, fitting.length);
        assert.ok(isFull || kept.join('').length + 2 * 20 > options.bytes, 'a line went that had room');
      }
    }),
  );
});

test('/decisions lists what is asked for', async (context) => {
  const { port, decisions } = await openAdmin(context);
  filled('aadad', decisions);
  const all = (await ask(port, '/decisions')).json();
  assert.deepEqual(all['kept'], { denies: 2, allows: 3 });
  assert.equal((all['decisions'] as unknown[]).length, 5);
  const denies = (await ask(port, '/decisions?decision=deny&limit=1')).json()['decisions'] as { seq: number }[];
  assert.deepEqual(
    denies.map(({ seq }) => seq),
    [4],
  );
  const peer = encodeURIComponent('spiffe://prod.acme.com/ns/payments/sa/api');
  assert.equal(((await ask(port, `/decisions?peer=${peer}`)).json()['decisions'] as unknown[]).length, 5);
});

for (const query of [
  '?limit=0',
  '?limit=1001',
  '?limit=1e3',
  '?limit=',
  '?limit=-1',
  '?decision=maybe',
  '?decison=deny',
  '?limit=1&limit=2',
  '?__proto__=1',
]) {
  test(`/decisions${query} is refused, not taken for all`, async (context) => {
    const { port } = await openAdmin(context);
    assert.equal((await ask(port, `/decisions${query}`)).status, 400);
  });
}

test('/decisions/{id} shows the record, its outcome and its explanation', async (context) => {
  const { port, decisions } = await openAdmin(context, {
    views: { explainRecord: (record) => ({ of: record['decision_id'] }) },
  });
  filled('d', decisions);
  const answer = await ask(port, `/decisions/${idOf(0)}`);
  assert.equal(answer.status, 200);
  const body = answer.json() as { record: { decision: string }; outcome: unknown; explanation: unknown };
  assert.equal(body.record.decision, 'deny');
  assert.equal(body.outcome, null);
  assert.deepEqual(body.explanation, { of: idOf(0) });
});

for (const id of ['019abcde-0000-7000-8000-00000000ffff', 'x', '%22', 'a'.repeat(65), '..']) {
  test(`/decisions/${id.slice(0, 40)} is 404 and names the journal`, async (context) => {
    const { port } = await openAdmin(context);
    const answer = await ask(port, `/decisions/${id}`);
    assert.equal(answer.status, 404);
    assert.match(answer.text, /postern audit query/);
  });
}
