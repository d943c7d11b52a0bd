// Requests of HTTP/2 become the heads that HTTP/1.1 gives, or are refused: what would be a smuggled or a second request there, and
// what RFC 9113 §8 calls malformed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serializeRequestHead } from '../../../src/wire/forward-head.ts';
import { headLimitsDefaults } from '../../../src/wire/head-limits.ts';
import { HeaderBlock, HpackDecoder } from '../../../src/wire/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../../src/wire/http2/hpack-encoder.ts';
import { RequestHeads } from '../../../src/wire/http2/http2-request-head.ts';

type Fields = readonly (readonly [name: string, value: string])[];

const limits = { ...headLimitsDefaults, fieldCount: 20, headBytes: 20_000 };
const pseudo: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a.example'],
  [':path', '/p?q=1'],
];

function readHead(fields: Fields, endStream = true) {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder({ listBytes: limits.headBytes, fieldCount: limits.fieldCount + 4 });
  const block = decoder.decode(
    Buffer.from(fields.map(([name, value]) => encoder.field(name, value)).join(''), 'latin1'),
  );
  assert.ok(block instanceof HeaderBlock);
  return new RequestHeads(limits, () => 'dGhlIHNhbXBsZSBub25jZQ==').read(block, endStream);
}

function kindOf(fields: Fields, endStream = true): string {
  const head = readHead(fields, endStream);
  return 'kind' in head ? `${head.kind} ${head.kind === 'refused' ? head.fault.status : ''}`.trim() : 'head';
}

/** The pseudo-header fields with some replaced, or taken out where null. */
function withPseudo(changed: Readonly<Record<string, string | null>>): Fields {
  return pseudo.flatMap(([name, value]) => {
    const next = changed[name];
    return next === null ? [] : [[name, next ?? value] as const];
  });
}

const connect: Fields = [
  ...withPseudo({ ':method': 'CONNECT' }),
  [':protocol', 'websocket'],
  ['sec-websocket-version', '13'],
];

