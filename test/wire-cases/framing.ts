// Messages whose end two readers find in different places: CL.TE, TE.CL, TE.TE and their kin.

import { type Expectation, forwarded, forwardedThen, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const post = 'POST /x HTTP/1.1\r\nHost: a\r\n';
/** What a smuggler hides: if it ever reaches the workload as a request of its own, the case fails. */
const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
const clTe = 'RFC 9112 §6.1, §11.2; CL.TE';
const teCl = 'RFC 9112 §6.1, §11.2; TE.CL';
const teTe = 'RFC 9112 §6.1; TE.TE';
const oneLength = 'RFC 9112 §6.3, rule 5';
const lengthForm = 'RFC 9110 §8.6';

/** Framing lines of a POST, what stands behind them, and what becomes of it. */
type FramingRow = readonly [name: string, lines: string, rest: string, source: string, expect?: Expectation];

const rows: readonly FramingRow[] = [
  [
    'CL.TE: the length reaches past the last chunk',
    `Content-Length: ${5 + hidden.length}\r\nTransfer-Encoding: chunked\r\n`,
    `0\r\n\r\n${hidden}`,
    clTe,
  ],
  ['CL.TE with a length of 0', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${hidden}`, clTe],
  [
    'TE.CL: the length ends within the chunk',
    'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n',
    `1f\r\n${hidden}\r\n0\r\n\r\n`,
    teCl,
  ],
  ['TE.CL with equal ends', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n', teCl],
  ['length and coding in other case', 'content-length: 5\r\nTRANSFER-ENCODING: chunked\r\n', '0\r\n\r\n', teCl],
  ['TE.0: a length beside an unknown coding', 'Transfer-Encoding: x\r\nContent-Length: 3\r\n', 'abc', teTe],
  ['a coding twice on two lines', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n', teTe],
  ['chunked and then cow', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n', '0\r\n\r\n', teTe],
  ['cow and then chunked', 'Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n', teTe],
  ['identity and then chunked', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n', teTe],
  ['`identity` alone', 'Transfer-Encoding: identity\r\n', 'abc', teTe],
  ['`identity` beside a length', 'Transfer-Encoding: identity\r\nContent-Length: 3\r\n', 'abc', teTe],
  ['`chunked, identity`', 'Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n', teTe],
  ['`identity, chunked`', 'Transfer-Encoding: identity, chunked\r\n', '0\r\n\r\n', teTe],
  ['`chunked, chunked`', 'Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n', 'RFC 9112 §6.1'],
  ['`chunked, gzip`', 'Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n', 'RFC 9112 §6.1'],
  ['`xchunked`', 'Transfer-Encoding: xchunked\r\n', '0\r\n\r\n', teTe],
  ['`chunkedx`', 'Transfer-Encoding: chunkedx\r\n', '0\r\n\r\n', teTe],
  ['`chunk`', 'Transfer-Encoding: chunk\r\n', '0\r\n\r\n', teTe],
  ['`"chunked"` in quotes', 'Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n', teTe],
  ['`chunked;q=1`', 'Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n', 'RFC 9112 §7'],
  ['`chunked,`', 'Transfer-Encoding: chunked,\r\n', '0\r\n\r\n', 'RFC 9110 §5.6.1.2: an empty element'],
  ['`,chunked`', 'Transfer-Encoding: ,chunked\r\n', '0\r\n\r\n', 'RFC 9110 §5.6.1.2: an empty element'],
  ['`chunked` with a vertical tab', 'Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n', teTe],
  ['`chunked` with a form feed', 'Transfer-Encoding: chunked\x0c\r\n', '0\r\n\r\n', teTe],
  ['`chunked` with NUL', 'Transfer-Encoding: chunked\x00\r\n', '0\r\n\r\n', teTe],
  ['`chunked` with 0xA0', 'Transfer-Encoding: chunked\xa0\r\n', '0\r\n\r\n', teTe],
  ['`chunked` with 0xFF in front', 'Transfer-Encoding: \xffchunked\r\n', '0\r\n\r\n', teTe],
  ['a coding on a folded line', 'Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n', 'RFC 9112 §5.2'],
  ['a length hidden by a folded line', 'X: y\r\n Content-Length: 3\r\n', 'abc', 'RFC 9112 §5.2'],
  [
    'a space before the colon of the coding',
    'Transfer-Encoding : chunked\r\n',
    '0\r\n\r\n',
    'RFC 9112 §5.1; CVE-2019-16869 (Netty)',
  ],
  ['a tab before the colon of the length', 'Content-Length\t: 3\r\n', 'abc', 'RFC 9112 §5.1'],
  ['a space in front of the coding', ' Transfer-Encoding: chunked\r\n', '0\r\n\r\n', 'RFC 9112 §2.2'],
  ['a coding behind a bare CR', 'X: y\rTransfer-Encoding: chunked\r\n', '0\r\n\r\n', 'RFC 9112 §2.2; TE.TE'],
  ['a coding behind a bare LF', 'X: y\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n', 'RFC 9112 §2.2; TE.TE'],
  ['an empty coding', 'Transfer-Encoding:\r\n', hidden, 'RFC 9112 §6.1'],
  ['an empty coding beside a length', 'Transfer-Encoding:\r\nContent-Length: 3\r\n', 'abc', 'RFC 9112 §6.1'],
  ['differing lengths', 'Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd', oneLength],
  ['equal lengths', 'Content-Length: 3\r\nContent-Length: 3\r\n', 'abc', oneLength],
  ['a list of equal lengths', 'Content-Length: 3, 3\r\n', 'abc', oneLength],
  ['a list of differing lengths', 'Content-Length: 3, 30\r\n', 'abc', oneLength],
  ['an empty length', 'Content-Length:\r\n', hidden, `${lengthForm}; wire.md: empty Content-Length`],
  ['a blank length', 'Content-Length: \t \r\n', hidden, lengthForm],
  ['`+3`', 'Content-Length: +3\r\n', 'abc', lengthForm],
  ['`-3`', 'Content-Length: -3\r\n', 'abc', lengthForm],
  ['`-0`', 'Content-Length: -0\r\n', hidden, lengthForm],
  ['`0x3`', 'Content-Length: 0x3\r\n', 'abc', lengthForm],
  ['`3 3`', 'Content-Length: 3 3\r\n', 'abc', lengthForm],
  ['`03`', 'Content-Length: 03\r\n', 'abc', `${lengthForm}: a zero in front is octal to some`],
  ['`00`', 'Content-Length: 00\r\n', hidden, `${lengthForm}: a zero in front is octal to some`],
  ['`3.0`', 'Content-Length: 3.0\r\n', 'abc', lengthForm],
  ['`3e0`', 'Content-Length: 3e0\r\n', 'abc', lengthForm],
  ['`1_0`', 'Content-Length: 1_0\r\n', 'abcdefghij', lengthForm],
  ['`"3"`', 'Content-Length: "3"\r\n', 'abc', lengthForm],
  ['`3;x`', 'Content-Length: 3;x\r\n', 'abc', lengthForm],
  ['`NaN`', 'Content-Length: NaN\r\n', 'abc', lengthForm],
  ['full-width digits', 'Content-Length: \xef\xbc\x93\r\n', 'abc', lengthForm],
  ['a superscript digit', 'Content-Length: \xb3\r\n', 'abc', lengthForm],
  ['a length above 2^53', 'Content-Length: 9007199254740993\r\n', 'abc', `${lengthForm}: overflow`],
  ['a length of 2^64 and 3', 'Content-Length: 18446744073709551619\r\n', 'abc', `${lengthForm}: overflow`],
  ['`content_length`', 'content_length: 3\r\n', 'abc', 'RFC 3875 §4.1.18; Traefik CVE-2026-33433'],
  ['`Content.Length`', 'Content.Length: 3\r\n', 'abc', 'RFC 3875 §4.1.18; Traefik CVE-2026-33433'],
  ['`Content_Length` beside the real one', 'Content-Length: 3\r\nContent_Length: 30\r\n', 'abc', 'RFC 3875 §4.1.18'],
  ['`transfer_encoding`', 'transfer_encoding: chunked\r\n', '0\r\n\r\n', 'RFC 3875 §4.1.18; Traefik CVE-2026-33433'],
  ['`Transfer~Encoding`', 'Transfer~Encoding: chunked\r\n', '0\r\n\r\n', 'RFC 3875 §4.1.18'],
  [
    '`gzip, chunked`',
    'Transfer-Encoding: gzip, chunked\r\n',
    '0\r\n\r\n',
    'RFC 9112 §6.1; llhttp lets it through',
    refused(501),
  ],
  ['`x-gzip,chunked`', 'Transfer-Encoding: x-gzip,chunked\r\n', '0\r\n\r\n', 'RFC 9112 §7.2', refused(501)],
  ['`cow, chunked`', 'Transfer-Encoding: cow, chunked\r\n', '0\r\n\r\n', 'RFC 9112 §6.1; llhttp lets it through'],
  [
    'one length',
    'Content-Length: 3\r\n',
    'abc',
    lengthForm,
    forwarded('POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'),
  ],
  [
    'one length with blanks around it',
    'Content-Length: \t3 \r\n',
    'abc',
    'RFC 9110 §5.5',
    forwarded('POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'),
  ],
  [
    'a length of 0',
    'Content-Length: 0\r\n',
    '',
    lengthForm,
    forwarded('POST /x HTTP/1.1\nHost: a\nContent-Length: 0\n\n'),
  ],
  [
    '`Chunked` in other case',
    'transfer-ENCODING: Chunked\r\n',
    '3\r\nabc\r\n0\r\n\r\n',
    'RFC 9112 §7',
    forwarded('POST /x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nabc'),
  ],
  ['a POST without framing', '', '', 'RFC 9112 §6.3, rule 7', forwarded('POST /x HTTP/1.1\nHost: a\n\n')],
  [
    'a body without framing is the next request',
    '',
    hidden,
    'RFC 9112 §6.3, rule 7',
    forwarded('POST /x HTTP/1.1\nHost: a\n\n', 'GET /admin HTTP/1.1\nHost: a\n\n'),
  ],
  [
    'a body without framing that is no request',
    '',
    'abc=def\r\n\r\n',
    'RFC 9112 §6.3, rule 7; nodejs/node#27880',
    { kind: 'forwarded', requests: ['POST /x HTTP/1.1\nHost: a\n\n'], next: 400 },
  ],
  [
    'more octets than the length',
    'Content-Length: 3\r\n',
    'abcdef\r\n\r\n',
    'RFC 9112 §9.3.2',
    { kind: 'forwarded', requests: ['POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'], next: 400 },
  ],
  [
    'an empty line behind the body',
    'Content-Length: 3\r\n',
    'abc\r\n',
    'RFC 9112 §2.2: strict',
    forwardedThen(400, 'POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'),
  ],
  [
    'a request hidden in a body stays in it',
    `Content-Length: ${hidden.length}\r\n`,
    hidden,
    'RFC 9112 §11.2',
    forwarded(`POST /x HTTP/1.1\nHost: a\nContent-Length: ${hidden.length}\n\n${hidden}`),
  ],
];

export const framing: WireCaseClass = {
  title: 'Where a request ends',
  about:
    'Request smuggling by Content-Length and Transfer-Encoding. What is forwarded is framed anew, by the one field that was found.',
  cases: [
    ...rows.map(
      ([name, lines, rest, source, expect]): WireCase => ({
        name,
        source,
        send: `${post}${lines}\r\n${rest}`,
        expect: expect ?? refused(),
      }),
    ),
  ],
};
