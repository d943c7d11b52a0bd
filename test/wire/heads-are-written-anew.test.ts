// What goes on towards the workload and towards the peer, and what ends at Postern: wire.md "Identity fields", RFC 9110 §7.6.1.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunkHeader, lastChunk } from '../../src/wire/chunk.ts';
import { FieldList } from '../../src/wire/field-list.ts';
import {
  type ForwardedAnswer,
  serializeRequestHead,
  serializeResponseHead,
  serializeTrailers,
} from '../../src/wire/forward-head.ts';
import { octets, onlyHead, readRequests, readResponses } from './recorded-events.ts';

/** The lines that a request with these field lines has towards the workload. */
function forwarded(lines: readonly string[], added = '', line = 'GET /a HTTP/1.1'): string[] {
  const bytes = [line, 'Host: A.b:80', ...lines, '', ''].join('\r\n');
  const head = onlyHead(readRequests([octets(bytes)]));
  return serializeRequestHead(head, head.rawPath + head.query, added).split('\r\n');
}

function answered(lines: readonly string[], answer: Partial<ForwardedAnswer> = {}, method = 'GET'): string[] {
  const bytes = [...lines, '', ''].join('\r\n');
  const head = onlyHead(readResponses([octets(bytes)], { methods: [method] }));
  const options = { added: '', framing: head.framing, closeAfter: false, minorVersion: 1 as const, ...answer };
  return serializeResponseHead(head, options).split('\r\n');
}

const spellings: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => name.replaceAll('-', '_'),
  (name) => name.replaceAll('-', '.'),
  (name) => name.toUpperCase().replaceAll('-', '_'),
  (name) => name.replace('-', '_'),
  (name) => name.replaceAll('-', '!'),
  (name) => name.replaceAll('-', '~'),
  (name) => name.replaceAll('-', '|'),
];

const identityNames = [
  'x-forwarded-client-cert',
  'client-cert',
  'client-cert-chain',
  'x-spiffe-id',
  'x-spiffe-trust-domain',
  'x-postern-peer',
  'x-postern-decision-id',
  'x-postern-anything',
];
const correlationNames = ['x-request-id', 'traceparent', 'x-forwarded-for', 'forwarded'];
const hopNames = [
  'connection',
  'keep-alive',
  'proxy',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'http2-settings',
];

describe('a request towards the workload', () => {
  test('has its line, Host first, kept fields in order and spelling, framing, then what is added', () => {
    const lines = ['X-b:  1 ', 'content-length: 3', 'x-A: \xe9', 'X-b: 2'];
    assert.deepEqual(forwarded(lines, 'x-postern-peer: p\r\n', 'POST /a?b=c HTTP/1.0'), [
      'POST /a?b=c HTTP/1.1',
      'Host: A.b:80',
      'X-b: 1',
      'x-A: \xe9',
      'X-b: 2',
      'Content-Length: 3',
      'x-postern-peer: p',
      '',
      '',
    ]);
  });

  test('says chunked in one way', () => {
    assert.deepEqual(forwarded(['TRANSFER-encoding:\tChunked'], '', 'DELETE / HTTP/1.1'), [
      'DELETE / HTTP/1.1',
      'Host: A.b:80',
      'Transfer-Encoding: chunked',
      '',
      '',
    ]);
  });

  for (const name of [...identityNames, ...correlationNames, ...hopNames]) {
    test(`never has \`${name}\` of the peer, in whatever spelling, nor twice`, () => {
      for (const spell of spellings) {
        const lines = forwarded([`${spell(name)}: v`, `${spell(name)}: w`, 'x-kept: 1']);
        assert.deepEqual(lines, ['GET /a HTTP/1.1', 'Host: A.b:80', 'x-kept: 1', '', ''], spell(name));
      }
    });
  }

  test('keeps fields that only look like those', () => {
    const kept = [
      'x-postern: 1',
      'x-client-cert: 1',
      'tracestate: a=b',
      'x_custom: 1',
      'x.y: 1',
      'trailer: x',
      'te-x: 1',
    ];
    assert.deepEqual(forwarded(kept).slice(2, -2), kept);
  });

  test('loses what Connection names, yet never Host or framing', () => {
    const lines = [
      'Connection: x-a, host, content-length, authorization',
      'X-A: 1',
      'Authorization: b',
      'Content-Length: 0',
    ];
    assert.deepEqual(forwarded(lines).slice(1), ['Host: A.b:80', 'Content-Length: 0', '', '']);
  });

  test('gets the identity that we add though Connection names it', () => {
    const lines = forwarded(['Connection: x-postern-peer', 'X-Postern-Peer: forged'], 'x-postern-peer: real\r\n');
    assert.deepEqual(lines.slice(2), ['x-postern-peer: real', '', '']);
  });

  test('passes an expectation on in one spelling, where it means something', () => {
    assert.ok(forwarded(['Expect: 100-Continue', 'Content-Length: 1']).includes('Expect: 100-continue'));
    assert.ok(!forwarded(['Expect: 100-continue']).join().includes('xpect'));
    assert.ok(!forwarded(['Expect: 100-continue', 'Content-Length: 1'], '', 'PUT / HTTP/1.0').join().includes('xpect'));
  });

  test('has a WebSocket upgrade only as far as it is added', () => {
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const lines = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${key}`,
    ];
    assert.deepEqual(forwarded(lines).slice(2), ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`, '', '']);
  });
});

