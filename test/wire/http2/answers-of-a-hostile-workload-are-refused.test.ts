// Heads of answers over HTTP/2 become those that HTTP/1.1 gives, or are refused (RFC 9113 §8.2, §8.3.2): a caller of HTTP/1.1 may get them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { grpcCallOf } from '../../../src/proxy/grpc-call.ts';
import { headLimitsDefaults } from '../../../src/wire/head-limits.ts';
import { HeaderBlock, HpackDecoder } from '../../../src/wire/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../../src/wire/http2/hpack-encoder.ts';
import { readAnswerHead } from '../../../src/wire/http2/http2-answer-head.ts';
import { requestFields } from '../../../src/wire/http2/http2-request-fields.ts';
import { RequestHeads } from '../../../src/wire/http2/http2-request-head.ts';

type Fields = readonly (readonly [name: string, value: string])[];

function blockOf(fields: Fields): HeaderBlock {
  const encoder = new HpackEncoder();
  const text = fields.map(([name, value]) => encoder.field(name, value)).join('');
  const block = new HpackDecoder({ listBytes: 10_000, fieldCount: 20 }).decode(Buffer.from(text, 'latin1'));
  assert.ok(block instanceof HeaderBlock);
  return block;
}

const ok: Fields = [[':status', '200']];

const refused: readonly (readonly [name: string, fields: Fields, endStream: boolean])[] = [
  ['no :status', [['a', 'b']], false],
  ['nothing at all', [], false],
  [':status behind a field', [['a', 'b'], ...ok], false],
  [':status twice', [...ok, ...ok], false],
  ['a status of two digits', [[':status', '20']], false],
  ['a status of four digits', [[':status', '2000']], false],
  ['a status above 599', [[':status', '600']], false],
  ['a status with a sign', [[':status', '+20']], false],
  ['101 (§8.6)', [[':status', '101']], false],
  ['an interim answer that ends the stream (§8.1)', [[':status', '103']], true],
  ['a pseudo-header field of requests', [...ok, [':path', '/']], false],
  ['a value with CR LF', [...ok, ['a', 'b\r\nc: d']], false],
  ['a value with NUL', [...ok, ['a', '\0']], false],
  ['a name with a capital', [...ok, ['A', 'b']], false],
  ['transfer-encoding', [...ok, ['transfer-encoding', 'chunked']], false],
  ['connection', [...ok, ['connection', 'close']], false],
  ['upgrade', [...ok, ['upgrade', 'x']], false],
  ['content-length twice', [...ok, ['content-length', '1'], ['content-length', '1']], false],
  ['content-length of no number', [...ok, ['content-length', '1, 1']], false],
  ['content-length without content', [...ok, ['content-length', '1']], true],
  ['a twin of content-length', [...ok, ['content_length', '1']], false],
  ['too many fields', [...ok, ...Array.from({ length: 21 }, (_, at) => [`x-${at}`, ''] as const)], false],
];

describe('an answer is refused for', () => {
  for (const [name, fields, endStream] of refused) {
    test(name, () => assert.equal(typeof readAnswerHead(blockOf(fields), 'GET', endStream), 'string'));
  }
});

test('an answer is framed by its method, its status and its length', () => {
  const framingOf = (fields: Fields, method: string, endStream: boolean): string => {
    const head = readAnswerHead(blockOf(fields), method, endStream);
    return typeof head === 'string' ? head : `${head.framing} ${head.contentLength}`;
  };
  assert.equal(framingOf(ok, 'GET', false), 'chunked 0');
  assert.equal(framingOf(ok, 'GET', true), 'length 0');
  assert.equal(framingOf([...ok, ['content-length', '7']], 'GET', false), 'length 7');
  assert.equal(framingOf([...ok, ['content-length', '7']], 'HEAD', true), 'none 0');
  assert.equal(framingOf([[':status', '204']], 'GET', true), 'none 0');
  assert.equal(framingOf([[':status', '100']], 'GET', false), 'none 0');
});

test('a request goes on as over HTTP/1.1: what we add replaces what came, and `te: trailers` stays for gRPC', () => {
  const came: Fields = [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', 'a'],
    [':path', '/x'],
    ['te', 'trailers'],
    ['x-postern-peer', 'spoofed'],
    ['x_spiffe_id', 'spoofed'],
    ['content-type', 'application/grpc'],
  ];
  const head = new RequestHeads(headLimitsDefaults, () => '').read(blockOf(came), false);
  assert.ok(!('kind' in head));
  const fields = requestFields(head, {
    target: '/y',
    scheme: 'http',
    added: 'Connection: upgrade\r\nx-postern-peer: real\r\nX-A: b: c\r\n',
  });
  assert.deepEqual(fields, [
    ':method',
    'POST',
    ':scheme',
    'http',
    ':authority',
    'a',
    ':path',
    '/y',
    'content-type',
    'application/grpc',
    'te',
    'trailers',
    'x-postern-peer',
    'real',
    'x-a',
    'b: c',
  ]);
});

describe('`te: trailers`, without which many servers take no call, goes on', () => {
  for (const [types, goesOn] of [
    [['application/grpc'], true],
    [['Application/GRPC+proto'], true],
    [['text/plain', 'application/grpc'], true],
    [['application/grpc-web'], true],
    [['text/plain'], false],
    [[], false],
  ] as const) {
    test(`${goesOn ? '' : 'not '}with ${types.length === 0 ? 'no type of content' : types.join(' and ')}`, () => {
      const came = [':method POST', ':scheme https', ':authority a', ':path /a.B/C', 'te trailers'];
      const fields = [...came, ...types.map((type) => `content-type ${type}`)].map((one) => one.split(' '));
      const head = new RequestHeads(headLimitsDefaults, () => '').read(blockOf(fields as unknown as Fields), false);
      assert.ok(!('kind' in head));
      assert.equal(requestFields(head, { target: '/a.B/C', scheme: 'http', added: '' }).includes('te'), goesOn);
      assert.equal(grpcCallOf(head, '/a.B/C')?.method, goesOn ? 'C' : undefined);
    });
  }
});