const malformed: readonly (readonly [name: string, fields: Fields, endStream?: boolean])[] = [
  ['a name with a capital (§8.2)', [...pseudo, ['X-a', '1']]],
  ['a name with a space', [...pseudo, ['x a', '1']]],
  ['a name with a colon', [...pseudo, ['x:a', '1']]],
  ['an empty name', [...pseudo, ['', '1']]],
  ['a name of another octet', [...pseudo, ['x\x80', '1']]],
  ['a value with CR LF and a second field', [...pseudo, ['x-a', 'b\r\nx-postern-peer: c']]],
  ['a value with LF', [...pseudo, ['x-a', 'b\nc']]],
  ['a value with CR', [...pseudo, ['x-a', 'b\rc']]],
  ['a value with NUL', [...pseudo, ['x-a', 'b\0c']]],
  ['a value with a space in front (§8.2.1)', [...pseudo, ['x-a', ' b']]],
  ['a value with a tab behind', [...pseudo, ['x-a', 'b\t']]],
  ['a path with CR LF and a second request', withPseudo({ ':path': '/ HTTP/1.1\r\nHost: b\r\n\r\nGET /admin' })],
  ['a method with CR LF', withPseudo({ ':method': 'GET / HTTP/1.1\r\n' })],
  ['an authority with CR LF', withPseudo({ ':authority': 'a\r\nx: y' })],
  [':protocol of another method than CONNECT (RFC 8441 §4)', [...pseudo, [':protocol', 'websocket']], false],
  [':protocol twice', [...connect.slice(0, 5), [':protocol', 'websocket']], false],
  ['an extended CONNECT that has ended', connect, true],
  ['an extended CONNECT with a length', [...connect, ['content-length', '3']], false],
  ['an extended CONNECT without a path', connect.filter(([name]) => name !== ':path'), false],
  ['an extended CONNECT with an Upgrade of its own', [...connect, ['upgrade', 'websocket']], false],
  ['connection (§8.2.2)', [...pseudo, ['connection', 'close']]],
  ['keep-alive', [...pseudo, ['keep-alive', '1']]],
  ['proxy-connection', [...pseudo, ['proxy-connection', 'close']]],
  ['transfer-encoding', [...pseudo, ['transfer-encoding', 'chunked']], false],
  ['upgrade', [...pseudo, ['upgrade', 'h2c']]],
  ['te that is not trailers', [...pseudo, ['te', 'trailers, deflate']]],
  ['no :method (§8.3.1)', withPseudo({ ':method': null })],
  ['no :scheme', withPseudo({ ':scheme': null })],
  ['no :path', withPseudo({ ':path': null })],
  ['an empty :path', withPseudo({ ':path': '' })],
  [':method twice', [...pseudo, [':method', 'GET']]],
  [':path twice', [[':path', '/x'], ...pseudo]],
  [':authority twice', [[':authority', 'b'], ...pseudo]],
  ['a pseudo-header field after others (§8.3)', [...pseudo.slice(0, 3), ['x-a', '1'], [':path', '/']]],
  ['a pseudo-header field after a cookie', [...pseudo.slice(0, 3), ['cookie', '1'], [':path', '/']]],
  ['a pseudo-header field of answers', [...pseudo, [':status', '200']]],
  ['one that nobody knows', [[':test', '1'], ...pseudo]],
  [':protocol, which was not offered (RFC 8441)', [...pseudo, [':protocol', 'websocket']]],
  ['a Host that differs from :authority', [...pseudo, ['host', 'b.example']]],
  ['a Host that differs in case', [...pseudo, ['host', 'A.example']]],
  ['an absolute :path', withPseudo({ ':path': 'https://b.example/' })],
  ['a :path without its slash', withPseudo({ ':path': 'admin' })],
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'a:1'],
    ],
  ],
  ['content-length without content', [...pseudo, ['content-length', '3']]],
  ['content-length twice', [...pseudo, ['content-length', '3'], ['content-length', '3']], false],
  ['content-length with a sign', [...pseudo, ['content-length', '+3']], false],
  ['content-length as a list', [...pseudo, ['content-length', '3, 3']], false],
  ['a twin of content-length', [...pseudo, ['content_length', '3']], false],
  ['Expect of something else', [...pseudo, ['expect', '200-ok']]],
  ['a twin of transfer-encoding', [...pseudo, ['transfer_encoding', 'chunked']], false],
];

/** Refused with the status that HTTP/1.1 answers. */
const refused: readonly (readonly [name: string, status: number, fields: Fields])[] = [
  ['TRACE', 400, withPseudo({ ':method': 'TRACE' })],
  ['CONNECT with a path', 400, withPseudo({ ':method': 'CONNECT' })],
  ['a method in lower case', 400, withPseudo({ ':method': 'get' })],
  ['an empty method', 400, withPseudo({ ':method': '' })],
  ['a space in the path', 400, withPseudo({ ':path': '/a b' })],
  ['a fragment', 400, withPseudo({ ':path': '/a#b' })],
  ['`*` of another method than OPTIONS', 400, withPseudo({ ':path': '*' })],
  ['another scheme', 400, withPseudo({ ':scheme': 'gopher' })],
  ['no authority at all', 400, withPseudo({ ':authority': null })],
  ['userinfo in the authority', 400, withPseudo({ ':authority': 'u@a.example' })],
  ['an empty authority', 400, withPseudo({ ':authority': '' })],
  ['two Host fields after :authority', 400, [...pseudo, ['host', 'a.example'], ['host', 'a.example']]],
  ['two Host fields', 400, [...withPseudo({ ':authority': null }), ['host', 'a'], ['host', 'a']]],
  ['a target above its limit', 414, withPseudo({ ':path': `/${'a'.repeat(17_000)}` })],
  ['too many fields', 431, [...pseudo, ...Array.from({ length: 21 }, (_, at) => [`x-${at}`, 'v'] as const)]],
  ['too large a head', 431, [...pseudo, ['x-a', 'v'.repeat(20_001)]]],
];

