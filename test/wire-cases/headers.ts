// Fields by which a caller would be somebody else, hide something, or reach past this hop.

import { code, forwarded, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const evil = 'spiffe://prod.acme.com/ns/admin/root';
const envoy = 'Envoy CVE-2020-25017';
const twins = 'Traefik CVE-2026-33433, CVE-2026-88011';
const nominated = 'RFC 9110 §7.6.1; CVE-2024-45410 (Traefik)';
const hop = 'RFC 9110 §7.6.1';

/** Lines that are dropped wherever they stand: what goes on is as if they had not been sent. */
const dropped: readonly (readonly [lines: readonly string[], source: string])[] = [
  [[`X-Forwarded-Client-Cert: By=x;URI=${evil}`], 'wire.md: identity fields'],
  [[`x-forwarded-client-cert: URI=${evil}`, `X-FORWARDED-CLIENT-CERT: URI=${evil}`], envoy],
  [['X-Forwarded-Client-Cert:'], envoy],
  [[`X_Forwarded_Client_Cert: URI=${evil}`], twins],
  [[`X.Forwarded.Client.Cert: URI=${evil}`], twins],
  [[`X-Forwarded_Client-Cert: URI=${evil}`], twins],
  [[`x!forwarded~client|cert: URI=${evil}`], twins],
  [['Client-Cert: :AA==:'], 'RFC 9440 §4'],
  [['CLIENT_CERT: :AA==:'], twins],
  [['Client-Cert-Chain: :AA==:'], 'RFC 9440 §4'],
  [['client.cert.chain: :AA==:'], twins],
  [[`X-Spiffe-Id: ${evil}`], 'wire.md: identity fields'],
  [[`x_spiffe_id: ${evil}`], twins],
  [[`X.SPIFFE-anything: ${evil}`], twins],
  [['X-Spiffe-: x'], 'wire.md: identity fields'],
  [[`X-Postern-Peer: ${evil}`], 'wire.md: identity fields'],
  [[`x-postern-peer: ${evil}`, `x-postern-peer: ${evil}`], envoy],
  [[`X_POSTERN_PEER: ${evil}`], twins],
  [[`x\`postern\`peer: ${evil}`], twins],
  [['X-Postern-Decision-Id: 00000000-0000-7000-8000-000000000000'], 'wire.md: identity fields'],
  [['X-Postern-Something: x'], 'wire.md: identity fields'],
  [['x_postern.new: x'], twins],
  [['TE: trailers'], hop],
  [['te: gzip'], hop],
  [['Keep-Alive: timeout=1000'], hop],
  [['Keep_Alive: x'], twins],
  [['Proxy-Connection: keep-alive'], 'RFC 9112 §C.2.2'],
  [['Proxy-Authorization: Basic eDp5'], 'RFC 9110 §11.7.2'],
  [['proxy_authorization: Basic eDp5'], twins],
  [['Proxy-Authenticate: Basic'], 'RFC 9110 §11.7.1'],
  [['Upgrade: x'], hop],
  [['HTTP2-Settings: AAMAAABk'], 'RFC 9113 §3.1'],
  [['Proxy: http://evil:3128'], 'CVE-2016-5385 (httpoxy)'],
  [['PROXY: evil'], 'CVE-2016-5385 (httpoxy)'],
  [['traceparent: 00-00000000000000000000000000000000-0000000000000000-01'], 'W3C Trace Context §3.2.2'],
  [['X_Request_Id: forged', 'x.forwarded.for: 10.0.0.1'], twins],
];

/** What Connection names, and what is left of the lines beside it. */
const nominations: readonly (readonly [connection: string, lines: string, left: string, source: string])[] = [
  ['close, X-Hop', 'X-Hop: 1\r\nX-Kept: 2\r\n', 'X-Kept: 2\n', hop],
  ['x-hop', 'X-HOP: 1\r\nX-Kept: 2\r\n', 'X-Kept: 2\n', hop],
  ['authorization', 'Authorization: Bearer x\r\n', '', hop],
  ['cookie, content-type', 'Cookie: a=b\r\nContent-Type: text/plain\r\nX: y\r\n', 'X: y\n', hop],
  ['x-forwarded-client-cert', '', '', nominated],
  ['X-Forwarded-Client-Cert, x-postern-peer, x-postern-decision-id', '', '', nominated],
  ['x-request-id, traceparent, x-forwarded-for', '', '', nominated],
  ['x-forwarded-client-cert', `X-Forwarded-Client-Cert: URI=${evil}\r\n`, '', nominated],
  ['host', '', '', nominated],
  ['keep-alive, , close', 'X: y\r\n', 'X: y\n', 'RFC 9110 §5.6.1.2: empty elements'],
  ['x_kept', 'X-Kept: 2\r\n', 'X-Kept: 2\n', 'RFC 9110 §5.1: another name'],
  ['__proto__, constructor', '__proto__: 1\r\nX: y\r\n', 'X: y\n', 'wire.md: headers named `__proto__`'],
];

/** Fields of other proxies and of frameworks: not ours to judge, passed as they came. */
const kept: readonly string[] = [
  'X-Real-IP: 10.0.0.1',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Port: 1',
  'X-HTTP-Method-Override: DELETE',
  'X-Original-URL: /admin',
  'X_User: root',
  'X-Clientcert: x',
  'X-Spiffe: x',
  'X-Posterns: x',
  'Authorization: Bearer x',
  'Via: 1.1 evil',
  'Max-Forwards: 0',
];

/** Fields that Postern writes anew, from what the caller sent where that is fit. */
const rewritten: readonly (readonly [
  name: string,
  lines: string,
  added: Readonly<Record<string, string>>,
  source: string,
])[] = [
  ['a request id goes on', 'X-Request-Id: abc-1\r\n', { 'x-request-id': 'abc-1' }, 'decision-records.md: correlation'],
  [
    'a chain of addresses is appended to',
    'X-Forwarded-For: 10.0.0.1\r\n',
    { 'x-forwarded-for': '10.0.0.1, 127.0.0.1' },
    'RFC 7239 §5.2',
  ],
  [
    'two chains are joined',
    'X-Forwarded-For: 10.0.0.1\r\nx-forwarded-for: 127.0.0.1\r\n',
    { 'x-forwarded-for': '10.0.0.1, 127.0.0.1, 127.0.0.1' },
    envoy,
  ],
  [
    'a request id that Connection names is kept',
    'Connection: x-request-id\r\nX-Request-Id: abc-2\r\n',
    { 'x-request-id': 'abc-2' },
    nominated,
  ],
  [
    'a chain of addresses that Connection names is kept',
    'Connection: x-forwarded-for\r\nX-Forwarded-For: 10.0.0.9\r\n',
    { 'x-forwarded-for': '10.0.0.9, 127.0.0.1' },
    nominated,
  ],
];

function got(left: string): string {
  return `GET /x HTTP/1.1\nHost: a\n${left}\n`;
}

function get(fields: string): string {
  return `GET /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

export const headers: WireCaseClass = {
  title: 'Identity and hop-by-hop fields',
  about:
    'Who the peer is comes from its certificate. Each spelling that some workload reads as one of our fields is dropped, `Connection` cannot name our fields away, and what belongs to this hop ends here.',
  cases: [
    ...dropped.map(
      ([lines, source]): WireCase => ({
        name: `${lines.map(code).join(' and ')} dropped`,
        source,
        send: get(`A: 1\r\n${lines.join('\r\n')}\r\nB: 2\r\n`),
        expect: forwarded(got('A: 1\nB: 2\n')),
      }),
    ),
    ...nominations.map(
      ([connection, lines, left, source]): WireCase => ({
        name: `\`Connection: ${connection}\`${lines === '' ? '' : ` with \`${lines.split('\r\n')[0]}\``}`,
        source,
        send: get(`Connection: ${connection}\r\n${lines}`),
        expect: forwarded(got(left)),
      }),
    ),
    {
      name: '`Connection: content-length` does not unframe a body',
      source: nominated,
      send: 'POST /x HTTP/1.1\r\nHost: a\r\nConnection: content-length\r\nContent-Length: 3\r\n\r\nabc',
      expect: forwarded('POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'),
    },
    {
      name: '`Connection: transfer-encoding` does not unframe a body',
      source: nominated,
      send: 'POST /x HTTP/1.1\r\nHost: a\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      expect: forwarded('POST /x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n'),
    },
    ...kept.map(
      (line): WireCase => ({
        name: `\`${line}\` goes on as it came`,
        source: 'wire.md: a field that is not in the table is passed',
        send: get(`${line}\r\n`),
        expect: forwarded(got(`${line}\n`)),
      }),
    ),
    ...rewritten.map(
      ([name, lines, added, source]): WireCase => ({
        name,
        source,
        send: get(lines),
        added,
        expect: forwarded(got('')),
      }),
    ),
    {
      name: '`Forwarded` is appended to',
      source: 'RFC 7239 §4',
      send: get('Forwarded: for=10.0.0.1\r\n'),
      expect: forwarded(got('forwarded: for=10.0.0.1, for=127.0.0.1;proto=https\n')),
    },
    {
      name: '`Forwarded` with a quote that stays open does not swallow what we append',
      source: 'RFC 7239 §4, §8.1',
      send: get('Forwarded: for="10.0.0.1\r\n'),
      expect: forwarded(got('forwarded: for=127.0.0.1;proto=https\n')),
    },
    {
      name: '`Forwarded` with an escaped quote at its end does not swallow what we append',
      source: 'RFC 7239 §4, §8.1',
      send: get('Forwarded: for="10.0.0.1\\"\r\n'),
      expect: forwarded(got('forwarded: for=127.0.0.1;proto=https\n')),
    },
    {
      name: '`Forwarded` with a whole quoted string',
      source: 'RFC 7239 §6',
      send: get('Forwarded: for="[2001:db8::1]";by="a, \\"b"\r\n'),
      expect: forwarded(got('forwarded: for="[2001:db8::1]";by="a, \\"b", for=127.0.0.1;proto=https\n')),
    },
    {
      name: '33 options of Connection',
      source: 'wire.md: options without end',
      send: get(`Connection: ${Array.from({ length: 33 }, (_, at) => `x${at}`).join(',')}\r\n`),
      expect: refused(),
    },
    {
      name: 'an option of Connection that is no token',
      source: hop,
      send: get('Connection: "close"\r\n'),
      expect: refused(),
    },
    {
      name: 'an option of Connection with 0xA0',
      source: hop,
      send: get('Connection: close\xa0\r\n'),
      expect: refused(),
    },
  ],
};
