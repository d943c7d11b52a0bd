// RFC 9112 §6.3: where an answer ends depends on the method, the status and the fields, in this order.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { octets, onlyHead, readResponses, summary } from './recorded-events.ts';

type Row = readonly [method: string, bytes: string, events: readonly string[]];

const rows: readonly Row[] = [
  ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc', ['head', 'body:abc', 'end']],
  ['GET', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', ['head', 'end']],
  ['GET', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', ['head', 'end']],
  ['GET', 'HTTP/1.1 599 \xe9t\xe9\r\nContent-Length: 0\r\n\r\n', ['head', 'end']],
  [
    'GET',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n',
    ['head', 'body:abc', 'end:X-A: 1'],
  ],
  ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', ['head', 'end']],
  ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', ['head', 'end']],
  ['HEAD', 'HTTP/1.1 200 OK\r\n\r\n', ['head', 'end']],
  ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', ['head', 'end']],
  ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', ['head', 'end']],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n', ['head', 'end']],
  ['GET', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', ['head', 'end']],
  [
    'POST',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na',
    ['interim', 'head', 'body:a', 'end'],
  ],
  ['GET', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 N\r\n\r\n', ['interim', 'head', 'end']],
];

describe('an answer', () => {
  for (const [method, bytes, events] of rows) {
    test(`to ${method} that begins \`${bytes.slice(0, 60).replaceAll('\r\n', '|')}\` ends by itself`, () => {
      assert.deepEqual(summary(readResponses([octets(bytes)], { methods: [method], end: true })), events);
      assert.deepEqual(summary(readResponses([...bytes].map(octets), { methods: [method], end: true })), events);
    });
  }

  for (const version of ['1.0', '1.1']) {
    test(`of HTTP/${version} without a length ends with the connection`, () => {
      const pieces = [octets(`HTTP/${version} 200 OK\r\n\r\nabc`), octets('def')];
      assert.deepEqual(summary(readResponses(pieces)), ['head', 'body:abcdef']);
      const events = readResponses(pieces, { end: true });
      assert.deepEqual(summary(events), ['head', 'body:abcdef', 'end']);
      assert.equal(onlyHead(events).framing, 'close');
    });
  }

  const keeps: readonly (readonly [head: string, keepAlive: boolean])[] = [
    ['HTTP/1.1 200 OK\r\n', true],
    ['HTTP/1.1 200 OK\r\nConnection: close\r\n', false],
    ['HTTP/1.0 200 OK\r\n', false],
    ['HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n', true],
  ];
  for (const [head, keepAlive] of keeps) {
    test(`\`${head.replaceAll('\r\n', '|')}\` leaves the connection ${keepAlive ? 'open' : 'closed'}`, () => {
      assert.equal(onlyHead(readResponses([octets(`${head}Content-Length: 0\r\n\r\n`)])).keepAlive, keepAlive);
    });
  }

  test('of 101 to the upgrade asked for is a head, and what follows waits', () => {
    const events = readResponses(
      [
        octets(
          'HTTP/1.1 101 S\r\nconnection: x, Upgrade\r\nupgrade: WebSocket\r\nSec-WebSocket-Accept: abc=\r\n\r\n\x81',
        ),
      ],
      {
        accept: 'abc=',
      },
    );
    assert.deepEqual(summary(events), ['head']);
  });

  test('follows another on the same connection, each framed by its own request', () => {
    const bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc';
    const events = readResponses([octets(bytes)], { methods: ['HEAD', 'GET'] });
    assert.deepEqual(summary(events), ['head', 'end', 'head', 'body:abc', 'end']);
  });
});
