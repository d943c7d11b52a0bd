// Several requests on one connection, versions of HTTP and the end of a connection: what belongs to which request.

import { cut, forwarded, forwardedThen, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const post = 'POST /x HTTP/1.1\r\nHost: a\r\n';
/** What a smuggler hides. */
const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';

export const connections: WireCaseClass = {
  title: 'Requests on one connection',
  about:
    'Pipelined requests are served in order, and nothing is read behind one that was refused or that ends the connection. A request that breaks off is never made whole.',
  cases: [
    ...['GET', 'HEAD', 'DELETE', 'OPTIONS'].map(
      (method): WireCase => ({
        name: `${method} with a body keeps its framing`,
        source: 'nodejs/node#27880',
        send: `${method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
        expect: forwarded(`${method} /x HTTP/1.1\nHost: a\nContent-Length: ${hidden.length}\n\n${hidden}`),
      }),
    ),
    {
      name: 'GET with a chunked body',
      source: 'RFC 9110 §9.3.1',
      send: 'GET /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      expect: forwarded('GET /x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nabc'),
    },
    {
      name: 'a coding in HTTP/1.0',
      source: 'RFC 9112 §6.1; llhttp lets it through',
      send: 'POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      expect: refused(),
    },
    {
      name: 'a coding and a length in HTTP/1.0',
      source: 'RFC 9112 §6.1',
      send: `POST /x HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      expect: refused(),
    },
    {
      name: 'a length in HTTP/1.0',
      source: 'RFC 1945 §7.2.2',
      send: 'POST /x HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
      expect: forwarded('POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'),
    },
    {
      name: 'HTTP/1.0 with keep-alive serves the next request',
      source: 'RFC 9112 §9.3',
      send: `POST /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc`,
      expect: forwarded('POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'),
    },
    {
      name: 'HTTP/1.0 without keep-alive: what follows is not served',
      source: 'RFC 9112 §9.3',
      send: `GET /x HTTP/1.0\r\nHost: a\r\n\r\n${hidden}`,
      expect: forwarded('GET /x HTTP/1.1\nHost: a\n\n'),
    },
    {
      name: '`Connection: close`: what follows is not served',
      source: 'RFC 9112 §9.6',
      send: `GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${hidden}`,
      expect: forwarded('GET /x HTTP/1.1\nHost: a\n\n'),
    },
    {
      name: 'three requests in one piece are served in order',
      source: 'RFC 9112 §9.3.2',
      send: ['1', '2', '3'].map((name) => `GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
      expect: forwarded(...['1', '2', '3'].map((name) => `GET /${name} HTTP/1.1\nHost: a\n\n`)),
    },
    {
      name: 'a bad request behind a good one',
      source: 'RFC 9112 §9.3.2',
      send: `GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n${hidden}`,
      expect: forwardedThen(400, 'GET /1 HTTP/1.1\nHost: a\n\n'),
    },
    {
      name: 'a good request behind a bad one is never served',
      source: 'RFC 9112 §2.2',
      send: `GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n${hidden}`,
      expect: refused(),
    },
    {
      name: 'a good request behind a bad path is never served',
      source: 'RFC 9112 §2.2',
      send: `GET /../1 HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`,
      expect: refused(),
    },
    {
      name: 'the end of the connection within a length',
      source: 'RFC 9112 §8',
      send: `${post}Content-Length: 10\r\n\r\nabc`,
      halfCloses: true,
      expect: cut('POST /x HTTP/1.1\nHost: a\nContent-Length: 10', null),
    },
    {
      name: 'the end of the connection within a chunk',
      source: 'RFC 9112 §8',
      send: `${post}Transfer-Encoding: chunked\r\n\r\na\r\nabc`,
      halfCloses: true,
      expect: cut('POST /x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked', null),
    },
    {
      name: 'the end of the connection before the last chunk',
      source: 'RFC 9112 §8',
      send: `${post}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
      halfCloses: true,
      expect: cut('POST /x HTTP/1.1\nHost: a\nTransfer-Encoding: chunked', null),
    },
    {
      name: 'the end of the connection behind a whole request',
      source: 'RFC 9112 §9.6: a half-closed peer still gets its answer',
      send: `${post}Content-Length: 3\r\n\r\nabc`,
      halfCloses: true,
      expect: forwarded('POST /x HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc'),
    },
  ],
};
