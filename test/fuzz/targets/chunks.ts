// Chunked bodies, as a peer sends them and as a workload does: the input is everything behind the head.

import type { FuzzTarget } from '../engine/fuzz-target.ts';
import { checkAnswers } from './answers.ts';
import { checkRequests } from './requests.ts';

/** The fuzzing of chunked bodies. */
export const chunks: FuzzTarget = {
  name: 'chunks',
  promise: 'a chunked body is refused or means one thing, whatever its lines, ends and trailers',
  covers: ['src/wire'],
  seeds: [
    '0\r\n\r\n',
    '3\r\nabc\r\n0\r\n\r\n',
    'A\r\n0123456789\r\n1\r\nx\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n',
    '00f\r\n\r\n0\r\n\r\nGET / HTT\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n',
  ],
  dictionary: [
    ...[
      '\r\n',
      '\n',
      '\r',
      '0\r\n\r\n',
      '\r\n0\r\n\r\n',
      '0',
      '00',
      '1',
      '2',
      'a',
      'F',
      'ffffffffffffe',
      '10000000000000',
    ],
    ...[
      ';',
      ';x',
      ';x=y',
      ';x="\r\n"',
      ' ',
      '\t',
      '0x1',
      '+1',
      '-1',
      '_',
      '.',
      '\0',
      '\x80',
      'X-T: 1\r\n',
      ' X-T: 1\r\n',
    ],
    ...['Content-Length: 1\r\n', 'content_length: 1\r\n', 'X-Postern-Peer: x\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ],
  check: async (input) => {
    await checkRequests(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${input}`);
    await checkAnswers(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${input}`);
  },
};
