// What is accepted, and how it is understood.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../src/wire/http1-message.ts';
import { octets, onlyHead, readRequests, summary } from './recorded-events.ts';

function headOf(bytes: string): RequestHead {
  return onlyHead(readRequests([octets(bytes)]));
}

/** A head, with what a row is about in it. */
function withFields(...lines: string[]): RequestHead {
  return headOf(`GET /a HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
}

describe('a target', () => {
  const rows: readonly (readonly [target: string, rawPath: string, query: string])[] = [
    ['/', '/', ''],
    ['/a/b', '/a/b', ''],
    ['/a?b=c', '/a', '?b=c'],
    ['/a?', '/a', '?'],
    ['/a??b', '/a', '??b'],
    ['/a?b=/../c', '/a', '?b=/../c'],
    ['//x/admin', '//x/admin', ''],
    ['/a/../b', '/a/../b', ''],
    ['/%61', '/%61', ''],
    ['http://h.x:8/a?b', '/a', '?b'],
    ['http://h.x:8', '/', ''],
    ['http://h.x:8?b', '/', '?b'],
    ['HTTPS://H.X:8/a', '/a', ''],
    ['http://h.x:8//a', '//a', ''],
  ];
  for (const [target, rawPath, query] of rows) {
    test(`\`${target}\` has the path \`${rawPath}\``, () => {
      const head = headOf(`GET ${target} HTTP/1.1\r\nHost: h.x:8\r\n\r\n`);
      assert.deepEqual([head.rawPath, head.query], [rawPath, query]);
    });
  }

  test('`*` is read with OPTIONS', () => {
    assert.equal(headOf('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n').rawPath, '*');
  });

  test('of 16 KiB is read, one octet more is 414, whole or in pieces', () => {
    const request = (length: number): Buffer =>
      octets(`GET /${'a'.repeat(length - 1)} HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(50)}\r\n`);
    for (const cut of [1e9, 16_450, 1000]) {
      const pieces = (bytes: Buffer): Buffer[] =>
        Array.from({ length: Math.ceil(bytes.length / cut) }, (_, at) => bytes.subarray(at * cut, (at + 1) * cut));
      assert.deepEqual(summary(readRequests(pieces(request(16_384)))), ['head', 'end']);
      assert.deepEqual(summary(readRequests(pieces(request(16_385)))), ['ERR_WIRE_TARGET_TOO_LONG 414']);
    }
  });

  test('without an end is 414 before a head could be full', () => {
    assert.deepEqual(summary(readRequests([octets(`GET /${'a'.repeat(17_000)}`)])), ['ERR_WIRE_TARGET_TOO_LONG 414']);
  });
});

