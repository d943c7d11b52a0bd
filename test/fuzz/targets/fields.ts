// Field lines, in a head and in a trailer section: the input is the lines.

import type { FuzzTarget } from '../engine/fuzz-target.ts';
import { checkAnswers } from './answers.ts';
import { httpTokens } from './http-inputs.ts';
import { checkRequests } from './requests.ts';

/** The fuzzing of field lines. */
export const fields: FuzzTarget = {
  name: 'fields',
  promise: 'a field line is refused or means one thing; none of ours, and nothing of this hop, gets through',
  covers: ['src/wire', 'src/proxy'],
  seeds: [
    'Accept: */*\r\nCookie: a=b; c=d\r\n',
    'Connection: close, x-a, x-b\r\nX-A: 1\r\nX-B:\t2 \r\n',
    'X-Spiffe-Id: x\r\nX_Spiffe_Id: y\r\nclient.cert: z\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n',
    'Forwarded: for=a\r\nForwarded: for=b\r\nX-Forwarded-For: 1\r\nX-Request-Id: 1\r\nX-Request-Id: 2\r\n',
    'Authorization: Bearer x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nExpect: 100-continue\r\nContent-Length: 0\r\n',
  ],
  dictionary: httpTokens,
  check: async (input) => {
    await checkRequests(`GET / HTTP/1.1\r\nHost: a\r\n${input}\r\n`);
    await checkRequests(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${input}\r\n`);
    await checkAnswers(`HTTP/1.1 200 OK\r\n${input}\r\n`);
  },
};
