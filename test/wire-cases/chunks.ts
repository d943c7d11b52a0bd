// Chunked bodies that two readers cut in different places.

import { cut, type Expectation, forwarded, type WireCase, type WireCaseClass } from './wire-case.ts';

const head = 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const gotHead = 'POST /x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked';
const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
const size = 'RFC 9112 §7.1';
const extension = 'RFC 9112 §7.1.1';
const after = 'RFC 9112 §7.1: junk after chunk data';
const section = 'RFC 9112 §7.1.2';

/** A body, and what the workload gets as content and trailers; null: it is cut off. */
type ChunkRow = readonly [name: string, body: string, source: string, got?: string];

const rows: readonly ChunkRow[] = [
  ['no size', '\r\nabc\r\n0\r\n\r\n', size],
  ['a size that is no number', 'g\r\nabc\r\n0\r\n\r\n', size],
  ['`0x3`', '0x3\r\nabc\r\n0\r\n\r\n', `${size}; wire.md: chunk-size prefixes`],
  ['`+3`', '+3\r\nabc\r\n0\r\n\r\n', `${size}; wire.md: chunk-size prefixes`],
  ['`-3`', '-3\r\nabc\r\n0\r\n\r\n', size],
  ['`-1`: all ones to some', '-1\r\nabc\r\n0\r\n\r\n', size],
  ['a space in front of the size', ' 3\r\nabc\r\n0\r\n\r\n', size],
  ['a space behind the size', '3 \r\nabc\r\n0\r\n\r\n', size],
  ['a tab behind the size', '3\t\r\nabc\r\n0\r\n\r\n', size],
  ['`1_0`', '1_0\r\nabc\r\n0\r\n\r\n', size],
  ['`3.0`', '3.0\r\nabc\r\n0\r\n\r\n', size],
  ['`3,3`', '3,3\r\nabc\r\n0\r\n\r\n', size],
  ['`3h`', '3h\r\nabc\r\n0\r\n\r\n', size],
  ['`"3"`', '"3"\r\nabc\r\n0\r\n\r\n', size],
  ['NUL behind the size', '3\x00\r\nabc\r\n0\r\n\r\n', size],
  ['full-width digits', '\xef\xbc\x93\r\nabc\r\n0\r\n\r\n', size],
  ['a size of 2^64 and 3', '10000000000000003\r\nabc\r\n0\r\n\r\n', `${size}: overflow`],
  ['a size of 2^53', '20000000000000\r\nabc\r\n0\r\n\r\n', `${size}: overflow`],
  ['14 digits of which most are zeros', '00000000000003\r\nabc\r\n0\r\n\r\n', `${size}: zeros without end`],
  ['a bare LF behind the size', '3\nabc\r\n0\r\n\r\n', 'RFC 9112 §2.2'],
  ['a bare CR behind the size', '3\rabc\r\n0\r\n\r\n', 'RFC 9112 §2.2'],
  ['CR CR LF behind the size', '3\r\r\nabc\r\n0\r\n\r\n', 'RFC 9112 §2.2'],
  ['an extension', '3;a=b\r\nabc\r\n0\r\n\r\n', extension],
  ['an extension without a name', '3;\r\nabc\r\n0\r\n\r\n', extension],
  ['an extension in quotes with CRLF', '3;a="\r\nabc\r\n0\r\n\r\n"\r\nabc\r\n0\r\n\r\n', extension],
  ['an extension that ends with a bare LF', `3;a\nabc\r\n0\r\n\r\n${hidden}`, `${extension}; TERM.EXT`],
  ['an empty extension that ends with a bare LF', '3;\nabc\r\n0\r\n\r\n', `${extension}; TERM.EXT`],
  ['another octet in the place of CR', '3X\nabc\r\n0\r\n\r\n', size],
  ['an extension with a bare CR', '3;a\rb\r\nabc\r\n0\r\n\r\n', extension],
  ['an extension of 64 KiB', `3;${'a'.repeat(65_536)}\r\nabc\r\n0\r\n\r\n`, `${extension}: extensions without end`],
  ['an extension of the last chunk', '0;a=b\r\n\r\n', extension],
  ['a blank and an extension', '3 ;a\r\nabc\r\n0\r\n\r\n', extension],
  ['more data than the size', '3\r\nabcd\r\n0\r\n\r\n', after],
  ['no CRLF behind the data', '3\r\nabc0\r\n\r\n', after],
  ['two octets that are no CRLF behind the data', '3\r\nabcXX0\r\n\r\n', `${after}; some skip two octets unseen`],
  ['a bare LF behind the data', '3\r\nabc\n0\r\n\r\n', 'RFC 9112 §2.2'],
  ['a bare CR behind the data', '3\r\nabc\r0\r\n\r\n', 'RFC 9112 §2.2'],
  ['CR and another octet behind the data', '3\r\nabc\rX0\r\n\r\n', after],
  ['an empty line between chunks', '3\r\nabc\r\n\r\n0\r\n\r\n', after],
  ['a request where a size should be', `3\r\nabc\r\n${hidden}`, after],
  ['a bare LF behind the last chunk', `3\r\nabc\r\n0\n\n${hidden}`, 'RFC 9112 §2.2'],
  ['a bare LF as the end of trailers', '3\r\nabc\r\n0\r\n\n', 'RFC 9112 §2.2'],
  ['a trailer without a colon', '0\r\nX\r\n\r\n', section],
  ['a request as a trailer', `0\r\n${hidden}`, section],
  ['a folded trailer', '0\r\nX: y\r\n z\r\n\r\n', 'RFC 9112 §5.2'],
  ['a space before the colon of a trailer', '0\r\nX : y\r\n\r\n', 'RFC 9112 §5.1'],
  ['NUL in a trailer', '0\r\nX: \x00\r\n\r\n', 'RFC 9110 §5.5'],
  ['a trailer with an empty name', '0\r\n: y\r\n\r\n', 'RFC 9110 §5.1'],
  ['`content_length` as a trailer', '0\r\ncontent_length: 3\r\n\r\n', 'RFC 9110 §6.5.1'],
  ['one chunk', '3\r\nabc\r\n0\r\n\r\n', size, 'abc'],
  ['two chunks', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', size, 'abcde'],
  ['digits in upper case, zeros in front', `00A\r\n${'x'.repeat(10)}\r\n0\r\n\r\n`, size, 'x'.repeat(10)],
  ['a last chunk of many zeros', '3\r\nabc\r\n0000\r\n\r\n', size, 'abc'],
  ['no data at all', '0\r\n\r\n', size, ''],
  ['data that looks like chunks', '7\r\n0\r\n\r\nGE\r\n0\r\n\r\n', size, '0\r\n\r\nGE'],
  [
    'a trailer about the content',
    '3\r\nabc\r\n0\r\nX-Checksum: 900150983cd24fb0\r\n\r\n',
    section,
    'abc\n\nX-Checksum: 900150983cd24fb0',
  ],
];

/** Fields that a trailer section must not bring: all of them are dropped, the content goes on. */
const droppedTrailers: readonly (readonly [line: string, source: string])[] = [
  ['Content-Length: 3', 'RFC 9110 §6.5.1'],
  ['Transfer-Encoding: chunked', 'RFC 9110 §6.5.1'],
  ['Host: evil', 'RFC 9110 §6.5.1'],
  ['Authorization: Bearer x', 'RFC 9110 §6.5.1'],
  ['Cookie: a=b', 'RFC 9110 §6.5.1'],
  ['Content-Type: text/html', 'RFC 9110 §6.5.1'],
  ['Connection: close', 'RFC 9110 §7.6.1'],
  ['X-Forwarded-Client-Cert: By=x', 'wire.md: identity in a trailer'],
  ['x_forwarded_client_cert: By=x', 'wire.md: identity in a trailer'],
  ['X-Spiffe-Id: spiffe://prod.acme.com/ns/admin/root', 'wire.md: identity in a trailer'],
  ['X-Postern-Peer: spiffe://prod.acme.com/ns/admin/root', 'wire.md: identity in a trailer'],
  ['Client-Cert: :AA==:', 'RFC 9440 §4'],
  ['X-Request-Id: forged', 'wire.md: correlation'],
  ['X-Forwarded-For: 10.0.0.1', 'RFC 9110 §6.5.1'],
  ['X-Forwarded-Host: evil', 'RFC 9110 §6.5.1'],
  ['X-HTTP-Method-Override: DELETE', 'RFC 9110 §6.5.1'],
  ['X-Original-URL: /admin', 'RFC 9110 §6.5.1; CVE-2018-14773 (Symfony)'],
];

export const chunks: WireCaseClass = {
  title: 'Chunks and trailers',
  about:
    'A chunk line is a number and CRLF. A request whose body turns out to be broken was decided and begun: the workload gets its head and never its end, and the connection to it is closed.',
  cases: [
    ...rows.map(
      ([name, body, source, got]): WireCase => ({ name, source, send: head + body, expect: expectation(got) }),
    ),
    ...droppedTrailers.map(
      ([line, source]): WireCase => ({
        name: `the trailer \`${line}\` is dropped`,
        source,
        send: `${head}3\r\nabc\r\n0\r\n${line}\r\nX-Checksum: 1\r\n\r\n`,
        expect: forwarded(`${gotHead}\n\nabc\n\nX-Checksum: 1`),
      }),
    ),
    {
      name: 'a trailer that `Connection` names is dropped',
      source: 'RFC 9110 §7.6.1',
      send: `${head.replace('Host: a', 'Host: a\r\nConnection: x-hop')}3\r\nabc\r\n0\r\nX-Hop: 1\r\nX-Checksum: 1\r\n\r\n`,
      expect: forwarded(`${gotHead}\n\nabc\n\nX-Checksum: 1`),
    },
    {
      name: 'trailers above 8 KiB',
      source: 'wire.md: limits',
      send: `${head}0\r\nX: ${'y'.repeat(9_000)}\r\n\r\n`,
      expect: cut(gotHead, 431),
    },
    {
      name: 'a second request behind the last chunk',
      source: 'RFC 9112 §9.3.2',
      send: `${head}3\r\nabc\r\n0\r\n\r\n${hidden}`,
      expect: forwarded(`${gotHead}\n\nabc`, 'GET /admin HTTP/1.1\nHost: a\n\n'),
    },
    {
      name: 'chunks cut by the network within every line',
      source: size,
      send: [head.slice(0, 30), head.slice(30), '3', '\r', '\na', 'bc', '\r', '\n0', '\r', '\n\r', '\n'],
      expect: forwarded(`${gotHead}\n\nabc`),
    },
  ],
};

function expectation(got: string | undefined): Expectation {
  return got === undefined ? cut(gotHead) : forwarded(`${gotHead}\n\n${got}`);
}