describe('a request is malformed by', () => {
  for (const [name, fields, endStream] of malformed) {
    test(name, () => assert.equal(kindOf(fields, endStream), 'malformed'));
  }
});

describe('a request is refused for', () => {
  for (const [name, status, fields] of refused) {
    test(name, () => assert.equal(kindOf(fields), `refused ${status}`));
  }
});

describe('a request that is sound', () => {
  const written = (fields: Fields, endStream: boolean): string => {
    const head = readHead(fields, endStream);
    assert.ok(!('kind' in head));
    return serializeRequestHead(head, head.rawPath + head.query, '');
  };

  test('goes on as HTTP/1.1, with Host from :authority', () => {
    assert.equal(
      written([...pseudo, ['x-a', '1'], ['te', 'trailers']], true),
      'GET /p?q=1 HTTP/1.1\r\nHost: a.example\r\nx-a: 1\r\n\r\n',
    );
  });

  test('may say the same Host beside :authority, or Host alone', () => {
    const expected = 'GET /p?q=1 HTTP/1.1\r\nHost: a.example\r\n\r\n';
    assert.equal(written([...pseudo, ['host', 'a.example']], true), expected);
    assert.equal(written([...withPseudo({ ':authority': null }), ['host', 'a.example']], true), expected);
  });

  test('has its cookies in one field (§8.2.3)', () => {
    assert.ok(
      written([...pseudo, ['cookie', 'a=1'], ['x-a', '1'], ['cookie', 'b=2']], true).includes(
        '\r\ncookie: a=1; b=2\r\n',
      ),
    );
  });

  test('with a body is framed by its length, or in chunks', () => {
    const post = withPseudo({ ':method': 'POST' });
    assert.ok(written([...post, ['content-length', '3']], false).includes('\r\nContent-Length: 3\r\n'));
    assert.ok(written(post, false).includes('\r\nTransfer-Encoding: chunked\r\n'));
    assert.ok(written(post, true).includes('\r\nContent-Length: 0\r\n'));
    assert.ok(!/content-length|transfer-encoding/i.test(written(pseudo, true)));
  });

  test('keeps its path as it came, for policy to judge it in one form', () => {
    const head = readHead(withPseudo({ ':path': '//x/../%2e%2e;/a' }));
    assert.ok(!('kind' in head) && head.rawPath === '//x/../%2e%2e;/a');
  });
});

describe('an extended CONNECT (RFC 8441)', () => {
  test('is the GET that opens a WebSocket over HTTP/1.1, with a key that the workload can confirm', () => {
    const head = readHead(connect, false);
    assert.ok(!('kind' in head));
    const { method, rawPath, query, host, framing, upgrade, fields } = head;
    assert.deepEqual(
      [method, rawPath, query, host, framing, upgrade],
      ['GET', '/p', '?q=1', 'a.example', 'none', 'websocket'],
    );
    assert.equal(fields.getSingle('sec-websocket-key'), 'dGhlIHNhbXBsZSBub25jZQ==');
  });

  for (const [what, fields] of [
    ['another protocol', [...connect.slice(0, 4), [':protocol', 'connect-udp'], ['sec-websocket-version', '13']]],
    ['no version', connect.slice(0, 5)],
    ['another version', [...connect.slice(0, 5), ['sec-websocket-version', '8']]],
    ['two versions', [...connect, ['sec-websocket-version', '13']]],
    ['a key of its own', [...connect, ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']]],
  ] as const satisfies readonly (readonly [string, Fields])[]) {
    test(`with ${what} is refused with 400`, () => assert.equal(kindOf(fields, false), 'refused 400'));
  }

  test('without :protocol is a CONNECT, which nobody may send', () => {
    assert.notEqual(kindOf(withPseudo({ ':method': 'CONNECT' }), false), 'head');
  });
});
