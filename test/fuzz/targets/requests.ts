// Requests of a peer: the parser, and what goes on to the workload.

import assert from 'node:assert/strict';
import type { RequestHead } from '../../../src/wire/http1-message.ts';
import { octets, readRequests, type WireEvent } from '../../wire/recorded-events.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';
import { digestOf } from '../engine/seeded-random.ts';
import {
  assertRequestsNotReadOtherwise,
  assertRequestsReadAlike,
  messagesOf,
  withKnownMethod,
} from '../referees/agreement.ts';
import { forwardedBody, forwardedHead, linesToWorkload } from './forwarding.ts';
import {
  assertFaultsAreOurs,
  assertFramingIsPlain,
  assertHeadIsClean,
  assertTrailersAreClean,
  cut,
  meaning,
} from './http-checks.ts';
import { httpTokens, requestSeeds } from './http-inputs.ts';

/** The fuzzing of requests. */
export const requests: FuzzTarget = {
  name: 'requests',
  promise: 'what is taken is read alike by Node and http-parser-js, as it came and as it is forwarded',
  covers: ['src/wire', 'src/proxy'],
  seeds: requestSeeds,
  dictionary: httpTokens,
  check: checkRequests,
};

/** Every promise about what a peer sends. */
export async function checkRequests(input: string): Promise<void> {
  const events = readRequests([octets(input)]);
  assert.deepEqual(meaning(readRequests(cut(input))), meaning(events), 'cutting the input changes what is read');
  assertFaultsAreOurs(events);
  assertFramingIsPlain(events);
  const text = forwarded(events, ['192.0.2.1', '2001:db8::1', 'unix'][digestOf(input) % 3]!);
  if (text !== '') await assertRequestsReadAlike(text);
  const isWhole = events.at(-1)?.kind === 'end';
  if (isWhole) await assertRequestsNotReadOtherwise(input, messagesOf(events));
}

/** All complete requests that have a safe path, as the workload gets them. */
function forwarded(events: readonly WireEvent<RequestHead>[], peerIp: string): string {
  let text = '';
  let pending: { readonly head: RequestHead; readonly text: string } | null = null;
  let body = '';
  for (const event of events) {
    if (event.kind === 'head') {
      const head = forwardedHead(event.head, peerIp);
      pending = head === null ? null : { head: event.head, text: head };
      body = '';
      if (head !== null) assertHeadIsClean(head, linesToWorkload);
      // What follows is the tunnel's, and no reader of HTTP sees it.
      if (event.head.upgrade !== null) return text;
    } else if (event.kind === 'body') body += event.text;
    else if (event.kind === 'end' && pending !== null) {
      const message = withKnownMethod(pending.text) + forwardedBody(pending.head, body, event.trailers ?? []);
      assertMeaningKept(message, pending.head, body);
      text += message;
    }
  }
  return text;
}

/** Read back, it is the same request. */
function assertMeaningKept(message: string, head: RequestHead, body: string): void {
  const [read, ...more] = messagesOf(readRequests([octets(message)]));
  assert.equal(more.length, 0, 'one request became several');
  assert.equal(read?.body, body, 'the body changed on its way');
  assertTrailersAreClean(read?.trailers ?? []);
  assert.equal(read?.start.slice(read.start.length - head.query.length), head.query, 'the query changed on its way');
}
