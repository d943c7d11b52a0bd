// The workload behind every proxy, for those that come over HTTP/2 without TLS: the same answers as over HTTP/1.1, and one to calls
// of gRPC. On Postern's own frames, since nothing else in Node costs little enough to be no part of what is measured.

import type { Socket } from 'node:net';
import { FrameScratch, FrameWriter } from '../src/proxy/http2/frame-writer.ts';
import { Http2Session } from '../src/wire/http2/http2-session.ts';
import type { Http2Stream } from '../src/wire/http2/http2-stream.ts';

const scratch = new FrameScratch();
const block = Buffer.alloc(64 * 1024, 'x');
const windowBytes = 1024 * 1024;
const bounds = { listBytes: 64 * 1024, fieldCount: 100 };

/** Takes a connection over whose first bytes are `first`; `answer` is the body of a small answer, `onRequest` hears of each. */
export function serveHttp2(socket: Socket, first: Buffer, own: { readonly body: Buffer; onRequest(): void }): void {
  const writer = new FrameWriter(socket, scratch);
  const windows = { streamWindowBytes: windowBytes, connectionWindowBytes: 16 * windowBytes, growthBytes: 0 };
  const session = new Http2Session(
    { isServer: true, maxStreams: 1000, bounds, ...windows, nowMs: 0 },
    {
      onRequest: (stream, { fields }) => {
        const path = fields.get(':path') ?? '';
        const isCall = fields.get('content-type') === 'application/grpc';
        stream.user = {
          onHead: () => null,
          onData: (view) => stream.credit(view.length),
          onEnd: () => {
            own.onRequest();
            if (path.startsWith('/bulk/') && path !== '/bulk/in') return sendBulk(stream, Number(path.slice(6)));
            stream.sendHead(
              [':status', '200', 'content-type', isCall ? 'application/grpc' : 'application/json'],
              false,
            );
            stream.sendData(own.body, !isCall);
            if (isCall) stream.sendTrailers(['grpc-status', '0']);
          },
          onReset: () => {},
          onWritable: () => {},
        };
      },
      onGoaway: () => {},
      onPingAnswered: () => {},
      onFault: ({ detail }) => console.error(`the proxy broke a rule of HTTP/2: ${detail}`),
    },
    writer,
  );
  const take = (bytes: Buffer): void => session.feed(bytes, performance.now());
  socket.on('data', take);
  socket.on('close', () => session.stop());
  take(first);
}

function sendBulk(stream: Http2Stream, byteCount: number): void {
  stream.sendHead([':status', '200', 'content-length', String(byteCount)], false);
  let left = byteCount;
  const push = (): void => {
    for (let more = true; more && left > 0; ) {
      const piece = left >= block.length ? block : block.subarray(0, left);
      left -= piece.length;
      more = stream.sendData(piece, left === 0);
    }
  };
  stream.user = { onHead: () => null, onData: () => {}, onEnd: () => {}, onReset: () => {}, onWritable: push };
  push();
}
