// A client of HTTP/2 that costs less than what it measures: Postern's own frames over TLS. Proxies are asked the same by the same
// client, and what it sends in one turn goes in one write.

import { connect as connectTls } from 'node:tls';
import { FrameScratch, FrameWriter } from '../../src/proxy/http2/frame-writer.ts';
import { Http2Session } from '../../src/wire/http2/http2-session.ts';
import type { FieldPairs, Http2Stream } from '../../src/wire/http2/http2-stream.ts';
import type { Target } from './load-job.ts';
import { contextOf } from './raw-connection.ts';

/** As large as a client takes that downloads in earnest. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 4 * streamWindowBytes;
const bounds = { listBytes: 64 * 1024, fieldCount: 100 };
const scratch = new FrameScratch();

const fields: FieldPairs = [
  ':scheme',
  'https',
  ':authority',
  'ledger.internal',
  'user-agent',
  'bench/1',
  'traceparent',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'x-request-id',
  '5e0c8f6a-19c1-4d1c-9a58-0f3f4ad1c0de',
];

/** Fields of a small GET, of a call of gRPC, of a large answer and of a large request. */
export const smallGetFields: FieldPairs = [':method', 'GET', ':path', '/accounts/42', ...fields];
export const callFields: FieldPairs = [
  ...[':method', 'POST', ':path', '/accounts/42'],
  ...fields,
  ...['content-type', 'application/grpc', 'te', 'trailers', 'grpc-timeout', '10S'],
];
export const bulkGetFields = (byteCount: number): FieldPairs => [
  ...[':method', 'GET', ':path', `/bulk/${byteCount}`],
  ...fields,
];
export const bulkPostFields: FieldPairs = [':method', 'POST', ':path', '/bulk/in', ...fields];

export class Http2Connection {
  readonly #session: Http2Session;
  readonly #writer: FrameWriter;
  readonly #end: () => void;
  /** Called once when the connection or a request fails. */
  onFailure: (error: Error) => void = () => {};
  /** The peer takes more. */
  onDrain: () => void = () => {};

  private constructor(session: Http2Session, writer: FrameWriter, end: () => void) {
    this.#session = session;
    this.#writer = writer;
    this.#end = end;
  }

  static open({ host, port, tls }: Target): Promise<Http2Connection> {
    if (tls === null) throw new TypeError('HTTP/2 is spoken over TLS');
    return new Promise((resolve, reject) => {
      const address = { host, port, noDelay: true, ALPNProtocols: ['h2'], secureContext: contextOf(tls) };
      const socket = connectTls({ ...address, checkServerIdentity: () => undefined }, () => resolve(connection));
      const writer = new FrameWriter(socket, scratch);
      const fail = (error: Error): void => {
        connection.onFailure(error);
        reject(error);
      };
      const session = new Http2Session(
        { isServer: false, maxStreams: 0, bounds, streamWindowBytes, connectionWindowBytes, growthBytes: 0, nowMs: 0 },
        {
          onRequest: () => {},
          onGoaway: (_last, code) => fail(new Error(`GOAWAY ${code}`)),
          onPingAnswered: () => {},
          onFault: ({ detail }) => fail(new Error(detail)),
        },
        writer,
      );
      const connection = new Http2Connection(session, writer, () => socket.destroy());
      socket.on('data', (bytes: Buffer) => session.feed(bytes, performance.now()));
      socket.on('drain', () => connection.onDrain());
      socket.on('error', fail);
      socket.on('close', () => fail(new Error('the connection was closed')));
    });
  }

  /** Octets that were sent wait for the peer. */
  get isBusy(): boolean {
    return this.#writer.isBusy;
  }

  /** Sends a request; `onAnswer` is called once, when the answer has come whole and was a good one. */
  ask(request: FieldPairs, endStream: boolean, onAnswer: () => void): Http2Stream {
    const stream = this.#session.open({
      onHead: ({ fields: { values, keys } }) => {
        if (values[keys.indexOf(':status')] !== '200') this.onFailure(new Error(`unexpected answer: ${values.join()}`));
        stream!.hasHead = true;
        return null;
      },
      onData: (view) => stream!.credit(view.length),
      onEnd: onAnswer,
      onReset: (code) => this.onFailure(new Error(`the stream was reset with ${code}`)),
      onWritable: () => this.onDrain(),
    });
    if (stream === null) throw new Error('the proxy takes no more streams');
    stream.sendHead(request, endStream);
    return stream;
  }

  close(): void {
    this.onFailure = () => {};
    this.#session.stop();
    this.#end();
  }
}
