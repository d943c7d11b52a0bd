// The workload behind every proxy: plain HTTP/1.1, as little work as possible, and a count of the requests it saw.
// Whoever begins with the preface of HTTP/2 is served that. Process entry; prints its port. GET /count answers the count, GET /bulk/N answers N bytes, other requests a small
// JSON document; a POST is answered when its body (Content-Length or chunked) has come whole.

import { createServer, type Socket } from 'node:net';
import { serveHttp2 } from './http2-workload.ts';

const smallBody = '{"account":"42","currency":"EUR","balance":"1034.17","updated":"2026-11-22T21:47:51Z"}';
const small = Buffer.from(head('application/json', smallBody.length) + smallBody, 'latin1');
const block = Buffer.alloc(256 * 1024, 'x');
const endOfHead = Buffer.from('\r\n\r\n');
const endOfChunked = Buffer.from('0\r\n\r\n');

let requestCount = 0;
const body = Buffer.from(smallBody);

function onRequest(): void {
  requestCount += 1;
}

/** What a connection is in the middle of. */
type Reading =
  | { readonly kind: 'head'; readonly held: Buffer | null }
  | { readonly kind: 'body'; readonly left: number }
  | { readonly kind: 'chunked'; readonly tail: Buffer };

function serve(socket: Socket): void {
  let reading: Reading = { kind: 'head', held: null };
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  const onData = (chunk: Buffer): void => {
    // "PRI * HTTP/2.0"; of HTTP/1.1 no method begins so that anybody here uses.
    if (chunk.length > 3 && chunk[0] === 0x50 && chunk[1] === 0x52) {
      socket.off('data', onData);
      return serveHttp2(socket, chunk, { body, onRequest });
    }
    reading = step(socket, reading, chunk);
  };
  socket.on('data', onData);
}

/** Takes what has come; no proxy pipelines, so a chunk holds the end of one message at most. */
function step(socket: Socket, reading: Reading, chunk: Buffer): Reading {
  if (reading.kind === 'body') return takeBody(socket, reading.left - chunk.length);
  if (reading.kind === 'chunked') {
    return takeChunked(socket, chunk.length >= endOfChunked.length ? chunk : Buffer.concat([reading.tail, chunk]));
  }
  const bytes = reading.held === null ? chunk : Buffer.concat([reading.held, chunk]);
  const end = bytes.indexOf(endOfHead);
  if (end < 0) return { kind: 'head', held: bytes };
  if (bytes[0] === 0x47 /* G */) {
    answerGet(socket, bytes);
    return { kind: 'head', held: null };
  }
  const fields = bytes.toString('latin1', 0, end).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(fields);
  const rest = bytes.subarray(end + 4);
  return length === null ? takeChunked(socket, rest) : takeBody(socket, Number(length[1]) - rest.length);
}

function takeBody(socket: Socket, left: number): Reading {
  return left <= 0 ? finish(socket) : { kind: 'body', left };
}

function takeChunked(socket: Socket, bytes: Buffer): Reading {
  const tail = bytes.subarray(Math.max(bytes.length - endOfChunked.length, 0));
  return tail.equals(endOfChunked) ? finish(socket) : { kind: 'chunked', tail };
}

function finish(socket: Socket): Reading {
  requestCount += 1;
  socket.write(small);
  return { kind: 'head', held: null };
}

function answerGet(socket: Socket, bytes: Buffer): void {
  if (bytes.toString('latin1', 4, 10) === '/count') {
    const count = String(requestCount);
    socket.write(head('text/plain', count.length) + count);
    return;
  }
  requestCount += 1;
  if (bytes.toString('latin1', 4, 10) === '/bulk/')
    sendBulk(socket, Number.parseInt(bytes.toString('latin1', 10, 30), 10));
  else socket.write(small);
}

function sendBulk(socket: Socket, byteCount: number): void {
  socket.write(head('application/octet-stream', byteCount));
  let left = byteCount;
  const push = (): void => {
    let more = true;
    while (left > 0 && more && !socket.destroyed) {
      more = socket.write(left >= block.length ? block : block.subarray(0, left));
      left -= Math.min(left, block.length);
    }
    if (left <= 0) socket.off('drain', push);
  };
  socket.on('drain', push);
  push();
}

function head(type: string, byteCount: number): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${byteCount}\r\ncache-control: no-store\r\n\r\n`;
}

const server = createServer(serve);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(address.port);
});