describe('an answer towards the peer', () => {
  test('has status and reason, kept fields, framing, then what is added', () => {
    const lines = ['HTTP/1.0 404 Not Here', 'X-A:1', 'content-length: 3', 'Set-Cookie: a', 'Set-Cookie: b'];
    assert.deepEqual(answered(lines, { added: 'x-postern-decision-id: d\r\n' }), [
      'HTTP/1.1 404 Not Here',
      'X-A: 1',
      'Set-Cookie: a',
      'Set-Cookie: b',
      'Content-Length: 3',
      'x-postern-decision-id: d',
      '',
      '',
    ]);
  });

  test('never has hop-by-hop fields, what Connection names, or what only Postern may say', () => {
    const lines = [...identityNames, ...hopNames.filter((name) => name !== 'connection')].flatMap((name) =>
      spellings.map((spell) => `${spell(name)}: v`),
    );
    for (let at = 0; at < lines.length; at += 50) {
      const answer = answered(['HTTP/1.1 204 N', 'Connection: x-a', 'X-A: 1', ...lines.slice(at, at + 50)]);
      assert.deepEqual(answer, ['HTTP/1.1 204 N', '', '']);
    }
  });

  test('keeps what a workload says of the correlation', () => {
    assert.ok(answered(['HTTP/1.1 204 N', 'X-Request-Id: r']).includes('X-Request-Id: r'));
  });

  test('says how the connection goes on', () => {
    const ok = ['HTTP/1.1 200 OK', 'Content-Length: 0'];
    assert.ok(answered(ok, { closeAfter: true }).includes('Connection: close'));
    assert.ok(answered(ok, { minorVersion: 0 }).includes('Connection: keep-alive'));
    assert.ok(!answered(ok).join().includes('Connection'));
    assert.ok(answered(ok, { minorVersion: 0, closeAfter: true }).includes('Connection: close'));
  });

  test('has the framing that the proxy chose', () => {
    const ok = ['HTTP/1.1 200 OK'];
    assert.deepEqual(answered(ok, { framing: 'chunked' }), ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '']);
    assert.deepEqual(answered(ok, { framing: 'close', closeAfter: true }), [
      'HTTP/1.1 200 OK',
      'Connection: close',
      '',
      '',
    ]);
  });

  test('keeps the length that HEAD and 304 state, and none in 204 and 1xx', () => {
    const withLength = (status: string): string[] => [`HTTP/1.1 ${status} X`, 'Content-Length: 7'];
    assert.ok(answered(withLength('200'), {}, 'HEAD').includes('Content-Length: 7'));
    assert.ok(answered(withLength('304')).includes('Content-Length: 7'));
    assert.deepEqual(answered(withLength('204')), ['HTTP/1.1 204 X', '', '']);
    const [interim] = readResponses([octets('HTTP/1.1 103 X\r\nContent-Length: 7\r\nLink: a\r\n\r\n')]);
    assert.equal(interim?.kind, 'interim');
    const { head } = interim as { readonly head: Parameters<typeof serializeResponseHead>[0] };
    const options = { added: '', framing: 'none', closeAfter: true, minorVersion: 1 } as const;
    assert.equal(serializeResponseHead(head, options), 'HTTP/1.1 103 X\r\nLink: a\r\n\r\n');
  });
});

describe('trailers', () => {
  function passed(names: readonly string[]): string {
    const trailers = new FieldList();
    for (const name of names) trailers.push(name, name.toLowerCase(), 'v');
    return serializeTrailers(trailers, null);
  }

  test('go on when they are about the content or the outcome', () => {
    const names = ['Grpc-Status', 'grpc-message', 'Server-Timing', 'ETag', 'Content-Digest', 'X-Checksum'];
    assert.equal(passed(names), names.map((name) => `${name}: v\r\n`).join(''));
  });

  test('never have a field that Connection names', () => {
    const trailers = new FieldList();
    for (const name of ['X-Hop', 'X-Checksum']) trailers.push(name, name.toLowerCase(), 'v');
    assert.equal(serializeTrailers(trailers, ['x-hop']), 'X-Checksum: v\r\n');
  });

  const unsafe = [
    ...identityNames,
    ...correlationNames,
    ...hopNames,
    'host',
    'content-length',
    'transfer-encoding',
    'expect',
    'trailer',
    'authorization',
    'cookie',
    'set-cookie',
    'www-authenticate',
    'content-type',
    'content-encoding',
    'content-range',
    'cache-control',
    'location',
    'range',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-http-method-override',
    'x-original-url',
    'x-rewrite-url',
    'sec-websocket-key',
  ];
  for (const name of unsafe) {
    test(`never have \`${name}\`, in whatever spelling`, () =>
      assert.equal(passed(spellings.map((spell) => spell(name))), ''));
  }
});

describe('a chunk', () => {
  test('has its size in hexadecimal, and the last one its trailers', () => {
    assert.deepEqual([chunkHeader(1), chunkHeader(10), chunkHeader(65_536)], ['1\r\n', 'a\r\n', '10000\r\n']);
    assert.equal(lastChunk(''), '0\r\n\r\n');
    assert.equal(lastChunk('X-A: 1\r\n'), '0\r\nX-A: 1\r\n\r\n');
  });
});
