// Answers of a hostile or broken workload that must not be passed on, or not be passed on as whole.

import { answerCase, type WireCaseClass, type WorkloadScript } from './wire-case.ts';

const ok = 'HTTP/1.1 200 OK\r\n';
const okTwo = `${ok}Content-Length: 2\r\n\r\nok`;
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const statusLine = 'RFC 9112 §4';
const lineEnd = 'RFC 9112 §2.2';
const splitting = 'CWE-113: response splitting';
const length = 'RFC 9112 §6.3';
const interim = 'RFC 9110 §15.2';

type End = WorkloadScript['afterwards'];

const refusals: readonly (readonly [name: string, source: string, text: string, afterwards?: End])[] = [
  ['HTTP/0.9', statusLine, '<html>hello</html>', 'close'],
  ['a TLS alert', statusLine, '\x15\x03\x03\x00\x02\x02\x46'],
  ['a frame of HTTP/2', 'RFC 9113 §3.4', '\x00\x00\x12\x04\x00\x00\x00\x00\x00'],
  ['a greeting of SMTP', statusLine, '220 mail ESMTP\r\n'],
  ['a greeting of SSH', statusLine, 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['an empty line first', statusLine, `\r\n${okTwo}`],
  ['`HTTP/2.0`', statusLine, 'HTTP/2.0 200 OK\r\n\r\n'],
  ['`HTTP/1.2`', statusLine, 'HTTP/1.2 200 OK\r\n\r\n'],
  ['`http/1.1`', statusLine, 'http/1.1 200 OK\r\n\r\n'],
  ['`ICY 200 OK`', statusLine, 'ICY 200 OK\r\n\r\n'],
  ['two spaces before the status', statusLine, 'HTTP/1.1  200 OK\r\n\r\n'],
  ['a tab before the status', statusLine, 'HTTP/1.1\t200 OK\r\n\r\n'],
  ['a status of two digits', statusLine, 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status of four digits', statusLine, 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['status 099', 'RFC 9110 §15', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['status 600', 'RFC 9110 §15', 'HTTP/1.1 600 OK\r\n\r\n'],
  ['status `+20`', statusLine, 'HTTP/1.1 +20 OK\r\n\r\n'],
  ['status `0x2`', statusLine, 'HTTP/1.1 0x2 OK\r\n\r\n'],
  ['no status', statusLine, 'HTTP/1.1 OK\r\n\r\n'],
  ['backspace in the reason', statusLine, 'HTTP/1.1 200 O\x08K\r\n\r\n'],
  ['a bare CR in the reason', `${lineEnd}; ${splitting}`, `HTTP/1.1 200 O\rK\r\n\r\n`],
  ['a bare LF in the reason', `${lineEnd}; ${splitting}`, `HTTP/1.1 200 OK\nX: y\r\n\r\n`],
  ['bare LF throughout', lineEnd, 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
  ['a bare LF in a value', `${lineEnd}; ${splitting}`, `${ok}X: y\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok`],
  ['a bare CR in a value', `${lineEnd}; ${splitting}`, `${ok}X: y\rSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok`],
  ['NUL in a value', 'RFC 9110 §5.5', `${ok}X: y\x00\r\nContent-Length: 2\r\n\r\nok`],
  ['a folded line', 'RFC 9112 §5.2', `${ok}X: y\r\n z\r\nContent-Length: 2\r\n\r\nok`],
  ['a space before the colon', 'RFC 9112 §5.1', `${ok}Content-Length : 2\r\n\r\nok`],
  ['an empty name', 'RFC 9110 §5.1', `${ok}: y\r\nContent-Length: 2\r\n\r\nok`],
  ['a line without a colon', 'RFC 9112 §5', `${ok}X\r\nContent-Length: 2\r\n\r\nok`],
  ['a coding and a length', length, `${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`],
  ['differing lengths', length, `${ok}Content-Length: 2\r\nContent-Length: 4\r\n\r\nok`],
  ['equal lengths', length, `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`],
  ['a list of lengths', length, `${ok}Content-Length: 2, 2\r\n\r\nok`],
  ['an empty length', length, `${ok}Content-Length:\r\n\r\nok`],
  ['a length with a sign', length, `${ok}Content-Length: +2\r\n\r\nok`],
  ['a negative length', length, `${ok}Content-Length: -2\r\n\r\nok`],
  ['a length with a zero in front', length, `${ok}Content-Length: 02\r\n\r\nok`],
  ['a length above 2^53', length, `${ok}Content-Length: 9007199254740993\r\n\r\nok`],
  ['`Content_Length`', 'RFC 3875 §4.1.18', `${ok}Content_Length: 2\r\n\r\nok`],
  ['`transfer.encoding`', 'RFC 3875 §4.1.18', `${ok}transfer.encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['`cow, chunked`', 'RFC 9112 §6.1', `${ok}Transfer-Encoding: cow, chunked\r\n\r\n0\r\n\r\n`],
  ['`gzip, chunked`', 'RFC 9112 §6.1', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['`identity`', 'RFC 9112 §6.1', `${ok}Transfer-Encoding: identity\r\n\r\nok`, 'close'],
  ['a coding in HTTP/1.0', 'RFC 9112 §6.1', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['101 that nobody asked for', 'RFC 9110 §15.2.2', 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
  [
    '101 for WebSocket that nobody asked for',
    'RFC 6455 §4.1; tunnel without a request',
    'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ],
  ['17 interim answers', `${interim}: 1xx flood`, 'HTTP/1.1 103 H\r\nLink: </a>\r\n\r\n'.repeat(17) + okTwo],
  ['10,000 interim answers', `${interim}: 1xx flood`, 'HTTP/1.1 100 C\r\n\r\n'.repeat(10_000)],
  [
    'an interim answer with a body',
    `${interim}, RFC 9110 §8.6`,
    `HTTP/1.1 103 H\r\nContent-Length: 5\r\n\r\nhello${okTwo}`,
  ],
  ['an interim answer with bad framing', interim, `HTTP/1.1 103 H\r\nContent-Length: x\r\n\r\n${okTwo}`],
  ['a head above 64 KiB', 'wire.md: limits', `${ok}X: ${'y'.repeat(70_000)}\r\nContent-Length: 2\r\n\r\nok`],
  ['a head that does not end', 'wire.md: limits', `${ok}X: ${'y'.repeat(70_000)}`],
  ['101 field lines', 'wire.md: limits', `${ok}${'X: y\r\n'.repeat(101)}Content-Length: 2\r\n\r\nok`],
  ['the end of the connection for an answer', 'RFC 9112 §8', '', 'close'],
  ['a reset for an answer', 'RFC 9112 §8', '', 'reset'],
  ['the end of the connection within the status line', 'RFC 9112 §8', 'HTTP/1.1 20', 'close'],
  ['the end of the connection within the head', 'RFC 9112 §8', `${ok}X: y\r\n`, 'close'],
  ['a reset within the head', 'RFC 9112 §8', `${ok}X: y\r\n`, 'reset'],
  ['the end of the connection behind an interim answer', 'RFC 9112 §8', 'HTTP/1.1 102 P\r\n\r\n', 'close'],
];

const cuts: readonly (readonly [name: string, source: string, head: string, rest: string, afterwards?: End])[] = [
  ['the end of the connection within a length', length, `${ok}Content-Length: 10\r\n\r\n`, 'ok', 'close'],
  ['a reset within a length', length, `${ok}Content-Length: 10\r\n\r\n`, 'ok', 'reset'],
  ['the end of the connection within a chunk', length, chunked, 'a\r\nok', 'close'],
  ['the end of the connection before the last chunk', length, chunked, '2\r\nok\r\n', 'close'],
  ['the end of the connection within trailers', length, chunked, '0\r\nX: y\r\n', 'close'],
  ['an extension', 'RFC 9112 §7.1.1', chunked, '2;a=b\r\nok\r\n0\r\n\r\n'],
  ['`0x2` for a size', 'RFC 9112 §7.1', chunked, '0x2\r\nok\r\n0\r\n\r\n'],
  ['a size of 2^64', 'RFC 9112 §7.1', chunked, '10000000000000000\r\nok'],
  ['junk behind the data of a chunk', 'RFC 9112 §7.1', chunked, '2\r\nokXX0\r\n\r\n'],
  ['a bare LF behind a size', lineEnd, chunked, '2\nok\r\n0\r\n\r\n'],
  ['a bare LF in a trailer', lineEnd, chunked, '0\r\nX: y\n\r\n\r\n'],
  ['an answer where a chunk should be', splitting, chunked, okTwo],
];

export const badAnswers: WireCaseClass = {
  title: 'Answers that are not passed on',
  about:
    'Answers are read as strictly as requests. What cannot be passed on is a 502; an answer that breaks off is cut off at the caller too, so that nobody takes it for whole. The connection to the workload is closed and never used again.',
  cases: [
    ...refusals.map(([name, source, text, afterwards = 'keep']) =>
      answerCase({ name, source, writes: text === '' ? [] : [text], afterwards, expect: { kind: 'answer-refused' } }),
    ),
    answerCase({
      name: 'a bad length to HEAD',
      source: length,
      send: 'HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n',
      writes: [`${ok}Content-Length: x\r\n\r\n`],
      expect: { kind: 'answer-refused' },
    }),
    // In one piece with its head, before anything of the answer was sent.
    ...cuts
      .filter(([, , , , afterwards]) => afterwards === undefined)
      .map(([name, source, start, rest]) =>
        answerCase({
          name: `${name}, in one piece with the head`,
          source,
          writes: [start + rest],
          expect: { kind: 'answer-refused' },
        }),
      ),
    ...cuts.map(([name, source, start, rest, afterwards = 'keep']) =>
      answerCase({
        name,
        source,
        writes: [start, rest],
        afterwards,
        expect: { kind: 'answer-cut', head: start.trim().replaceAll('\r\n', '\n') },
      }),
    ),
  ],
};
