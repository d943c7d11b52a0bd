// Answers that are passed on, and what comes with them or behind them: a caller gets one well-framed answer to its request
// and never an answer that belongs to somebody else.

import { answerCase, type Expectation, type WireCase, type WireCaseClass } from './wire-case.ts';

const ok = 'HTTP/1.1 200 OK\r\n';
const okTwo = `${ok}Content-Length: 2\r\n\r\nok`;
const gotTwo = 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const evil = `${ok}Content-Length: 4\r\n\r\nevil`;
const splitting = 'CWE-113: response splitting';
const length = 'RFC 9112 §6.3';
const extra = 'Node CVE-2026-48931; RFC 9112 §6.3';
const interim = 'RFC 9110 §15.2';

const head = 'HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n';
const old = 'GET /x HTTP/1.0\r\nHost: a\r\n\r\n';

const extras: readonly (readonly [
  name: string,
  source: string,
  writes: readonly string[],
  got: string,
  send?: string,
])[] = [
  ['a second answer in the same piece', extra, [okTwo + evil], gotTwo],
  ['a second answer a turn later', extra, [okTwo, evil], gotTwo],
  ['more than its length', extra, [`${okTwo}!`], gotTwo],
  ['more than its length a turn later', extra, [okTwo, '!'], gotTwo],
  ['an empty line behind the answer', extra, [`${okTwo}\r\n`], gotTwo],
  [
    'a chunk behind the last one',
    extra,
    [`${chunked}2\r\nok\r\n0\r\n\r\n0\r\n\r\n`],
    'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nok',
  ],
  ['an interim answer behind the final one', extra, [okTwo, 'HTTP/1.1 103 H\r\n\r\n'], gotTwo],
  ['NUL behind the answer', extra, [okTwo, '\x00'], gotTwo],
  [
    'a body with 204',
    'RFC 9112 §6.3, rule 1',
    ['HTTP/1.1 204 N\r\nContent-Length: 4\r\n\r\nevil'],
    'HTTP/1.1 204 N\n\n',
  ],
  [
    'an answer as the body of 204',
    `RFC 9112 §6.3, rule 1; ${splitting}`,
    [`HTTP/1.1 204 N\r\n\r\n${evil}`],
    'HTTP/1.1 204 N\n\n',
  ],
  [
    'a body with 304',
    'RFC 9112 §6.3, rule 1',
    ['HTTP/1.1 304 N\r\nContent-Length: 4\r\n\r\nevil'],
    'HTTP/1.1 304 N\nContent-Length: 4\n\n',
  ],
  [
    'chunks with 304',
    'RFC 9112 §6.3, rule 1',
    ['HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    'HTTP/1.1 304 N\n\n',
  ],
  ['a body to HEAD', 'RFC 9110 §9.3.2', [okTwo], 'HTTP/1.1 200 OK\nContent-Length: 2\n\n', head],
  ['chunks to HEAD', 'RFC 9110 §9.3.2', [`${chunked}0\r\n\r\n`], 'HTTP/1.1 200 OK\n\n', head],
  [
    'an answer as the body to HEAD',
    `RFC 9110 §9.3.2; ${splitting}`,
    [`${ok}Content-Length: ${evil.length}\r\n\r\n${evil}`],
    `HTTP/1.1 200 OK\nContent-Length: ${evil.length}\n\n`,
    head,
  ],
  [
    '`Connection: close` and no close',
    'RFC 9112 §9.6',
    [`${ok}Connection: close\r\nContent-Length: 2\r\n\r\nok`],
    gotTwo,
  ],
  ['HTTP/1.0 without keep-alive', 'RFC 9112 §9.3', ['HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'], gotTwo],
];

/** Answers whose fields are not all for the caller, and what is left. */
const fields: readonly (readonly [name: string, source: string, lines: string, left: string])[] = [
  ['a forged decision id', 'wire.md: identity fields', 'X-Postern-Decision-Id: forged\r\n', ''],
  ['a twin of the decision id', 'Traefik CVE-2026-33433', 'x_postern_decision_id: forged\r\n', ''],
  [
    'identity fields',
    'wire.md: identity fields',
    'X-Spiffe-Id: x\r\nX-Forwarded-Client-Cert: x\r\nClient-Cert: x\r\n',
    '',
  ],
  [
    'hop-by-hop fields',
    'RFC 9110 §7.6.1',
    'Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\n',
    '',
  ],
  ['what Connection names', 'RFC 9110 §7.6.1', 'Connection: x-hop\r\nX-Hop: 1\r\nX-Kept: 2\r\n', 'X-Kept: 2\n'],
  ['`Connection: content-length`', 'RFC 9110 §7.6.1', 'Connection: content-length\r\n', ''],
  [
    'a percent-encoded CRLF',
    splitting,
    'Location: /x%0d%0aSet-Cookie:%20a=b\r\n',
    'Location: /x%0d%0aSet-Cookie:%20a=b\n',
  ],
  ['octets above 0x7f', 'RFC 9110 §5.5', 'X: \xe5\x98\x8a\xe5\x98\x8d\r\n', 'X: \xe5\x98\x8a\xe5\x98\x8d\n'],
  ['two cookies', 'RFC 6265 §3', 'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n', 'Set-Cookie: a=1\nSet-Cookie: b=2\n'],
  [
    'a correlation field of the workload',
    'decision-records.md: correlation',
    'X-Request-Id: mine\r\n',
    'X-Request-Id: mine\n',
  ],
];

/** What one request gets, with the ways in which it is special. */
type FramedRow = readonly [
  name: string,
  source: string,
  writes: readonly string[],
  got: string,
  special?: Partial<Extract<Expectation, { readonly kind: 'answered' }>> & {
    readonly send?: string;
    readonly afterwards?: 'close';
  },
];

const gotChunked = 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n';
const untilClose = { dropsWorkload: true, afterwards: 'close' } as const;
const trailers =
  'X-Sum: 1\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\nX-Postern-Decision-Id: forged\r\nx_postern_peer: x\r\n\r\n';

const framed: readonly FramedRow[] = [
  ['no length: until the end of the connection', length, [`${ok}\r\nabc`], `${gotChunked}abc`, untilClose],
  [
    'no length, to HTTP/1.0',
    length,
    [`${ok}\r\nabc`],
    'HTTP/1.1 200 OK\nConnection: close\n\nabc',
    { send: old, ...untilClose },
  ],
  [
    'chunks, to HTTP/1.0',
    'RFC 9112 §6.1',
    [`${chunked}3\r\nabc\r\n0\r\n\r\n`],
    'HTTP/1.1 200 OK\nConnection: close\n\nabc',
    { send: old },
  ],
  [
    'an interim answer, to HTTP/1.0',
    interim,
    [`HTTP/1.1 103 H\r\n\r\n${okTwo}`],
    'HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\nok',
    { send: old },
  ],
  ['an answer octet by octet', length, [...okTwo], gotTwo],
  [
    'chunks cut within their lines',
    'RFC 9112 §7.1',
    [chunked.slice(0, 25), chunked.slice(25), '2', '\r', '\no', 'k\r', '\n0\r\n', '\r', '\n'],
    `${gotChunked}ok`,
  ],
  [
    'no reason and no space before it',
    'RFC 9112 §4',
    ['HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok'],
    'HTTP/1.1 200 \nContent-Length: 2\n\nok',
  ],
  ['a length of 0', length, ['HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n'], 'HTTP/1.1 599 X\nContent-Length: 0\n\n'],
  ['one hint', interim, [`HTTP/1.1 103 H\r\nLink: </a>\r\n\r\n${okTwo}`], gotTwo, { interims: 1 }],
  ['16 hints', interim, ['HTTP/1.1 103 H\r\n\r\n'.repeat(16) + okTwo], gotTwo, { interims: 16 }],
  ['100 without an expectation', 'RFC 9110 §15.2.1', ['HTTP/1.1 100 C\r\n\r\n', okTwo], gotTwo, { interims: 1 }],
  ['an interim answer of unknown status', interim, ['HTTP/1.1 199 X\r\n\r\n', okTwo], gotTwo, { interims: 1 }],
  [
    'trailers that frame, authenticate or name us are dropped',
    'RFC 9110 §6.5.1',
    [`${chunked}2\r\nok\r\n0\r\n${trailers}`],
    `${gotChunked}ok\n\nX-Sum: 1`,
  ],
  [
    'a trailer that Connection names is dropped',
    'RFC 9110 §7.6.1',
    [`${ok}Connection: x-hop\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Hop: 1\r\nX-Sum: 1\r\n\r\n`],
    `${gotChunked}ok\n\nX-Sum: 1`,
  ],
];

function framedCase([name, source, writes, got, special = {}]: FramedRow): WireCase {
  const { send, afterwards, ...expect } = special;
  return answerCase({
    name,
    source,
    writes,
    expect: { kind: 'answered', answer: got, ...expect },
    ...(send === undefined ? {} : { send }),
    ...(afterwards === undefined ? {} : { afterwards }),
  });
}

const special: readonly WireCase[] = [
  {
    name: 'two pipelined requests, with an answer too many behind each',
    source: `${extra}; response queue poisoning`,
    send: 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    workload: { writes: [okTwo + evil], afterwards: 'keep' },
    expect: { kind: 'answered', answer: gotTwo, count: 2, dropsWorkload: true },
  },
  {
    name: 'a final answer before the body was read',
    source: 'RFC 9112 §9.3; wire.md: a final answer before the body is read',
    send: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc',
    workload: { writes: [okTwo], afterwards: 'keep', isEarly: true },
    expect: {
      kind: 'answered',
      answer: 'HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\nok',
      dropsWorkload: true,
    },
  },
  {
    name: 'a final answer to `Expect: 100-continue`',
    source: 'RFC 9110 §10.1.1; Expect desync',
    send: 'POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n',
    workload: { writes: ['HTTP/1.1 417 N\r\nContent-Length: 0\r\n\r\n'], afterwards: 'keep', isEarly: true },
    expect: {
      kind: 'answered',
      answer: 'HTTP/1.1 417 N\nContent-Length: 0\nConnection: close\n\n',
      dropsWorkload: true,
    },
  },
];

export const answers: WireCaseClass = {
  title: 'What comes with an answer, and behind it',
  about:
    'Fields of ours and of this hop are dropped, the content is framed anew for the caller. A connection on which more came than was asked for is closed and never used again: the answer before it stands.',
  cases: [
    ...extras.map(([name, source, writes, got, send]) =>
      framedCase([name, source, writes, got, { dropsWorkload: true, ...(send === undefined ? {} : { send }) }]),
    ),
    ...fields.map(([name, source, lines, left]) =>
      answerCase({
        name,
        source,
        writes: [`${ok}${lines}Content-Length: 2\r\n\r\nok`],
        expect: { kind: 'answered', answer: `HTTP/1.1 200 OK\n${left}Content-Length: 2\n\nok` },
      }),
    ),
    ...framed.map(framedCase),
    ...special,
  ],
};
