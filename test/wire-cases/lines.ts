// Lines that two readers split differently: line ends, folds, blanks, control octets, limits.

import { forwarded, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const get = 'GET /x HTTP/1.1\r\nHost: a\r\n';
const got = 'GET /x HTTP/1.1\nHost: a';
const lineEnd = 'RFC 9112 §2.2: bare CR and LF';
const fold = 'RFC 9112 §5.2: obs-fold';
const name = 'RFC 9110 §5.1, RFC 9112 §5.1';
const value = 'RFC 9110 §5.5';

type Row = readonly [name: string, send: string, source: string];

const refusals: readonly Row[] = [
  ['bare LF throughout', 'GET /x HTTP/1.1\nHost: a\n\n', lineEnd],
  ['bare LF behind the request line', 'GET /x HTTP/1.1\nHost: a\r\n\r\n', lineEnd],
  ['bare LF between fields', `${get}X: y\nZ: w\r\n\r\n`, lineEnd],
  ['bare LF as the end of the head', `${get}X: y\r\n\n`, lineEnd],
  ['LF LF that hides a request', `${get}X: y\n\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n`, lineEnd],
  ['bare CR between fields', `${get}X: y\rZ: w\r\n\r\n`, lineEnd],
  ['bare CR behind the request line', 'GET /x HTTP/1.1\rHost: a\r\n\r\n', lineEnd],
  ['CR CR LF', `${get}X: y\r\r\n\r\n`, lineEnd],
  ['CR LF CR', `${get}X: y\r\n\rGET /admin HTTP/1.1\r\n\r\n`, lineEnd],
  ['LF CR for CR LF', `${get}X: y\n\rZ: w\r\n\r\n`, lineEnd],
  ['a bare CR in the target', 'GET /x\r/y HTTP/1.1\r\nHost: a\r\n\r\n', lineEnd],
  ['NEL (0x85) as a line end does not split', `${get}X: y\x85\r\n Z: w\r\n\r\n`, fold],
  ['a fold with a space', `${get}X: y\r\n z\r\n\r\n`, fold],
  ['a fold with a tab', `${get}X: y\r\n\tz\r\n\r\n`, fold],
  ['a fold of Host', 'GET /x HTTP/1.1\r\nHost:\r\n a\r\n\r\n', fold],
  [
    'a fold of the first field',
    'GET /x HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n',
    'RFC 9112 §2.2: blanks before the first field',
  ],
  ['a line of blanks', `${get}  \r\n\r\n`, fold],
  ['a space before the colon', `${get}X : y\r\n\r\n`, name],
  ['a tab before the colon', `${get}X\t: y\r\n\r\n`, name],
  ['a space in a name', `${get}X Y: z\r\n\r\n`, name],
  ['an empty name', `${get}: y\r\n\r\n`, `${name}; wire.md: empty names`],
  ['a line without a colon', `${get}X\r\n\r\n`, name],
  ['a name in quotes', `${get}"X": y\r\n\r\n`, name],
  ['a parenthesis in a name', `${get}X(y): z\r\n\r\n`, name],
  ['a slash in a name', `${get}X/Y: z\r\n\r\n`, name],
  ['a semicolon in a name', `${get}X;Y: z\r\n\r\n`, name],
  ['an at sign in a name', `${get}X@Y: z\r\n\r\n`, name],
  ['NUL in a name', `${get}X\x00Y: z\r\n\r\n`, name],
  ['0xE9 in a name', `${get}\xe9: z\r\n\r\n`, name],
  ['a name of HTTP/2', `${get}:authority: b\r\n\r\n`, 'RFC 9113 §8.3'],
  ['a braced name', `${get}{X}: y\r\n\r\n`, name],
  ['NUL in a value', `${get}X: y\x00z\r\n\r\n`, value],
  ['NUL as a value', `${get}X: \x00\r\n\r\n`, value],
  ['backspace in a value', `${get}X: y\x08\r\n\r\n`, value],
  ['vertical tab in a value', `${get}X: \x0by\r\n\r\n`, value],
  ['form feed in a value', `${get}X: y\x0c\r\n\r\n`, value],
  ['escape in a value', `${get}X: \x1b[31m\r\n\r\n`, value],
  ['DEL in a value', `${get}X: y\x7f\r\n\r\n`, value],
  ['an empty line before the request', `\r\n${get}\r\n`, 'RFC 9112 §2.2: strict'],
  ['a bare LF before the request', `\n${get}\r\n`, lineEnd],
  ['a space before the request', ` ${get}\r\n`, 'RFC 9112 §3'],
  ['a tab before the request', `\t${get}\r\n`, 'RFC 9112 §3'],
  ['a byte order mark before the request', `\xef\xbb\xbf${get}\r\n`, 'RFC 9112 §3'],
  ['a TLS hello within TLS', '\x16\x03\x01\x02\x00\x01\x00', 'RFC 9112 §3'],
  [
    'the PROXY protocol',
    `PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n${get}\r\n`,
    'RFC 9112 §3: a source address is not taken from the peer',
  ],
  [
    'the PROXY protocol, binary',
    '\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c',
    'RFC 9112 §3: a source address is not taken from the peer',
  ],
];

const tooMuch: readonly Row[] = [
  ['101 field lines', `${get}${'X: y\r\n'.repeat(100)}\r\n`, 'wire.md: heads above the limits'],
  ['a head above 64 KiB', `${get}X: ${'y'.repeat(66_000)}\r\n\r\n`, 'wire.md: heads above the limits'],
  ['a head above 64 KiB that does not end', `${get}X: ${'y'.repeat(70_000)}`, 'wire.md: heads above the limits'],
  ['a name above 64 KiB', `${get}${'x'.repeat(66_000)}: y\r\n\r\n`, 'wire.md: heads above the limits'],
];

const accepted: readonly (readonly [name: string, send: string, fields: string, source: string])[] = [
  ['blanks around a value are removed', `${get}X: \t y z\t \r\n\r\n`, 'X: y z', value],
  ['no blank behind the colon', `${get}X:y\r\n\r\n`, 'X: y', value],
  ['an empty value', `${get}X:\r\n\r\n`, 'X: ', value],
  ['a tab within a value', `${get}X: y\tz\r\n\r\n`, 'X: y\tz', value],
  ['octets above 0x7f in a value', `${get}X: \xe9\xff\x80\r\n\r\n`, 'X: \xe9\xff\x80', value],
  ['a colon within a value', `${get}X: y: z\r\n\r\n`, 'X: y: z', value],
  ['what looks like a request within a value', `${get}X: GET /admin HTTP/1.1\r\n\r\n`, 'X: GET /admin HTTP/1.1', value],
  ['a percent-encoded CRLF within a value', `${get}X: y%0d%0aZ: w\r\n\r\n`, 'X: y%0d%0aZ: w', value],
  [
    'every octet of a token in a name',
    `${get}!#$%&'*+-.^_\`|~09Az: y\r\n\r\n`,
    "!#$%&'*+-.^_`|~09Az: y",
    'RFC 9110 §5.6.2',
  ],
  [
    'names that JavaScript knows',
    `${get}__proto__: y\r\nconstructor: z\r\ntoString: w\r\n\r\n`,
    '__proto__: y\nconstructor: z\ntoString: w',
    'wire.md: headers named `__proto__`',
  ],
  ['the same name three times, in order', `${get}X: 1\r\nx: 2\r\nX: 3\r\n\r\n`, 'X: 1\nx: 2\nX: 3', 'RFC 9110 §5.3'],
  [
    'several cookies stay apart',
    `${get}Cookie: a=1\r\nCookie: b=2\r\n\r\n`,
    'Cookie: a=1\nCookie: b=2',
    'RFC 6265 §5.4',
  ],
  [
    '98 fields more',
    `${get}${'X: y\r\n'.repeat(98)}\r\n`,
    'X: y\n'.repeat(98).trimEnd(),
    'wire.md: heads below the limits',
  ],
  [
    'a head just below 64 KiB',
    `${get}X: ${'y'.repeat(65_000)}\r\n\r\n`,
    `X: ${'y'.repeat(65_000)}`,
    'wire.md: heads below the limits',
  ],
];

export const lines: WireCaseClass = {
  title: 'Lines and fields',
  about: 'CRLF ends a line and nothing else does; a field is a token, a colon and a value without control octets.',
  cases: [
    ...refusals.map(([what, send, source]): WireCase => ({ name: what, source, send, expect: refused() })),
    ...tooMuch.map(([what, send, source]): WireCase => ({ name: what, source, send, expect: refused(431) })),
    ...accepted.map(
      ([what, send, fields, source]): WireCase => ({
        name: what,
        source,
        send,
        expect: forwarded(`${got}\n${fields}\n\n`),
      }),
    ),
    {
      name: 'a head that comes octet by octet',
      source: 'RFC 9112 §2.2',
      send: [...`${get}X: y\r\n\r\n`],
      expect: forwarded(`${got}\nX: y\n\n`),
    },
  ],
};
