// Properties of the parsers over well-formed and damaged messages.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { serializeRequestHead } from '../../src/wire/forward-head.ts';
import type { RequestHead } from '../../src/wire/http1-message.ts';
import { cutAt, cuts, damaged, request, response } from './message-grammar.ts';
import { octets, readRequests, readResponses, type WireEvent } from './recorded-events.ts';

const runs = { numRuns: 3000 };
const requests = fc.array(damaged(request), { minLength: 1, maxLength: 3 }).map((messages) => messages.join(''));
const responses = fc.array(damaged(response), { minLength: 1, maxLength: 2 }).map((messages) => messages.join(''));
const methods = fc.array(fc.constantFrom('GET', 'HEAD', 'POST'), { minLength: 1, maxLength: 3 });

/** Events without the text of faults, which shows as much of the input as had come. */
function meaning<Head>(events: readonly WireEvent<Head>[]): WireEvent<Head>[] {
  return events.map((event) => (event.kind === 'fault' ? { ...event, message: '' } : event));
}

/** A head that goes on, with everything that is written anew left out of what it is compared by. */
function rewritten(head: RequestHead): string {
  return serializeRequestHead(head, head.rawPath + head.query, '');
}

describe('cutting the input', () => {
  test('anywhere changes nothing in what requests are reported as', () => {
    fc.assert(
      fc.property(requests, cuts, (input, shares) => {
        assert.deepEqual(meaning(readRequests(cutAt(input, shares))), meaning(readRequests([octets(input)])));
      }),
      runs,
    );
  });

  test('after every octet changes nothing in what requests are reported as', () => {
    fc.assert(
      fc.property(requests, (input) => {
        assert.deepEqual(meaning(readRequests([...input].map(octets))), meaning(readRequests([octets(input)])));
      }),
      { numRuns: 500 },
    );
  });

  test('anywhere changes nothing in what answers are reported as', () => {
    fc.assert(
      fc.property(responses, methods, cuts, (input, expected, shares) => {
        const options = { methods: expected, end: true };
        const whole = readResponses([octets(input)], options);
        assert.deepEqual(meaning(readResponses(cutAt(input, shares), options)), meaning(whole));
      }),
      runs,
    );
  });

  test('leaves nothing to be reported after a fault', () => {
    fc.assert(
      fc.property(requests, cuts, (input, shares) => {
        const events = readRequests([...cutAt(input, shares), octets('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]);
        const fault = events.findIndex((event) => event.kind === 'fault');
        assert.ok(fault < 0 || fault === events.length - 1);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a head that is written anew', () => {
  test('is read as the same request, and written anew once more is the same', () => {
    fc.assert(
      fc.property(requests, (input) => {
        for (const event of readRequests([octets(input)])) {
          if (event.kind !== 'head') continue;
          const text = rewritten(event.head);
          const [again] = readRequests([octets(text)]);
          assert.equal(again?.kind, 'head', JSON.stringify(again));
          const { head } = again as { readonly head: RequestHead };
          assert.equal(rewritten(head), text);
          for (const key of ['method', 'rawPath', 'query', 'host', 'port', 'framing', 'contentLength'] as const) {
            assert.equal(head[key], event.head[key], key);
          }
        }
      }),
      runs,
    );
  });
});
