// Requests that policy denies, in every disguise: by path, by Host and by field. The listeners of the table deny what is
// below `/denied`, what is for the host `denied.internal`, and what says `x-denied: yes`.

import { code, denied, forwarded, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
const samePath = 'wire.md: policy sees another path than the workload';
const sameHost = 'Istio CVE-2021-39155';
const body = 'RFC 9112 §9.3: the body of a denied request';

/** Paths that some workload resolves to `/denied/x`: each is denied, refused, or no other spelling of it. */
const asDenied: readonly string[] = ['/denied/x', '/denied/x?y=z', '/denied/x/y', '/denied/x%20y'];
const canonicalized: readonly string[] = [
  '//denied/x',
  '/denied//x',
  '/./denied/x',
  '/x/../denied/x',
  '/denied/y/../x',
  '/x/%2e%2e/denied/x',
  '/%64enied/x',
  '/%64%65%6e%69%65%64/x',
  '/\\denied\\x',
  '/x\\..\\denied\\x',
  '/denied/%2E/x',
];
const without: readonly string[] = [
  '/x/..;/denied/x',
  '/denied%2fx',
  '/%2fdenied/x',
  '/denied%5cx',
  '/%2564enied/x',
  '/x/%252e%252e/denied/x',
  '/denied/%c0%ae%c0%ae/x',
  '/denied%00/x',
  '/denied;x/y',
  '/;/denied/x',
  '/denied%3bx/y',
];

function get(target: string, fields = 'Host: a\r\n'): string {
  return `GET ${target} HTTP/1.1\r\n${fields}\r\n`;
}

function post(framing: string, rest: string): string {
  return `POST /denied/x HTTP/1.1\r\nHost: a\r\n${framing}\r\n${rest}`;
}

const byHost: readonly (readonly [name: string, send: string])[] = [
  ['the host as it is written', get('/x', 'Host: denied.internal\r\n')],
  ['the host in upper case', get('/x', 'Host: DENIED.Internal\r\n')],
  ['the host with a dot at its end', get('/x', 'Host: denied.internal.\r\n')],
  ['the host with a port', get('/x', 'Host: denied.internal:8443\r\n')],
  ['the host in every disguise at once', get('/x', 'hOST:   Denied.INTERNAL.:00443 \r\n')],
  ['an absolute target for the host', get('http://denied.internal/x', 'Host: denied.internal\r\n')],
  ['an absolute target in another spelling', get('HTTPS://DENIED.internal./x', 'Host: denied.internal\r\n')],
];

const bodies: readonly WireCase[] = [
  {
    name: 'a request hidden in its body is not served, and the connection goes on',
    source: body,
    send: post(`Content-Length: ${hidden.length}\r\n`, hidden),
    expect: denied(),
  },
  {
    name: 'a second request behind its body is served',
    source: body,
    send: post('Content-Length: 3\r\n', `abc${hidden}`),
    expect: { kind: 'judged', statuses: [403, 200], requests: ['GET /admin HTTP/1.1\nHost: a\n\n'], closes: false },
  },
  {
    name: 'between two requests that are allowed',
    source: 'RFC 9112 §9.3.2',
    send: get('/1') + get('/denied/2') + get('/3'),
    expect: {
      kind: 'judged',
      statuses: [200, 403, 200],
      requests: ['GET /1 HTTP/1.1\nHost: a\n\n', 'GET /3 HTTP/1.1\nHost: a\n\n'],
      closes: false,
    },
  },
  {
    name: 'a chunked body ends the connection',
    source: body,
    send: post('Transfer-Encoding: chunked\r\n', `3\r\nabc\r\n0\r\n\r\n${hidden}`),
    expect: denied(true),
  },
  {
    name: 'a broken chunked body ends the connection',
    source: body,
    send: post('Transfer-Encoding: chunked\r\n', `0;x\r\n${hidden}`),
    expect: denied(true),
  },
  {
    name: 'a body above 64 KiB ends the connection',
    source: body,
    send: post('Content-Length: 70000\r\n', `abc${hidden}`),
    expect: denied(true),
  },
  {
    name: 'an expectation gets the denial and no 100, and ends the connection',
    source: 'RFC 9110 §10.1.1; Expect desync',
    send: post(`Expect: 100-continue\r\nContent-Length: ${hidden.length}\r\n`, hidden),
    expect: denied(true),
  },
  {
    name: 'HTTP/1.0 ends the connection',
    source: 'RFC 9112 §9.3',
    send: `GET /denied/x HTTP/1.0\r\nHost: a\r\n\r\n${hidden}`,
    expect: denied(true),
  },
  {
    name: 'HEAD gets no body, and the connection goes on',
    source: 'RFC 9110 §9.3.2',
    send: 'HEAD /denied/x HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: denied(),
  },
  {
    name: 'h2c is no way around',
    source: 'RFC 9113 §3.1',
    send: get(
      '/denied/x',
      'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
    ),
    expect: denied(),
  },
  {
    name: 'a WebSocket upgrade is no way around',
    source: 'RFC 6455 §4.2.1',
    send: get(
      '/denied/x',
      'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ),
    expect: denied(),
  },
];

const byField: readonly WireCase[] = [
  {
    name: 'a field as it is written',
    source: 'RFC 9110 §5.3',
    send: get('/x', 'Host: a\r\nX-Denied: yes\r\n'),
    expect: denied(),
  },
  {
    name: 'a field with blanks around its value',
    source: 'RFC 9110 §5.5',
    send: get('/x', 'Host: a\r\nx-DENIED: \t yes \r\n'),
    expect: denied(),
  },
  {
    name: 'a field that `Connection` names is gone for policy and workload alike',
    source: 'RFC 9110 §7.6.1',
    send: get('/x', 'Host: a\r\nConnection: x-denied\r\nX-Denied: yes\r\n'),
    expect: forwarded('GET /x HTTP/1.1\nHost: a\n\n'),
  },
];

export const denials: WireCaseClass = {
  title: 'Denied in every disguise',
  about:
    'What is denied stays so however it is written: a spelling of it is denied as well, or refused. Nothing of it reaches the workload, and its body is never taken for a request.',
  cases: [
    ...asDenied.map((path): WireCase => ({ name: code(path), source: samePath, send: get(path), expect: denied() })),
    ...canonicalized.map(
      (path): WireCase => ({
        name: `${code(path)}, canonicalize`,
        source: samePath,
        listener: 'canonicalize',
        send: get(path),
        expect: denied(),
      }),
    ),
    ...without.map(
      (path): WireCase => ({
        name: `${code(path)}, canonicalize`,
        source: samePath,
        listener: 'canonicalize',
        send: get(path),
        expect: refused(),
      }),
    ),
    {
      name: '`http://a/denied/x`',
      source: 'RFC 9112 §3.2.2',
      send: get('http://a/denied/x'),
      expect: denied(),
    },
    ...byHost.map(([name, send]): WireCase => ({ name, source: sameHost, send, expect: denied() })),
    ...byField,
    ...bodies,
  ],
};
