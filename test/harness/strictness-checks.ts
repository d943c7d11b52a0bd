// What must hold of a case of the strictness table at the workload and at the caller.

import assert from 'node:assert/strict';
import type { Expectation, WireCase } from '../wire-cases/wire-case.ts';
import { type ReadMessage, shownMessage, valuesOf } from './strict-reader.ts';

/** The sidecar's own SPIFFE ID, and the callers'. */
export const ownId = 'spiffe://prod.acme.com/ns/payments/server';
export const callerId = 'spiffe://prod.acme.com/ns/payments/api';

/** What Postern itself adds to each request. */
const addedFields = [
  'x-forwarded-client-cert',
  'x-postern-peer',
  'x-postern-decision-id',
  'x-request-id',
  'traceparent',
  'x-forwarded-for',
];
const identityName = /^(?:x-spiffe-.*|x-postern-.*|x-forwarded-client-cert|client-cert|client-cert-chain)$/;
/** Fields that end at this hop (RFC 9110 §7.6.1). */
const hopName = /^(?:connection|keep-alive|proxy-.*|te|upgrade|http2-settings)$/;

/** Whatever the case: who the peer is comes from Postern alone, once, and nothing goes on that ends at this hop. */
export function checkAdded(message: ReadMessage, one: WireCase, fingerprint: string): void {
  if (message.fields.length === 0) return;
  const folded = [...message.fields, ...message.trailers].map(([name]) => foldedName(name));
  for (const name of addedFields) {
    assert.equal(folded.filter((each) => each === name).length, 1, `one ${name}`);
    assert.equal(valuesOf(message, name).length, 1, `${name} in its own spelling`);
  }
  const identity = folded.filter((name) => identityName.test(name));
  assert.equal(identity.length, 3, `no identity but ours: ${identity.join(', ')}`);
  const hops = folded.filter((name) => hopName.test(name));
  assert.deepEqual(hops, [], 'nothing of this hop');
  const value = (name: string): string => valuesOf(message, name)[0]!;
  assert.equal(value('x-forwarded-client-cert'), `By=${ownId};Hash=${fingerprint};URI=${callerId}`);
  assert.equal(value('x-postern-peer'), callerId);
  assert.match(value('x-postern-decision-id'), /^[0-9a-f-]{36}$/);
  assert.match(value('x-request-id'), /^[\x21-\x7e]{1,128}$/);
  assert.match(value('traceparent'), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
  assert.match(value('x-forwarded-for'), /(?:^|, )127\.0\.0\.1$/);
  for (const [name, wanted] of Object.entries(one.added ?? {})) assert.equal(value(name), wanted);
}

/** The workload got what the case says, to the octet, and nothing else. */
export function checkWorkloadSide(
  one: WireCase,
  whole: readonly ReadMessage[],
  unfinished: readonly ReadMessage[],
): void {
  const { expect } = one;
  const shown = whole.map((message) => shownMessage(message, isAdded));
  switch (expect.kind) {
    case 'refused':
      assert.deepEqual([shown, unfinished], [[], []], 'nothing reached the workload');
      return;
    case 'forwarded':
    case 'judged':
      assert.deepEqual(shown, expect.requests);
      assert.deepEqual(unfinished, []);
      return;
    case 'cut':
      assert.deepEqual(shown, [], 'what broke off never looks whole');
      assert.ok(unfinished.length <= 1);
      for (const message of unfinished) {
        assert.equal(shownMessage({ ...message, body: '' }, isAdded), `${expect.head}\n\n`);
      }
      return;
    default:
      assert.ok(whole.length + unfinished.length <= requestCount(expect), 'each request reached the workload once');
  }
}

/** The caller got one well-framed answer to each request, or the end of the connection. */
export function checkCallerSide(expect: Expectation, answers: readonly ReadMessage[]): void {
  const finals = answers.filter((answer) => !answer.startLine.startsWith('HTTP/1.1 1'));
  const statuses = finals.map((answer) => Number(answer.startLine.slice(9, 12)));
  const interims = answers.length - finals.length;
  const isAllWhole = answers.every((answer) => answer.isWhole);
  switch (expect.kind) {
    case 'refused':
      assert.deepEqual([statuses, isAllWhole, interims], [[expect.status], true, 0]);
      return;
    case 'forwarded':
      assert.deepEqual(statuses, [
        ...expect.requests.map(() => 200),
        ...(expect.next === undefined ? [] : [expect.next]),
      ]);
      assert.ok(isAllWhole);
      return;
    case 'judged':
      assert.deepEqual(statuses, expect.statuses);
      assert.ok(isAllWhole);
      return;
    case 'cut':
      if (expect.status !== null || statuses.length > 0) assert.deepEqual(statuses, [expect.status ?? 400]);
      assert.ok(isAllWhole);
      return;
    case 'answered':
      assert.equal(interims, expect.interims ?? 0, 'interim answers');
      assert.deepEqual(
        finals.map((answer) => shownMessage(answer, isDecisionId)),
        Array.from({ length: requestCount(expect) }, () => expect.answer),
      );
      assert.ok(isAllWhole);
      return;
    case 'answer-cut':
      assert.equal(finals.length, 1);
      // Where head and fault came in one piece, nothing of the answer was sent yet.
      if (statuses[0] === 502) return assert.ok(isAllWhole);
      assert.equal(isAllWhole, false, 'the caller cannot take it for whole');
      assert.equal(shownMessage({ ...finals[0]!, body: '' }, isDecisionId), `${expect.head}\n\n`);
      return;
    case 'answer-refused':
      assert.deepEqual([statuses, isAllWhole], [[502], true]);
  }
}

function requestCount(expect: Expectation): number {
  return expect.kind === 'answered' ? (expect.count ?? 1) : 1;
}

function foldedName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
}

function isAdded(key: string): boolean {
  return addedFields.includes(key);
}

function isDecisionId(key: string): boolean {
  return key === 'x-postern-decision-id';
}
