// A workload that is hostile or broken must not be able to split its answer in two, nor leave octets for the next
// exchange on its connection.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { octets, readResponses, summary } from './recorded-events.ts';

type Row = readonly [what: string, bytes: string, events: readonly string[]];

const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const invalid = ['ERR_WIRE_RESPONSE_INVALID 502'];
const field = ['ERR_WIRE_FIELD_INVALID 502'];
const framing = ['ERR_WIRE_FRAMING_INVALID 502'];
const unexpected = 'ERR_WIRE_RESPONSE_UNEXPECTED 502';

const refused: readonly Row[] = [
  ['HTTP/0.9', '<html>', invalid],
  ['a TLS alert', '\x15\x03\x03\x00\x02\x02\x46', invalid],
  ['an HTTP/2 frame', '\x00\x00\x00\x04\x00', invalid],
  ['an empty line first', `\r\n${ok}\r\n`, invalid],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n', invalid],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n', invalid],
  ['a version in lower case', 'http/1.1 200 OK\r\n\r\n', invalid],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n', invalid],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', invalid],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', invalid],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', invalid],
  ['a status above 599', 'HTTP/1.1 600 OK\r\n\r\n', invalid],
  ['a status with a sign', 'HTTP/1.1 +20 OK\r\n\r\n', invalid],
  ['a status in hexadecimal', 'HTTP/1.1 2e2 OK\r\n\r\n', invalid],
  ['no status', 'HTTP/1.1 OK\r\n\r\n', invalid],
  ['a control octet in the reason', 'HTTP/1.1 200 O\x08K\r\n\r\n', invalid],
  ['a bare carriage return in the reason', 'HTTP/1.1 200 O\rK\r\n\r\n', field],
  ['bare line feeds', 'HTTP/1.1 200 OK\nA: b\n\n', field],
  ['a bare line feed in a value', `${ok}A: b\nX-Postern-Peer: c\r\n\r\n`, field],
  ['obs-fold', `${ok}A: b\r\n c\r\n\r\n`, field],
  ['a space before the colon', `${ok}Content-Length : 3\r\n\r\nabc`, field],
  ['an empty name', `${ok}: b\r\n\r\n`, field],
  ['NUL', `${ok}A: \0\r\n\r\n`, field],
  ['both framings', `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`, framing],
  ['differing lengths', `${ok}Content-Length: 3\r\nContent-Length: 4\r\n\r\n`, framing],
  ['a list of lengths', `${ok}Content-Length: 3, 3\r\n\r\n`, framing],
  ['an empty length', `${ok}Content-Length:\r\n\r\n`, framing],
  ['a negative length', `${ok}Content-Length: -1\r\n\r\n`, framing],
  ['codings beside chunked', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`.replace('gzip', 'cow'), framing],
  ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', framing],
  ['a twin of a framing field', `${ok}Content_Length: 3\r\n\r\n`, framing],
  ['a broken length in the answer to HEAD', `${ok}Content-Length: x\r\n\r\n`, framing],
  ['a chunk extension', `${chunked}1;a\r\na\r\n0\r\n\r\n`, ['head', 'ERR_WIRE_CHUNK_INVALID 502']],
  ['octets after chunk data', `${chunked}1\r\nab\r\n0\r\n\r\n`, ['head', 'body:a', 'ERR_WIRE_CHUNK_INVALID 502']],
  ['a trailer with a bare line feed', `${chunked}0\r\nA: b\n\r\n\r\n`, ['head', 'ERR_WIRE_FIELD_INVALID 502']],
  ['a 101 that nothing asked for', 'HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', invalid],
  ['a second answer', `${ok}Content-Length: 0\r\n\r\n${ok}\r\n`, ['head', 'end', unexpected]],
  ['more than its length', `${ok}Content-Length: 1\r\n\r\nab`, ['head', 'body:a', 'end', unexpected]],
  ['octets after the last chunk', `${chunked}0\r\n\r\n0\r\n\r\n`, ['head', 'end', unexpected]],
  ['a body of 204', 'HTTP/1.1 204 N\r\nContent-Length: 1\r\n\r\na', ['head', 'end', unexpected]],
  [
    'a chunked body of 304',
    'HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ['head', 'end', unexpected],
  ],
];

describe('an answer', () => {
  for (const [what, bytes, events] of refused) {
    test(`with ${what} is refused`, () => {
      assert.deepEqual(summary(readResponses([octets(bytes)])), events);
      assert.deepEqual(summary(readResponses([...bytes].map(octets))), events, 'octet by octet');
    });
  }

  test('to HEAD with a body is refused after its head', () => {
    const events = readResponses([octets(`${ok}Content-Length: 1\r\n\r\na`)], { methods: ['HEAD'] });
    assert.deepEqual(summary(events), ['head', 'end', unexpected]);
  });

  test('that nothing asked for is refused at its first octet', () => {
    assert.deepEqual(summary(readResponses([octets('H')], { methods: [] })), [unexpected]);
  });

  test('with 16 interim heads is read, with 17 refused', () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const final = `${ok}Content-Length: 0\r\n\r\n`;
    assert.equal(summary(readResponses([octets(hint.repeat(16) + final)])).at(-1), 'end');
    assert.equal(summary(readResponses([octets(hint.repeat(17) + final)])).at(-1), 'ERR_WIRE_RESPONSE_INVALID 502');
  });

  test('with a head above the limit is refused, though it never ends', () => {
    const events = readResponses([octets(`${ok}A: ${'b'.repeat(70_000)}`)]);
    assert.deepEqual(summary(events), ['ERR_WIRE_HEAD_TOO_LARGE 502']);
  });

  const switches = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  const accepts = 'Sec-WebSocket-Accept: abc=\r\n';
  for (const lines of [
    '',
    accepts,
    `Upgrade: websocket\r\n${accepts}`,
    `Connection: Upgrade\r\n${accepts}`,
    `Connection: Upgrade\r\nUpgrade: h2c\r\n${accepts}`,
    `Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n${accepts}`,
    `${switches}Upgrade: websocket\r\n${accepts}`,
    switches,
    `${switches}Sec-WebSocket-Accept: abd=\r\n`,
    `${switches}${accepts}${accepts}`,
    `Connection: Sec-WebSocket-Accept\r\n${switches}${accepts}`,
    `${switches}${accepts}Content-Length: 0\r\n`,
    `${switches}${accepts}Transfer-Encoding: chunked\r\n`,
  ]) {
    test(`of 101 with \`${lines.replaceAll('\r\n', '|')}\` does not open a WebSocket`, () => {
      const events = readResponses([octets(`HTTP/1.1 101 S\r\n${lines}\r\n`)], { accept: 'abc=' });
      assert.deepEqual(summary(events), invalid);
    });
  }

  test('of 101 in HTTP/1.0 does not open a WebSocket', () => {
    const events = readResponses([octets(`HTTP/1.0 101 S\r\n${switches}${accepts}\r\n`)], { accept: 'abc=' });
    assert.deepEqual(summary(events), invalid);
  });

  test('that breaks off is truncated, wherever it does', () => {
    for (const whole of [`${ok}Content-Length: 3\r\n\r\nabc`, `${chunked}3\r\nabc\r\n0\r\n\r\n`]) {
      for (let cut = 0; cut < whole.length; cut++) {
        const events = readResponses([octets(whole.slice(0, cut))], { end: true });
        assert.equal(summary(events).at(-1), 'ERR_WIRE_TRUNCATED 400', `after ${cut} octets`);
      }
    }
  });
});
