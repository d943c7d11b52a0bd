// Each row is a request that some server reads otherwise than some proxy does: wire.md, "HTTP/1.1" and "Known ways past".

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { octets, readRequests, summary } from './recorded-events.ts';

type Row = readonly [what: string, bytes: string, fault: string];

const host = 'Host: a\r\n';
const get = `GET / HTTP/1.1\r\n${host}`;
const post = `POST / HTTP/1.1\r\n${host}`;
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;

const line = 'ERR_WIRE_REQUEST_LINE_INVALID 400';
const field = 'ERR_WIRE_FIELD_INVALID 400';
const framing = 'ERR_WIRE_FRAMING_INVALID 400';
const target = 'ERR_WIRE_TARGET_INVALID 400';
const badHost = 'ERR_WIRE_HOST_INVALID 400';
const chunk = 'ERR_WIRE_CHUNK_INVALID 400';
const version = 'ERR_WIRE_VERSION_UNSUPPORTED 505';
const upgrade = 'ERR_WIRE_UPGRADE_INVALID 400';

const lineRows: readonly Row[] = [
  ['an empty line first', `\r\n${get}\r\n`, line],
  ['a bare line feed first', `\n${get}\r\n`, line],
  ['a space first', ` ${get}\r\n`, line],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01', line],
  ['a SOCKS greeting', '\x05\x01\x00', line],
  ['two spaces after the method', `GET  / HTTP/1.1\r\n${host}\r\n`, line],
  ['two spaces before the version', `GET /  HTTP/1.1\r\n${host}\r\n`, line],
  ['a tab after the method', `GET\t/ HTTP/1.1\r\n${host}\r\n`, line],
  ['a space after the version', `GET / HTTP/1.1 \r\n${host}\r\n`, line],
  ['no version (HTTP/0.9)', `GET /\r\n\r\n`, line],
  ['no target', `GET HTTP/1.1\r\n${host}\r\n`, line],
  ['a method that is no token', `G(T / HTTP/1.1\r\n${host}\r\n`, line],
  ['a method in lower case', `get / HTTP/1.1\r\n${host}\r\n`, line],
  ['a method in mixed case', `Delete / HTTP/1.1\r\n${host}\r\n`, line],
  ['a method of 33 letters', `${'A'.repeat(33)} / HTTP/1.1\r\n${host}\r\n`, line],
  ['a version in lower case', `GET / http/1.1\r\n${host}\r\n`, line],
  ['a version with a leading zero', `GET / HTTP/01.1\r\n${host}\r\n`, line],
  ['HTTP/1.10', `GET / HTTP/1.10\r\n${host}\r\n`, line],
  ['HTTP/2.0', `GET / HTTP/2.0\r\n${host}\r\n`, version],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', version],
  ['HTTP/1.2', `GET / HTTP/1.2\r\n${host}\r\n`, version],
  ['HTTP/0.9 spelt out', `GET / HTTP/0.9\r\n${host}\r\n`, version],
];

const targetRows: readonly Row[] = [
  ['a fragment', `GET /a#b HTTP/1.1\r\n${host}\r\n`, target],
  ['a fragment in the query', `GET /a?b#c HTTP/1.1\r\n${host}\r\n`, target],
  ['an octet above 0x7f', `GET /\xe9 HTTP/1.1\r\n${host}\r\n`, target],
  ['NUL', `GET /\0 HTTP/1.1\r\n${host}\r\n`, target],
  ['a bare carriage return', `GET /\r HTTP/1.1\r\n${host}\r\n`, field],
  ['DEL', `GET /\x7f HTTP/1.1\r\n${host}\r\n`, target],
  ['a target without a slash', `GET a HTTP/1.1\r\n${host}\r\n`, target],
  ['a query alone', `GET ?a HTTP/1.1\r\n${host}\r\n`, target],
  ['a star with GET', `GET * HTTP/1.1\r\n${host}\r\n`, target],
  ['a star and more', `OPTIONS *x HTTP/1.1\r\n${host}\r\n`, target],
  ['CONNECT', `CONNECT a:443 HTTP/1.1\r\n${host}\r\n`, 'ERR_WIRE_CONNECT 400'],
  ['CONNECT of a path', `CONNECT / HTTP/1.1\r\n${host}\r\n`, 'ERR_WIRE_CONNECT 400'],
  ['TRACE', `TRACE / HTTP/1.1\r\n${host}\r\n`, target],
  ['userinfo', `GET http://u@a/ HTTP/1.1\r\n${host}\r\n`, target],
  ['userinfo with a password', `GET http://u:p@a/ HTTP/1.1\r\n${host}\r\n`, target],
  ['another scheme', `GET ftp://a/ HTTP/1.1\r\n${host}\r\n`, target],
  ['an absolute target without a host', `GET http:///x HTTP/1.1\r\n${host}\r\n`, target],
  ['a scheme without slashes', `GET http:a HTTP/1.1\r\n${host}\r\n`, target],
  ['an absolute target for another host', `GET http://b/ HTTP/1.1\r\n${host}\r\n`, badHost],
  ['an absolute target for another port', `GET http://a:81/ HTTP/1.1\r\nHost: a:80\r\n\r\n`, badHost],
  ['a backslash in the authority', `GET http://a\\b/ HTTP/1.1\r\n${host}\r\n`, target],
];

