// Request lines, methods, forms of the target, expectations and upgrades.

import { forwarded, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
const line = 'RFC 9112 §3';
const version = 'RFC 9110 §2.5, RFC 9112 §2.3';
const absolute = 'RFC 9112 §3.2.2';
const upgrade = 'RFC 9110 §7.8';
const h2c = 'RFC 9113 §3.1: h2c is gone; request tunnels past a proxy';
const expectation = 'RFC 9110 §10.1.1';

type Refusal = readonly [name: string, send: string, source: string, status?: number];

/** A whole head of this request line. */
function head(requestLine: string, fields = 'Host: a\r\n'): string {
  return `${requestLine}\r\n${fields}\r\n`;
}

const websocketKey = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

const refusals: readonly Refusal[] = [
  ['two spaces before the target', head('GET  /x HTTP/1.1'), line],
  ['two spaces before the version', head('GET /x  HTTP/1.1'), line],
  ['a tab before the target', head('GET\t/x HTTP/1.1'), line],
  ['a space behind the version', head('GET /x HTTP/1.1 '), line],
  ['a space in the target', head('GET /x y HTTP/1.1'), line],
  ['a second version behind the first', head('GET /x HTTP/1.1 HTTP/1.1'), line],
  ['no version: HTTP/0.9', 'GET /x\r\n\r\n', 'RFC 1945 §3.1: HTTP/0.9'],
  ['no target', head('GET HTTP/1.1'), line],
  ['no method', head('/x HTTP/1.1'), line],
  ['0xA0 for a space', head('GET\xa0/x\xa0HTTP/1.1'), line],
  ['`get`', head('get /x HTTP/1.1'), 'RFC 9110 §9.1: methods are case-sensitive'],
  ['`Get`', head('Get /x HTTP/1.1'), 'RFC 9110 §9.1: methods are case-sensitive'],
  ['`G(T`', head('G(T /x HTTP/1.1'), 'RFC 9110 §9.1'],
  ['`GET:`', head('GET: /x HTTP/1.1'), 'RFC 9110 §9.1'],
  ['NUL in the method', head('GE\x00T /x HTTP/1.1'), 'RFC 9110 §9.1'],
  ['a method of 33 letters', head(`${'M'.repeat(33)} /x HTTP/1.1`), 'RFC 9110 §9.1'],
  ['`http/1.1`', head('GET /x http/1.1'), version],
  ['`HTTP/1.10`', head('GET /x HTTP/1.10'), version],
  ['`HTTP/01.1`', head('GET /x HTTP/01.1'), version],
  ['`HTTP/1`', head('GET /x HTTP/1'), version],
  ['`HTTP/1.1x`', head('GET /x HTTP/1.1x'), version],
  ['`HTTP /1.1`', head('GET /x HTTP /1.1'), version],
  ['`HTTP/1,1`', head('GET /x HTTP/1,1'), version],
  ['`ICY/1.1`', head('GET /x ICY/1.1'), version],
  ['`HTTP/1.2`', head('GET /x HTTP/1.2'), version, 505],
  ['`HTTP/0.9` spelt out', head('GET /x HTTP/0.9'), version, 505],
  ['`HTTP/2.0`', head('GET /x HTTP/2.0'), `${version}; llhttp lets it through`, 505],
  ['`HTTP/3.0`', head('GET /x HTTP/3.0'), version, 505],
  ['the preface of HTTP/2 without ALPN', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'RFC 9113 §3.4', 505],
  ['`CONNECT a:443`', head('CONNECT a:443 HTTP/1.1'), 'RFC 9110 §9.3.6'],
  ['`CONNECT /x`', head('CONNECT /x HTTP/1.1'), 'RFC 9110 §9.3.6'],
  ['`CONNECT http://a/`', head('CONNECT http://a/ HTTP/1.1'), 'RFC 9110 §9.3.6'],
  ['CONNECT with a request in the tunnel', head('CONNECT a:80 HTTP/1.1') + hidden, 'RFC 9110 §9.3.6'],
  ['`TRACE /x`', head('TRACE /x HTTP/1.1'), 'RFC 9110 §9.3.8: it echoes what we add'],
  ['`GET *`', head('GET * HTTP/1.1'), 'RFC 9112 §3.2.4; wire.md `*`'],
  ['`OPTIONS *x`', head('OPTIONS *x HTTP/1.1'), 'RFC 9112 §3.2.4'],
  ['`OPTIONS */x`', head('OPTIONS */x HTTP/1.1'), 'RFC 9112 §3.2.4'],
  ['a target without a slash', head('GET admin HTTP/1.1'), 'RFC 9112 §3.2; gRPC-Go CVE-2026-33186'],
  ['a target of two dots', head('GET ../admin HTTP/1.1'), 'RFC 9112 §3.2'],
  ['a query for a target', head('GET ?x HTTP/1.1'), 'RFC 9112 §3.2'],
  ['an authority for a target', head('GET a:80 HTTP/1.1'), 'RFC 9112 §3.2.3'],
  ['an at sign for a target', head('GET @evil/admin HTTP/1.1'), 'RFC 9112 §3.2'],
  ['a fragment', head('GET /x#y HTTP/1.1'), 'RFC 9112 §3.2; wire.md: fragment'],
  ['a fragment behind dots', head('GET /admin#/../x HTTP/1.1'), 'RFC 9112 §3.2; Istio CVE-2021-39156'],
  ['a fragment in the query', head('GET /x?y#z HTTP/1.1'), 'RFC 9112 §3.2'],
  ['NUL in the target', head('GET /x\x00 HTTP/1.1'), 'RFC 9112 §3.2'],
  ['0xE9 in the target', head('GET /\xe9 HTTP/1.1'), 'RFC 9112 §3.2'],
  ['0xE9 in the query', head('GET /x?\xe9 HTTP/1.1'), 'RFC 9112 §3.2'],
  ['an absolute target of another host', head('GET http://b/x HTTP/1.1'), `${absolute}; Host differs`],
  [
    'an absolute target of another port',
    head('GET http://a:81/x HTTP/1.1', 'Host: a:80\r\n'),
    `${absolute}; Host differs`,
  ],
  ['an absolute target with a port that Host lacks', head('GET http://a:80/x HTTP/1.1'), `${absolute}; Host differs`],
  ['an absolute target without Host', head('GET http://a/x HTTP/1.1', ''), 'RFC 9110 §7.2'],
  ['userinfo', head('GET http://u@a/x HTTP/1.1'), 'RFC 9110 §4.2.4'],
  ['userinfo that looks like the host', head('GET http://a:80@b/x HTTP/1.1', 'Host: a:80\r\n'), 'RFC 9110 §4.2.4'],
  ['no host in an absolute target', head('GET http:///x HTTP/1.1'), absolute],
  ['one slash behind the scheme', head('GET http:/x HTTP/1.1'), absolute],
  ['a backslash behind the host', head('GET http://a\\@b/x HTTP/1.1'), `${absolute}; WHATWG URL`],
  ['`ftp://`', head('GET ftp://a/x HTTP/1.1'), absolute],
  ['`file:///`', head('GET file:///etc/passwd HTTP/1.1'), absolute],
  ['`javascript:`', head('GET javascript:x HTTP/1.1'), absolute],
  ['an absolute target with dots', head('GET http://a/x/../admin HTTP/1.1'), absolute],
  ['an absolute target with `//`', head('GET http://a//admin HTTP/1.1'), absolute],
  [
    'a target above 16 KiB in the query',
    head(`GET /?${'q'.repeat(17_000)} HTTP/1.1`),
    'wire.md: targets above 16 KiB',
    414,
  ],
  ['a request line that does not end', `GET /${'x'.repeat(20_000)}`, 'wire.md: targets above 16 KiB', 414],
  [
    'an unknown expectation',
    head('POST /x HTTP/1.1', 'Host: a\r\nExpect: 200-ok\r\nContent-Length: 0\r\n'),
    expectation,
  ],
  [
    'two expectations',
    head('POST /x HTTP/1.1', 'Host: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 0\r\n'),
    `${expectation}; Expect desync`,
  ],
  [
    'a list of expectations',
    head('POST /x HTTP/1.1', 'Host: a\r\nExpect: 100-continue, x\r\nContent-Length: 0\r\n'),
    expectation,
  ],
  [
    '`y 100-continue`',
    head('POST /x HTTP/1.1', 'Host: a\r\nExpect: y 100-continue\r\nContent-Length: 0\r\n'),
    `${expectation}; Expect desync`,
  ],
  [
    'an empty expectation',
    head('POST /x HTTP/1.1', 'Host: a\r\nExpect:\r\nContent-Length: 0\r\n'),
    `${expectation}; Expect desync`,
  ],
  [
    'h2c beside websocket',
    head('GET /x HTTP/1.1', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n'),
    h2c,
  ],
  [
    'a WebSocket upgrade without a key',
    head('GET /x HTTP/1.1', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'),
    'RFC 6455 §4.2.1',
  ],
  [
    'a WebSocket upgrade of another version',
    head(
      'GET /x HTTP/1.1',
      `Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${websocketKey}Sec-WebSocket-Version: 777\r\n`,
    ),
    'RFC 6455 §4.2.1; tunnel opened without a 101',
  ],
  [
    'a WebSocket upgrade by POST',
    head(
      'POST /x HTTP/1.1',
      `Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${websocketKey}Sec-WebSocket-Version: 13\r\n`,
    ),
    'RFC 6455 §4.1',
  ],
];

type Passage = readonly [name: string, send: string, got: string, source: string];

const passages: readonly Passage[] = [
  ['HTTP/1.0 becomes HTTP/1.1', head('GET /x HTTP/1.0'), 'GET /x HTTP/1.1\nHost: a\n\n', version],
  ['a method nobody knows', head('BREW-2_X /x HTTP/1.1'), 'BREW-2_X /x HTTP/1.1\nHost: a\n\n', 'RFC 9110 §9.1'],
  [
    'a method of 32 letters',
    head(`${'M'.repeat(32)} /x HTTP/1.1`),
    `${'M'.repeat(32)} /x HTTP/1.1\nHost: a\n\n`,
    'RFC 9110 §9.1',
  ],
  ['HEAD', head('HEAD /x HTTP/1.1'), 'HEAD /x HTTP/1.1\nHost: a\n\n', 'RFC 9110 §9.3.2'],
  ['`OPTIONS *`', head('OPTIONS * HTTP/1.1'), 'OPTIONS * HTTP/1.1\nHost: a\n\n', 'RFC 9112 §3.2.4'],
  ['an absolute target becomes a path', head('GET http://a/x?y HTTP/1.1'), 'GET /x?y HTTP/1.1\nHost: a\n\n', absolute],
  ['`https://`', head('GET https://a/x HTTP/1.1'), 'GET /x HTTP/1.1\nHost: a\n\n', absolute],
  ['a scheme and a host in upper case', head('GET HTTP://A/x HTTP/1.1'), 'GET /x HTTP/1.1\nHost: a\n\n', absolute],
  ['an absolute target without a path', head('GET http://a HTTP/1.1'), 'GET / HTTP/1.1\nHost: a\n\n', absolute],
  [
    'an absolute target with a query and no path',
    head('GET http://a?y HTTP/1.1'),
    'GET /?y HTTP/1.1\nHost: a\n\n',
    absolute,
  ],
  [
    'the same port in target and Host',
    head('GET http://a:81/x HTTP/1.1', 'Host: a:81\r\n'),
    'GET /x HTTP/1.1\nHost: a:81\n\n',
    absolute,
  ],
  ['a URL within a path', head('GET /http:/b/x HTTP/1.1'), 'GET /http:/b/x HTTP/1.1\nHost: a\n\n', absolute],
  [
    'h2c is ignored',
    head(
      'GET /x HTTP/1.1',
      'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
    ),
    'GET /x HTTP/1.1\nHost: a\n\n',
    h2c,
  ],
  [
    'h2c without Connection is ignored',
    head('GET /x HTTP/1.1', 'Host: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
    'GET /x HTTP/1.1\nHost: a\n\n',
    h2c,
  ],
  [
    'h2c in a POST is ignored',
    head('POST /x HTTP/1.1', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n'),
    'POST /x HTTP/1.1\nHost: a\nContent-Length: 0\n\n',
    h2c,
  ],
  [
    'an upgrade to TLS is ignored',
    head('OPTIONS * HTTP/1.1', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n'),
    'OPTIONS * HTTP/1.1\nHost: a\n\n',
    'RFC 2817 §3',
  ],
  [
    'an unknown upgrade is ignored',
    head('GET /x HTTP/1.1', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: x/1\r\n'),
    'GET /x HTTP/1.1\nHost: a\n\n',
    upgrade,
  ],
  [
    'a WebSocket upgrade that Connection does not name is none',
    head('GET /x HTTP/1.1', 'Host: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n'),
    'GET /x HTTP/1.1\nHost: a\nSec-WebSocket-Key: x\nSec-WebSocket-Version: 13\n\n',
    'RFC 6455 §4.2.1',
  ],
  [
    '`Expect: 100-continue` goes on',
    `${head('POST /x HTTP/1.1', 'Host: a\r\nExpect: 100-CONTINUE\r\nContent-Length: 3\r\n')}abc`,
    'POST /x HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 3\n\nabc',
    expectation,
  ],
  [
    '`Expect` without a body is dropped',
    head('GET /x HTTP/1.1', 'Host: a\r\nExpect: 100-continue\r\n'),
    'GET /x HTTP/1.1\nHost: a\n\n',
    `${expectation}; Expect desync`,
  ],
  [
    '`Expect` in HTTP/1.0 is dropped',
    `${head('POST /x HTTP/1.0', 'Host: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n')}abc`,
    'POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc',
    expectation,
  ],
  [
    '`E_x_p_e_c_t` is another field',
    head('GET /x HTTP/1.1', 'Host: a\r\nE_x_p_e_c_t: y\r\n'),
    'GET /x HTTP/1.1\nHost: a\nE_x_p_e_c_t: y\n\n',
    expectation,
  ],
];

export const targets: WireCaseClass = {
  title: 'Request lines, targets and upgrades',
  about:
    'One form of a request line; CONNECT and TRACE never; an absolute target has to agree with Host and goes on as a path; no upgrade but WebSocket.',
  cases: [
    ...refusals.map(([name, send, source, status]): WireCase => ({ name, source, send, expect: refused(status) })),
    ...passages.map(([name, send, got, source]): WireCase => ({ name, source, send, expect: forwarded(got) })),
  ],
};
