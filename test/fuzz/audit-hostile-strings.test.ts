// Whatever strangers send, a record is one line of ASCII JSON within its length, without control or bidi characters.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lineBytes } from '../../src/audit/native-encoder.ts';
import { EncodedLines } from '../audit/encoded-lines.ts';
import { allow, authnFailedEvent, decisionEvent, outcomeEvent, principal } from '../audit/sample-events.ts';

const proxy = { instance: 'test', workloadId: null, node: null, pod: null, version: '1' };
const encoder = new EncodedLines({ proxy, redactPath: 'full', streamId: 's' });

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 400 }),
  fc.constantFrom(
    '"}\n{"type":"decision"',
    '\u202eevil',
    '\u0085',
    '\u2028',
    '\ud800',
    '\udc00x',
    '\\',
    '\u001b[2J',
    'a'.repeat(70_000),
    '\u{1f600}'.repeat(3000),
  ),
);

const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

function allStrings(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...allStrings(member)]);
}

function check(line: string): void {
  assert.ok(line.length <= lineBytes, `${line.length} characters`);
  assert.match(line, /^[\x20-\x7e]+\n$/);
  for (const text of allStrings(JSON.parse(line))) {
    assert.doesNotMatch(text, hidden);
    assert.ok(text.isWellFormed());
  }
}

test('no text of a request breaks a decision record', () => {
  fc.assert(
    fc.property(
      fc.array(nasty, { minLength: 12, maxLength: 12 }),
      fc.array(nasty, { maxLength: 40 }),
      (texts, many) => {
        // Decision and trace ids are not among them: those are hexadecimal digits by then, and written as they are.
        const [path, host, method, route, requestId, name, ns, issuer, sni, header, value, rule] = texts as [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ];
        const event = decisionEvent(1);
        const fired = many.map((text) => ({ policy: text, name: rule, effect: 'allow' as const, priority: 1 }));
        const line = encoder.decision(
          {
            ...event,
            path,
            host,
            method,
            route,
            correlation: { ...event.correlation, requestId },
            decision: {
              ...allow,
              matched: fired,
              overrode: fired,
              indeterminate: many.map((text) => ({ policy: text, rule, attributes: many })),
            },
            request: {
              ...event.request,
              principal: { ...principal, spiffeId: name, namespace: ns, issuer },
              resource: { ...event.request.resource, name, namespace: ns, host, route },
              tls: { ...event.request.tls, sni },
            },
            headerHashes: { [header]: value },
            maskedInputs: many,
            evalNs: Number.NaN,
          },
          3,
        );
        check(line);
      },
    ),
    { numRuns: 300 },
  );
});

test('no text of a refused peer or of an end breaks its record', () => {
  fc.assert(
    fc.property(nasty, nasty, nasty, (a, b, c) => {
      check(encoder.authnFailed(authnFailedEvent({ cause: a, detail: b, shown: c, sni: a, sourceIp: b }), 1));
      check(encoder.outcome(outcomeEvent(1, { detail: a, requestId: b, traceId: c, durationUs: 1.5 }), 1));
    }),
    { numRuns: 300 },
  );
});

test('what was shortened or cleaned is named in masked, and what was not is there as it was', () => {
  fc.assert(
    fc.property(nasty, (path) => {
      const parsed = JSON.parse(encoder.decision(decisionEvent(1, { path }), 1)) as {
        http: { path: string };
        masked?: string[];
      };
      const said = parsed.masked?.includes('/http/path') ?? false;
      assert.equal(parsed.http.path === path, !said);
    }),
    { numRuns: 300 },
  );
});