describe('a Host', () => {
  const rows: readonly (readonly [value: string, host: string, port: number | undefined])[] = [
    ['a', 'a', undefined],
    ['Payments.Prod.', 'payments.prod', undefined],
    ['A.b.:8443', 'a.b', 8443],
    ['a_b-c.d', 'a_b-c.d', undefined],
    ['127.0.0.1:80', '127.0.0.1', 80],
    ['[::1]', '[::1]', undefined],
    ['[::1]:443', '[::1]', 443],
    ['[0:0:0:0:0:0:0:1]', '[::1]', undefined],
    ['[2001:DB8::0:1]:1', '[2001:db8::1]', 1],
    ['[::ffff:10.0.0.1]', '[::ffff:a00:1]', undefined],
  ];
  for (const [value, host, port] of rows) {
    test(`\`${value}\` is ${host} with port ${port}`, () => {
      const head = headOf(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`);
      assert.deepEqual([head.host, head.port], [host, port]);
    });
  }

  test('may differ from an absolute target in case and trailing dot only', () => {
    assert.equal(headOf('GET http://a.b.:80/ HTTP/1.1\r\nHost: A.B:80\r\n\r\n').host, 'a.b');
  });
});

describe('a field line', () => {
  test('keeps name, order, repetition and obs-text, and loses the blanks around its value', () => {
    const { fields } = withFields('X-B:  1\t', 'x-a:', 'X-b: \xe9 \t2', '__proto__: x', "!#$%&'*+-.^_`|~: y");
    assert.deepEqual(fields.names, ['Host', 'X-B', 'x-a', 'X-b', '__proto__', "!#$%&'*+-.^_`|~"]);
    assert.deepEqual(fields.keys, ['host', 'x-b', 'x-a', 'x-b', '__proto__', "!#$%&'*+-.^_`|~"]);
    assert.deepEqual(fields.values, ['a', '1', '', '\xe9 \t2', 'x', 'y']);
  });

  test('has its name in lower case in every spelling of a well-known one', () => {
    for (const name of ['ETag', 'Etag', 'ETAG', 'etag', 'X-Request-ID', 'x-request-Id', 'TE', 'aCCEPT']) {
      const { fields } = withFields(`${name}: v`);
      assert.deepEqual([fields.names[1], fields.keys[1]], [name, name.toLowerCase()]);
    }
  });

  test('is not counted above the limit: 100 are read, 101 are 431', () => {
    const request = (count: number): Buffer[] => [
      octets(`GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(count - 1)}\r\n`),
    ];
    assert.deepEqual(summary(readRequests(request(100))), ['head', 'end']);
    assert.deepEqual(summary(readRequests(request(101))), ['ERR_WIRE_HEAD_TOO_LARGE 431']);
  });

  test('counts to the octets of the head: at the limit it is read, one more is 431, whole or in pieces', () => {
    const limits = { headBytes: 1000 };
    const request = (length: number): Buffer =>
      octets(`${`GET / HTTP/1.1\r\nHost: a\r\nA: `.padEnd(length, 'b')}\r\n\r\n`);
    for (const cut of [1, 999, 5000]) {
      const pieces = (bytes: Buffer): Buffer[] =>
        Array.from({ length: Math.ceil(bytes.length / cut) }, (_, at) => bytes.subarray(at * cut, (at + 1) * cut));
      assert.deepEqual(summary(readRequests(pieces(request(1000)), { limits })), ['head', 'end']);
      assert.deepEqual(summary(readRequests(pieces(request(1001)), { limits })), ['ERR_WIRE_HEAD_TOO_LARGE 431']);
    }
  });
});

describe('a body', () => {
  const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
  const rows: readonly (readonly [what: string, bytes: string, events: readonly string[]])[] = [
    ['none', `${post}\r\n`, ['head', 'end']],
    ['of length 0', `${post}Content-Length: 0\r\n\r\n`, ['head', 'end']],
    ['of length 3', `${post}Content-Length: 3\r\n\r\nabc`, ['head', 'body:abc', 'end']],
    ['of length 3 with GET', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', ['head', 'body:abc', 'end']],
    ['in no chunk', `${post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, ['head', 'end']],
    [
      'in chunks',
      `${post}transfer-encoding: Chunked\r\n\r\n2\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n`,
      ['head', 'body:ab0123456789', 'end'],
    ],
    [
      'in chunks with zeros in front',
      `${post}Transfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n000\r\n\r\n`,
      ['head', 'body:abc', 'end'],
    ],
    [
      'with trailers',
      `${post}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: 1\r\nX-B:2\r\n\r\n`,
      ['head', 'body:a', 'end:X-A: 1|X-B: 2'],
    ],
    [
      'that looks like a request',
      `${post}Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
      ['head', 'body:GET / HTTP/1.1\r\n\r\n', 'end'],
    ],
    [
      'in chunks that look like the end',
      `${post}Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n`,
      ['head', 'body:0\r\n\r\n', 'end'],
    ],
  ];
  for (const [what, bytes, events] of rows) {
    test(`${what} is read, whole and octet by octet`, () => {
      assert.deepEqual(summary(readRequests([octets(bytes)])), events);
      assert.deepEqual(summary(readRequests([...bytes].map(octets))), events);
      assert.deepEqual(summary(readRequests([octets(bytes + bytes)])), [...events, ...events], 'pipelined');
    });
  }

  test('may have a trailer section up to its limit; above it is 431', () => {
    const request = (length: number): Buffer[] => [
      octets(`${post}Transfer-Encoding: chunked\r\n\r\n0\r\n${'A: '.padEnd(length, 'b')}\r\n\r\n`),
    ];
    assert.equal(readRequests(request(8192)).at(-1)?.kind, 'end');
    assert.deepEqual(summary(readRequests(request(8193))), ['head', 'ERR_WIRE_HEAD_TOO_LARGE 431']);
  });
});

describe('the connection', () => {
  const rows: readonly (readonly [version: string, lines: readonly string[], keepAlive: boolean])[] = [
    ['1.1', [], true],
    ['1.1', ['Connection: keep-alive'], true],
    ['1.1', ['Connection: close'], false],
    ['1.1', ['Connection: Keep-Alive, CLOSE'], false],
    ['1.1', ['Connection: x', 'Connection: ,\t close ,'], false],
    ['1.0', [], false],
    ['1.0', ['Connection: keep-alive'], true],
    ['1.0', ['Connection: keep-alive, close'], false],
  ];
  for (const [version, lines, keepAlive] of rows) {
    test(`is ${keepAlive ? 'kept' : 'closed'} in HTTP/${version} with \`${lines.join('; ')}\``, () => {
      const fields = ['Host: a', ...lines].map((line) => `${line}\r\n`).join('');
      assert.equal(headOf(`GET / HTTP/${version}\r\n${fields}\r\n`).keepAlive, keepAlive);
    });
  }

  test('nominates fields, which end here before anything is decided', () => {
    const head = withFields('X-A: 1', 'Connection: x-a, X-B, close', 'x-b: 2', 'X-C: 3');
    assert.deepEqual(head.nominated, ['x-a', 'x-b']);
    assert.deepEqual(head.fields.keys, ['host', 'connection', 'x-c']);
  });

  test('cannot nominate Host, framing, identity or correlation fields away', () => {
    const kept = [
      'host',
      'content-length',
      'expect',
      'traceparent',
      'x-request-id',
      'x-forwarded-for',
      'x-postern-peer',
    ];
    const head = headOf(
      `POST / HTTP/1.1\r\nHost: a\r\n${kept
        .slice(3)
        .map((key) => `${key}: v\r\n`)
        .join('')}Content-Length: 1\r\n` + `Expect: 100-continue\r\nConnection: ${kept.join(',')}\r\n\r\n`,
    );
    for (const key of kept) assert.ok(head.fields.keys.includes(key), key);
    assert.deepEqual([head.host, head.contentLength, head.expectsContinue], ['a', 1, true]);
  });
});

describe('an expectation', () => {
  test('counts with a body in HTTP/1.1 only', () => {
    const expects = (version: string, length: string): boolean =>
      headOf(`PUT / HTTP/${version}\r\nHost: a\r\nExpect: 100-Continue\r\n${length}\r\n`).expectsContinue;
    assert.equal(expects('1.1', 'Content-Length: 1\r\n'), true);
    assert.equal(expects('1.1', 'Transfer-Encoding: chunked\r\n'), true);
    assert.equal(expects('1.1', ''), false);
    assert.equal(expects('1.0', 'Content-Length: 1\r\n'), false);
  });
});

describe('an upgrade', () => {
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const whole = ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket', 'Sec-WebSocket-Version: 13', key];

  test('to WebSocket is seen when every part is there', () => {
    assert.equal(withFields(...whole).upgrade, 'websocket');
  });

  const others: readonly (readonly string[])[] = [
    ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk', key],
    ['Connection: Upgrade', 'Upgrade: TLS/1.0'],
    ['Connection: Upgrade', 'Sec-WebSocket-Version: 13', key],
    ['Connection: keep-alive', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', key],
  ];
  for (const lines of others) {
    test(`is ignored with \`${lines.join('; ')}\``, () => assert.equal(withFields(...lines).upgrade, null));
  }

  test('is ignored in HTTP/1.0', () => {
    const lines = whole.map((line) => `${line}\r\n`).join('');
    assert.equal(headOf(`GET / HTTP/1.0\r\nHost: a\r\n${lines}\r\n`).upgrade, null);
  });
});
