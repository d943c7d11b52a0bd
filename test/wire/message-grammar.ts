// Arbitrary HTTP/1.1 messages: well-formed ones out of a grammar, and ones that were damaged the way attackers do it.

import fc from 'fast-check';
import { octets } from './recorded-events.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'M-SEARCH'];
const segment = fc.oneof(
  fc.constantFrom('a', 'B-c', '..', '.', '', '%2e', '%41', '%c3%a9', '%2F', 'a;v=1', '..;', '\\', '%25', '~x'),
  fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@-]{0,8}$/),
);
const target = fc
  .tuple(
    fc.constantFrom('', '', '', 'http://h.x:8'),
    fc.array(segment, { maxLength: 4 }),
    fc.constantFrom('', '?', '?a=b&c=/../d'),
  )
  .map(([authority, segments, query]) => `${authority}/${segments.join('/')}${query}`);

const name = fc.oneof(
  fc.constantFrom(
    'Accept',
    'x-a',
    'X_B',
    'x.c',
    'Cookie',
    'Keep-Alive',
    'TE',
    'Upgrade',
    'X-Postern-Peer',
    'x_spiffe_id',
    '__proto__',
  ),
  fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,10}$/),
);
const value = fc.oneof(
  fc.constantFrom('', 'v', 'a, b', '"q"', 'x\ty', '\xe9', '100-continue'),
  fc.stringMatching(/^[\x21-\x7e\x80-\xff]{0,12}$/),
);
const blank = fc.constantFrom('', ' ', '\t', '  ');
const fieldLine = fc
  .tuple(name, blank, value, blank)
  .map(([key, before, text, after]) => `${key}:${before}${text}${after}\r\n`);
const connection = fc
  .option(fc.constantFrom('close', 'keep-alive', 'x-a', 'x-a, close', 'Upgrade', 'host'), { nil: null })
  .map((option) => (option === null ? '' : `Connection: ${option}\r\n`));

interface Body {
  readonly line: string;
  readonly bytes: string;
}

const text = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
  maxLength: 20,
});
const trailers = fc.array(fieldLine, { maxLength: 2 }).map((lines) => lines.join(''));
const body: fc.Arbitrary<Body> = fc.oneof(
  fc.constant({ line: '', bytes: '' }),
  text.map((bytes) => ({ line: `Content-Length: ${bytes.length}\r\n`, bytes })),
  fc.tuple(fc.array(text, { maxLength: 3 }), trailers).map(([chunks, after]) => ({
    line: 'Transfer-Encoding: chunked\r\n',
    bytes: `${chunks
      .filter((chunk) => chunk !== '')
      .map(chunkOf)
      .join('')}0\r\n${after}\r\n`,
  })),
);

function chunkOf(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`;
}

const fields = fc.array(fieldLine, { maxLength: 6 }).map((lines) => lines.join(''));

/** A request that follows the grammar; it may still be refused for what it means. */
export const request: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...methods), target, fc.constantFrom('1.1', '1.1', '1.1', '1.0'), fields, connection, body)
  .map(([method, path, version, lines, options, content]) => {
    const host = 'Host: h.x:8\r\n';
    return `${method} ${path} HTTP/${version}\r\n${host}${lines}${options}${content.line}\r\n${content.bytes}`;
  });

const status = fc.constantFrom(
  '200 OK',
  '204 No Content',
  '304 Not Modified',
  '404 ',
  '500 \xe9',
  '100 Continue',
  '103 E',
);

/** An answer that follows the grammar. */
export const response: fc.Arbitrary<string> = fc
  .tuple(status, fc.constantFrom('1.1', '1.1', '1.0'), fields, connection, body)
  .map(
    ([line, version, lines, options, content]) =>
      `HTTP/${version} ${line}\r\n${lines}${options}${content.line}\r\n${content.bytes}`,
  );

const poison = fc.constantFrom(
  ...[
    '\r',
    '\n',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '0',
    '00',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\r\r\n',
    ' \r\n',
    '\r\n ',
    '\x7f',
    '\xff',
  ],
  ...[
    'Content-Length: 3\r\n',
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip\r\n',
  ],
  ...[
    'content_length: 3\r\n',
    'Host: b\r\n',
    'Expect: 100-continue\r\n',
    'Connection: content-length\r\n',
    'GET / HTTP/1.1\r\n',
  ],
  ...[
    '+',
    '-',
    '0x',
    '_',
    '"',
    '#',
    '%',
    '..',
    '//',
    '@',
    'HTTP/1.1 200 OK\r\n\r\n',
    '0\r\n\r\n',
    'f'.repeat(14),
    '\u000b',
  ],
);

interface Damage {
  readonly at: number;
  readonly drop: number;
  readonly put: string;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  drop: fc.constantFrom(0, 0, 0, 1, 2, 5),
  put: fc.oneof(
    poison,
    fc.constant(''),
    fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
  ),
});

/** `message`, damaged in up to three places. */
export function damaged(message: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(message, fc.array(damage, { maxLength: 3 })).map(([whole, damages]) => damages.reduce(apply, whole));
}

function apply(message: string, { at, drop, put }: Damage): string {
  const index = Math.floor(at * message.length);
  return message.slice(0, index) + put + message.slice(index + drop);
}

/** Where to cut some input, as shares of its length. */
export const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

/** The pieces of `input` between the cuts. */
export function cutAt(input: string, shares: readonly number[]): Buffer[] {
  const places = shares.map((share) => Math.floor(share * input.length)).sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let start = 0;
  for (const place of [...places, input.length]) {
    pieces.push(octets(input.slice(start, place)));
    start = place;
  }
  return pieces;
}
