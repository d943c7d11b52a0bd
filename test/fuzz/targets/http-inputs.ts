// Messages to begin with and tokens to put into them, shared by the targets that read HTTP/1.1.

/** Requests, some pipelined. */
export const requestSeeds: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://h.x:8/a/../b?c=d HTTP/1.1\r\nHost: h.x:8\r\nAccept: */*\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n',
  // CL.TE: two readers find two ends.
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.0\r\nHost: [::1]:80\r\nConnection: keep-alive\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: By=x\r\nx_postern_peer: y\r\n\r\n',
  'GET /c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  'GET /d?x=1 HTTP/1.1\r\nHost: a\r\nX-Request-Id: r-1\r\nForwarded: for=b\r\nX-Forwarded-For: 192.0.2.7\r\n' +
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n',
];

/** Answers, some after an interim one. */
export const answerSeeds: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n',
  'HTTP/1.0 304 Not Modified\r\nETag: "x"\r\nX-Postern-Peer: z\r\nContent-Length: 9\r\nKeep-Alive: timeout=5\r\n\r\n',
  'HTTP/1.0 200\r\nConnection: keep-alive, x-b\r\nX-B: 1\r\n\r\nuntil the end',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
];

/** What is put into both. */
export const httpTokens: readonly string[] = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '"',
    '%',
    '#',
    '?',
    '@',
    '*',
    '\r\n\r\n',
    '\r\n ',
    ' :',
    ': ',
  ],
  ...['%2e', '%2f', '%252f', '..', '//', '\\', '/..;/', '\x7f', '\x80', '\xa0', '\xff', '\xc0\xae', '0\r\n\r\n'],
  ...[
    'ffffffffffffffff',
    '0x10',
    '+1',
    '-1',
    '1_0',
    '000',
    ';ext=1',
    ';ext="\r\n"',
    'chunked',
    'gzip, chunked',
    'close',
  ],
  ...['Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Content-Length:\r\n', 'Content-Length: 5, 5\r\n'],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding:\tchunked\r\n'],
  ...['content_length: 5\r\n', 'transfer.encoding: chunked\r\n', 'Content-Length : 5\r\n', 'Host: b\r\n', 'Host:\r\n'],
  ...['Connection: host, content-length\r\n', 'Connection: close\r\n', 'TE: trailers\r\n', 'Trailer: x-t\r\n'],
  ...['x.spiffe.id: forged\r\n', 'Client_Cert: forged\r\n', 'X-Request-Id: r\r\n', 'X-Request-Id: a b\r\n'],
  ...[
    'Expect: 100-continue\r\n',
    'Expect: 200-ok\r\n',
    '__proto__: 1\r\n',
    'Upgrade: h2c\r\n',
    'Connection: upgrade\r\n',
  ],
  ...['forwarded: for="[::1]";proto=http\r\n', 'x-forwarded-for: 10.0.0.1, 10.0.0.2\r\n', 'traceparent: 00-0-0-0\r\n'],
  ...['GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'PRI * HTTP/2.0'],
  ...['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1', 'GET ', 'HEAD ', 'CONNECT ', 'OPTIONS * ', 'https://a:1/', 'http://[::1]/'],
];
