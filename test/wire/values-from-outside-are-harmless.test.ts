// Values that become lines of a head or of a record: from certificates, and from the caller's correlation fields.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatClientCert } from '../../src/wire/client-cert-field.ts';
import { escapeFieldValue } from '../../src/wire/escape-field-value.ts';
import { isAcceptableRequestId } from '../../src/wire/request-id.ts';
import { parseTraceparent } from '../../src/wire/trace-context.ts';
import { shownBytes } from '../../src/wire/wire-fault.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

describe('a value from a certificate', () => {
  test('goes into a field as it is when it is a SPIFFE ID', () => {
    assert.equal(escapeFieldValue('spiffe://prod.acme.com/ns/a_b/sa/c-d.e'), 'spiffe://prod.acme.com/ns/a_b/sa/c-d.e');
  });

  const rows: readonly (readonly [text: string, escaped: string])[] = [
    ['a\r\nX-Postern-Peer: b', 'a%0D%0AX-Postern-Peer:%20b'],
    ['a\0', 'a%00'],
    ['a;URI=b', 'a%3BURI%3Db'],
    ['a,By=b', 'a%2CBy%3Db'],
    ['"a"', '%22a%22'],
    ['%0d', '%250d'],
    ['é', '%C3%A9'],
    ['😀', '%F0%9F%98%80'],
    ['\ud800', '%EF%BF%BD'],
    ['\u2028', '%E2%80%A8'],
    ['', ''],
  ];
  for (const [text, escaped] of rows) {
    test(`${JSON.stringify(text)} becomes \`${escaped}\``, () => assert.equal(escapeFieldValue(text), escaped));
  }

  test('is visible ASCII once escaped, and two values never become one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (one, other) => {
        assert.match(escapeFieldValue(one), /^[\x21-\x7e]*$/);
        if (one !== other) assert.notEqual(escapeFieldValue(one), escapeFieldValue(other));
        assert.equal(decodeURIComponent(escapeFieldValue(one)), one.toWellFormed());
      }),
    );
  });

  test("stands in Envoy's form of x-forwarded-client-cert", () => {
    const field = formatClientCert({ by: 'spiffe://a/b', hash: 'ab12', uri: 'spiffe://a/c;By=d' });
    assert.equal(field, 'By=spiffe://a/b;Hash=ab12;URI=spiffe://a/c%3BBy%3Dd');
  });
});

describe('what a message shows of its input', () => {
  test('is printable, in backticks, and cut at 64 characters', () => {
    assert.equal(shownBytes('a`b\\c\r\n\xe9'), '`a\\x60b\\x5cc\\x0d\\x0a\\xe9`');
    assert.equal(shownBytes('a'.repeat(65)), `\`${'a'.repeat(64)}…\``);
    assert.equal(shownBytes('a'.repeat(64)), `\`${'a'.repeat(64)}\``);
  });
});

describe('a request id', () => {
  for (const value of ['a', '0b7c1d52-6d8f', '!"#~', 'x'.repeat(128)]) {
    test(`\`${value.slice(0, 20)}\` of ${value.length} is taken`, () => assert.ok(isAcceptableRequestId(value)));
  }
  for (const value of ['', 'a b', 'a\tb', 'a\x7f', '\xe9', 'a\r\nb', 'x'.repeat(129)]) {
    test(`${JSON.stringify(value.slice(0, 20))} of ${value.length} is not`, () =>
      assert.ok(!isAcceptableRequestId(value)));
  }
});

describe('a traceparent', () => {
  const taken: readonly (readonly [value: string, flags: string])[] = [
    [`00-${traceId}-${parentId}-00`, '00'],
    [`00-${traceId}-${parentId}-01`, '01'],
    [`00-${traceId}-${parentId}-03`, '03'],
    [`00-${traceId}-${parentId}-ff`, '03'],
    [`01-${traceId}-${parentId}-01`, '01'],
    [`cc-${traceId}-${parentId}-01-what-the-future-will-be-like`, '01'],
    [`01-${traceId}-${parentId}-01-`, '01'],
  ];
  for (const [value, flags] of taken) {
    test(`\`${value}\` is taken`, () => assert.deepEqual(parseTraceparent(value), { traceId, parentId, flags }));
  }

  const refused = [
    '',
    traceId,
    `ff-${traceId}-${parentId}-01`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${traceId}-${parentId.toUpperCase()}-01`,
    `00-${traceId}-${parentId}-0A`,
    `0A-${traceId}-${parentId}-01`,
    `FF-${traceId}-${parentId}-01`,
    `00-${traceId}-${parentId}-01-more`,
    `00-${traceId}-${parentId}-01-`,
    `01-${traceId}-${parentId}-01.more`,
    `01-${traceId}-${parentId}-011`,
    `00-${traceId}-${parentId}-1`,
    `0-${traceId}-${parentId}-01`,
    `00_${traceId}-${parentId}-01`,
    `00-${traceId}_${parentId}-01`,
    `00-${traceId}-${parentId}_01`,
    `00-${traceId.slice(1)}.-${parentId}-01`,
    `00-${traceId}-${parentId.slice(1)}g-01`,
    ` 00-${traceId}-${parentId}-01`,
    `00-${traceId}-${parentId}-01, 00-${traceId}-${parentId}-01`,
  ];
  for (const value of refused) {
    test(`\`${value}\` is as if it were not there`, () => assert.equal(parseTraceparent(value), null));
  }
});