const hostRows: readonly Row[] = [
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', badHost],
  ['no Host in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', badHost],
  ['no Host but an absolute target', 'GET http://a/ HTTP/1.1\r\n\r\n', badHost],
  ['two equal Hosts', `${get}Host: a\r\n\r\n`, badHost],
  ['two Hosts in different case', `${get}hOsT: b\r\n\r\n`, badHost],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', badHost],
  ['a list of hosts', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', badHost],
  ['a comma', 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n', badHost],
  ['a space', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', badHost],
  ['a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', badHost],
  ['userinfo in Host', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', badHost],
  ['a percent escape', 'GET / HTTP/1.1\r\nHost: %61\r\n\r\n', badHost],
  ['an octet above 0x7f', 'GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n', badHost],
  ['two dots', 'GET / HTTP/1.1\r\nHost: a..b\r\n\r\n', badHost],
  ['two dots at the end', 'GET / HTTP/1.1\r\nHost: a..\r\n\r\n', badHost],
  ['a dot alone', 'GET / HTTP/1.1\r\nHost: .\r\n\r\n', badHost],
  ['a dot first', 'GET / HTTP/1.1\r\nHost: .a\r\n\r\n', badHost],
  ['an empty port', 'GET / HTTP/1.1\r\nHost: a:\r\n\r\n', badHost],
  ['a port above 65535', 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n', badHost],
  ['a port of six digits', 'GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n', badHost],
  ['a port with a sign', 'GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n', badHost],
  ['two ports', 'GET / HTTP/1.1\r\nHost: a:80:81\r\n\r\n', badHost],
  ['IPv6 without brackets', 'GET / HTTP/1.1\r\nHost: ::1\r\n\r\n', badHost],
  ['IPv6 that is none', 'GET / HTTP/1.1\r\nHost: [:::1]\r\n\r\n', badHost],
  ['an IPv6 zone', 'GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n', badHost],
  ['a bracket that is not closed', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', badHost],
  ['brackets and more', 'GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n', badHost],
  ['a Host above 255 octets', `GET / HTTP/1.1\r\nHost: ${'a'.repeat(256)}\r\n\r\n`, badHost],
];

const fieldRows: readonly Row[] = [
  ['bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n', field],
  ['a bare line feed between fields', `${get}A: b\nC: d\r\n\r\n`, field],
  ['a bare carriage return between fields', `${get}A: b\rC: d\r\n\r\n`, field],
  ['a bare carriage return that would hide an octet', `${get}A: b\rxC: d\r\n\r\n`, field],
  ['a bare carriage return in a value', `${get}A: b\rc\r\n\r\n`, field],
  ['CR CR LF', `${get}A: b\r\r\n\r\n`, field],
  ['a line feed before the colon', `${get}A\n: b\r\n\r\n`, field],
  ['obs-fold with a space', `${get}A: b\r\n c\r\n\r\n`, field],
  ['obs-fold with a tab', `${get}A: b\r\n\tc\r\n\r\n`, field],
  ['obs-fold of the first field', `GET / HTTP/1.1\r\n Host: a\r\n\r\n`, field],
  ['a space before the colon', `${get}A : b\r\n\r\n`, field],
  ['a tab before the colon', `${get}A\t: b\r\n\r\n`, field],
  ['a space before the colon of a framing field', `${post}Transfer-Encoding : chunked\r\n\r\n`, field],
  ['a space in a name', `${get}A B: c\r\n\r\n`, field],
  ['an empty name', `${get}: b\r\n\r\n`, field],
  ['a line without a colon', `${get}A\r\n\r\n`, field],
  ['NUL in a name', `${get}A\0: b\r\n\r\n`, field],
  ['NUL in a value', `${get}A: b\0\r\n\r\n`, field],
  ['vertical tab in front of a value', `${post}Transfer-Encoding: \x0bchunked\r\n\r\n`, field],
  ['DEL in a value', `${get}A: \x7f\r\n\r\n`, field],
  ['an escape sequence in a value', `${get}A: \x1b[2J\r\n\r\n`, field],
  ['an octet above 0x7f in a name', `${get}\xe9: b\r\n\r\n`, field],
  ['a quoted name', `${get}"A": b\r\n\r\n`, field],
  ['a parenthesis in a name', `${get}A(: b\r\n\r\n`, field],
  ['a Connection option that is no token', `${get}Connection: close\xa0\r\n\r\n`, field],
  ['a quoted Connection option', `${get}Connection: "close"\r\n\r\n`, field],
  [
    '40 Connection options',
    `${get}Connection: ${Array.from({ length: 40 }, (_, at) => `x${at}`).join(',')}\r\n\r\n`,
    field,
  ],
  [
    '40 Connection lines',
    `${get}${Array.from({ length: 40 }, (_, at) => `Connection: x${at}\r\n`).join('')}\r\n`,
    field,
  ],
  ['an unknown expectation', `${post}Expect: 200-ok\r\n\r\n`, field],
  ['an expectation with more before it', `${post}Expect: y 100-continue\r\n\r\n`, field],
  ['two expectations', `${post}Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n`, field],
];

const framingRows: readonly Row[] = [
  ['Content-Length and Transfer-Encoding', `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`, framing],
  ['Transfer-Encoding and Content-Length', `${post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n`, framing],
  ['differing Content-Lengths', `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\n`, framing],
  ['equal Content-Lengths', `${post}Content-Length: 3\r\nContent-Length: 3\r\n\r\n`, framing],
  ['Content-Length as a list', `${post}Content-Length: 3, 3\r\n\r\n`, framing],
  ['an empty Content-Length', `${post}Content-Length:\r\n\r\n`, framing],
  ['a positive Content-Length', `${post}Content-Length: +3\r\n\r\n`, framing],
  ['a negative Content-Length', `${post}Content-Length: -3\r\n\r\n`, framing],
  ['a space in Content-Length', `${post}Content-Length: 3 3\r\n\r\n`, framing],
  ['a zero in front', `${post}Content-Length: 03\r\n\r\n`, framing],
  ['a hexadecimal Content-Length', `${post}Content-Length: 0x3\r\n\r\n`, framing],
  ['a fraction', `${post}Content-Length: 3.0\r\n\r\n`, framing],
  ['an exponent', `${post}Content-Length: 3e1\r\n\r\n`, framing],
  ['an underscore', `${post}Content-Length: 1_0\r\n\r\n`, framing],
  ['a Content-Length above 2^53', `${post}Content-Length: 9007199254740993\r\n\r\n`, framing],
  ['a quoted Content-Length', `${post}Content-Length: "3"\r\n\r\n`, framing],
  ['an unknown coding', `${post}Transfer-Encoding: cow\r\n\r\n`, framing],
  ['an unknown coding first', `${post}Transfer-Encoding: cow, chunked\r\n\r\n`, framing],
  ['chunked not last', `${post}Transfer-Encoding: chunked, gzip\r\n\r\n`, framing],
  ['chunked twice', `${post}Transfer-Encoding: chunked, chunked\r\n\r\n`, framing],
  ['chunked on two lines', `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`, framing],
  ['chunked after identity', `${post}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n`, framing],
  ['identity after chunked', `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n`, framing],
  ['an empty Transfer-Encoding', `${post}Transfer-Encoding:\r\n\r\n`, framing],
  ['a comma after chunked', `${post}Transfer-Encoding: chunked,\r\n\r\n`, framing],
  ['a comma before chunked', `${post}Transfer-Encoding: ,chunked\r\n\r\n`, framing],
  ['a parameter of chunked', `${post}Transfer-Encoding: chunked;q=1\r\n\r\n`, framing],
  ['quoted chunked', `${post}Transfer-Encoding: "chunked"\r\n\r\n`, framing],
  ['chunked and obs-text', `${post}Transfer-Encoding: chunked\xa0\r\n\r\n`, framing],
  ['chunked with a prefix', `${post}Transfer-Encoding: xchunked\r\n\r\n`, framing],
  ['chunked in HTTP/1.0', `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n`, framing],
  ['content_length', `${post}content_length: 3\r\n\r\n`, framing],
  ['Content.Length', `${post}Content.Length: 3\r\n\r\n`, framing],
  ['content!length', `${post}content!length: 3\r\n\r\n`, framing],
  ['transfer_encoding', `${post}transfer_encoding: chunked\r\n\r\n`, framing],
  ['TRANSFER.ENCODING', `${post}TRANSFER.ENCODING: chunked\r\n\r\n`, framing],
  ['gzip, chunked', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'ERR_WIRE_FRAMING_INVALID 501'],
];

const chunkRows: readonly Row[] = [
  ['no size', `${chunked}\r\nabc`, chunk],
  ['a size that is not hexadecimal', `${chunked}g\r\n`, chunk],
  ['0x in front', `${chunked}0x3\r\nabc`, chunk],
  ['a sign', `${chunked}+3\r\nabc`, chunk],
  ['a minus sign', `${chunked}-3\r\nabc`, chunk],
  ['a space in front', `${chunked} 3\r\nabc`, chunk],
  ['a space behind', `${chunked}3 \r\nabc`, chunk],
  ['a tab behind', `${chunked}3\t\r\nabc`, chunk],
  ['an underscore', `${chunked}1_0\r\n`, chunk],
  ['an extension', `${chunked}3;a=b\r\nabc\r\n`, chunk],
  ['an extension without a name', `${chunked}3;\r\nabc\r\n`, chunk],
  ['an extension of the last chunk', `${chunked}0;a\r\n\r\n`, chunk],
  ['an extension with a line feed', `${chunked}3;a\nabc\r\n`, chunk],
  ['a bare line feed after the size', `${chunked}3\nabc\r\n`, chunk],
  ['a bare carriage return after the size', `${chunked}3\rabc\r\n`, chunk],
  ['a size of 14 digits', `${chunked}${'0'.repeat(13)}3\r\nabc`, chunk],
  ['a size that overflows', `${chunked}${'f'.repeat(16)}\r\n`, chunk],
];

const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const thirteen = 'Sec-WebSocket-Version: 13\r\n';
const asks = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

const upgradeRows: readonly Row[] = [
  [
    'another protocol beside WebSocket',
    `${get}Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n${thirteen}${key}\r\n`,
    upgrade,
  ],
  ['another protocol in a second line', `${get}${asks}Upgrade: h2c\r\n${thirteen}${key}\r\n`, upgrade],
  ['WebSocket asked for twice', `${get}${asks}Upgrade: websocket\r\n${thirteen}${key}\r\n`, upgrade],
  ['a version of the protocol', `${get}Connection: Upgrade\r\nUpgrade: websocket/13\r\n${thirteen}${key}\r\n`, upgrade],
  ['a method other than GET', `${post}${asks}${thirteen}${key}\r\n`, upgrade],
  ['a body', `${get}${asks}${thirteen}${key}Content-Length: 1\r\n\r\na`, upgrade],
  ['an empty body', `${get}${asks}${thirteen}${key}Content-Length: 0\r\n\r\n`, upgrade],
  ['a chunked body', `${get}${asks}${thirteen}${key}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, upgrade],
  ['no version', `${get}${asks}${key}\r\n`, upgrade],
  ['another version', `${get}${asks}Sec-WebSocket-Version: 8\r\n${key}\r\n`, upgrade],
  ['two versions', `${get}${asks}${thirteen}${thirteen}${key}\r\n`, upgrade],
  ['no key', `${get}${asks}${thirteen}\r\n`, upgrade],
  ['two keys', `${get}${asks}${thirteen}${key}${key}\r\n`, upgrade],
  ['an empty key', `${get}${asks}${thirteen}Sec-WebSocket-Key:\r\n\r\n`, upgrade],
  ['a key that is too short', `${get}${asks}${thirteen}Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n`, upgrade],
  [
    'a key with bits in its padding',
    `${get}${asks}${thirteen}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n\r\n`,
    upgrade,
  ],
  ['a key that is no base64', `${get}${asks}${thirteen}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n\r\n`, upgrade],
  [
    'a key that Connection names away',
    `${get}Connection: Upgrade, Sec-WebSocket-Key\r\nUpgrade: websocket\r\n${thirteen}${key}\r\n`,
    upgrade,
  ],
];

const afterDataRows: readonly Row[] = [
  ['no CRLF after data', `${chunked}3\r\nabc0\r\n\r\n`, chunk],
  ['more data than the size', `${chunked}3\r\nabcd\r\n`, chunk],
  ['a bare line feed after data', `${chunked}3\r\nabc\n0\r\n\r\n`, chunk],
  ['a bare carriage return after data', `${chunked}3\r\nabc\r0\r\n\r\n`, chunk],
  ['a carriage return alone as trailers', `${chunked}3\r\nabc\r\n0\r\n\rX`, chunk],
  ['a line feed alone as trailers', `${chunked}3\r\nabc\r\n0\r\n\n`, field],
  ['a trailer without a colon', `${chunked}3\r\nabc\r\n0\r\nA\r\n\r\n`, field],
  ['a space before the colon of a trailer', `${chunked}3\r\nabc\r\n0\r\nA : b\r\n\r\n`, field],
  ['a folded trailer', `${chunked}3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n`, field],
  ['trailers with bare line feeds', `${chunked}3\r\nabc\r\n0\r\nA: b\n\n`, field],
  ['a twin of a framing field as a trailer', `${chunked}3\r\nabc\r\n0\r\ncontent_length: 1\r\n\r\n`, field],
];

function refuses(rows: readonly Row[], before: readonly string[] = []): void {
  for (const [what, bytes, fault] of rows) {
    test(`refuses ${what}`, () => {
      const whole = readRequests([octets(bytes)]);
      assert.deepEqual(summary(whole), [...before, fault]);
      const split = readRequests([...bytes].map((octet) => octets(octet)));
      assert.deepEqual(summary(split), [...before, fault], 'octet by octet');
    });
  }
}

describe('a request line', () => refuses(lineRows));
describe('a target', () => refuses(targetRows));
describe('a Host', () => refuses(hostRows));
describe('a field line', () => refuses(fieldRows));
describe('framing', () => refuses(framingRows));
describe('a chunk line', () => refuses(chunkRows, ['head']));
describe('a WebSocket handshake', () => refuses(upgradeRows));
describe('what follows chunk data', () => refuses(afterDataRows, ['head', 'body:abc']));

describe('a message about a refused request', () => {
  test('shows neither the value of a field nor the query', () => {
    const secrets = [
      `${get}Authorization: s3cret\0\r\n\r\n`,
      `${get}Authorization : s3cret\r\n\r\n`,
      `${get}Cookie\r\n: s3cret\r\n\r\n`,
      `GET /?token=s3cret HTTP/1.1 \r\n${host}\r\n`,
      `GET /?token=s3cret\0 HTTP/1.1\r\n${host}\r\n`,
    ];
    for (const bytes of secrets) {
      const [fault] = readRequests([octets(bytes)]);
      assert.equal(fault?.kind, 'fault');
      assert.doesNotMatch((fault as { readonly message: string }).message, /s3cret/);
    }
  });

  test('is one line of printable ASCII whatever was sent', () => {
    for (let octet = 0; octet < 256; octet++) {
      const sent = String.fromCharCode(octet);
      for (const bytes of [`${sent}${get}\r\n`, `${get}${sent}\r\n\r\n`, `GET ${sent} HTTP/1.1\r\n\r\n`]) {
        for (const event of readRequests([octets(bytes)])) {
          if (event.kind === 'fault') assert.match(event.message, /^[\x20-\x7e…]+$/);
        }
      }
    }
  });
});
