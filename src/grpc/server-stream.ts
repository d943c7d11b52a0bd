// One server-streaming call of gRPC over a local socket, without TLS (gRPC over HTTP2; SPIFFE Workload Endpoint §3). On
// node:http2 alone: a gRPC library costs 7 to 23 MiB more, which a sidecar of a small workload does not have
// (docs/dependencies.md). Each call has its own connection, which ends with it. No timers: the caller decides on patience.

import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import type { SocketAddress } from '../lib/socket-address.ts';
import { frameMessage, MessageFrames } from './message-frames.ts';
import { grpcStatus, type StreamEnd } from './stream-end.ts';

export interface ServerStreamCall {
  readonly address: SocketAddress;
  /** Such as `/SpiffeWorkloadAPI/FetchX509SVID`. */
  readonly method: string;
  readonly request: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  /** Longest message that is taken. */
  readonly mostMessageBytes: number;
}

/** Hears of a call: messages in order, then its end, once; nothing more after that or after `close`. */
export interface StreamListener {
  onMessage(message: Uint8Array): void;
  onEnd(end: StreamEnd): void;
}

/** A call under way. */
export interface OpenCall {
  close(): void;
}

/** Begins a call. Never throws; what goes wrong is its end. */
export function openServerStream(call: ServerStreamCall, listener: StreamListener): OpenCall {
  const stream = new ServerStream(call, listener);
  try {
    stream.open();
  } catch (error) {
    // Later, as every other end: the caller does not hold the call yet.
    setImmediate(() => stream.fail(error instanceof Error ? error : null));
  }
  return stream;
}

class ServerStream implements OpenCall {
  readonly #call: ServerStreamCall;
  readonly #listener: StreamListener;
  readonly #frames: MessageFrames;
  #session: ClientHttp2Session | null = null;
  #socket: Socket | null = null;
  #isConnected = false;
  /** What the system said of the connection; node:http2 hides it behind errors of its own. */
  #systemCode: string | undefined;
  #isOver = false;
  #status: StreamEnd | null = null;

  constructor(call: ServerStreamCall, listener: StreamListener) {
    this.#call = call;
    this.#listener = listener;
    this.#frames = new MessageFrames(call.mostMessageBytes);
  }

  open(): void {
    const { address } = this.#call;
    const socket = connect(
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
    );
    this.#socket = socket;
    socket.once('connect', () => {
      this.#isConnected = true;
    });
    socket.on('error', (error) => {
      this.#systemCode ??= codeOf(error);
    });
    // Not `import`, for the reason given in admin-server.ts.
    const http2 = process.getBuiltinModule('node:http2');
    const session = http2.connect('http://localhost', {
      createConnection: () => socket,
      settings: { enablePush: false },
    });
    this.#session = session;
    session.on('error', (error) => this.fail(error));
    session.on('close', () => this.fail(null));
    this.#request(session);
  }

  close(): void {
    this.#isOver = true;
    this.#session?.destroy();
    this.#socket?.destroy();
  }

  #request(session: ClientHttp2Session): void {
    const stream = session.request({
      ':method': 'POST',
      ':path': this.#call.method,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'grpc-node-postern',
      ...this.#call.metadata,
    });
    stream.on('error', (error) => this.fail(error));
    stream.on('response', (headers) => this.#onHeaders(headers));
    stream.on('trailers', (trailers) => this.#onStatus(trailers));
    stream.on('data', (bytes: Buffer) => this.#onData(bytes));
    stream.on('close', () => this.#onClose(stream));
    stream.end(frameMessage(this.#call.request));
  }

  #onHeaders(headers: IncomingHttpHeaders & { ':status'?: number | undefined }): void {
    const type = headers['content-type'] ?? '';
    if (headers[':status'] !== 200) return this.#end(notGrpc(`answered HTTP status ${headers[':status']}`));
    if (!/^application\/grpc(?:[+;]|$)/.test(type)) return this.#end(notGrpc('answered another content type'));
    this.#onStatus(headers); // a trailers-only answer
  }

  #onStatus(fields: IncomingHttpHeaders): void {
    const code = fields['grpc-status'];
    if (code === undefined) return;
    const text = fields['grpc-message'];
    const message = typeof text === 'string' ? decodeMessage(text) : '';
    this.#status = /^\d{1,9}$/.test(String(code))
      ? { kind: 'status', code: Number(code), message }
      : notGrpc('sent a status that is no number');
  }

  #onData(bytes: Buffer): void {
    if (this.#isOver) return;
    for (const message of this.#frames.push(bytes)) {
      this.#listener.onMessage(message);
      if (this.#isOver) return; // the listener may have closed the call
    }
    const { fault } = this.#frames;
    if (fault?.kind === 'too-large') this.#end(fault);
    if (fault?.kind === 'compressed') this.#end(notGrpc('sent a compressed message unasked'));
  }

  #onClose(stream: ClientHttp2Stream): void {
    const status = this.#status;
    if (status === null) return this.fail(null, stream.rstCode);
    if (status.kind === 'status' && status.code === grpcStatus.ok && this.#frames.isWithin) {
      return this.#end(notGrpc('ended within a message'));
    }
    this.#end(status);
  }

  fail(error: Error | null, resetCode = 0): void {
    if (this.#status !== null) return this.#end(this.#status);
    const code = this.#systemCode ?? codeOf(error) ?? (resetCode === 0 ? 'closed' : `HTTP/2 error ${resetCode}`);
    if (!this.#isConnected) return this.#end({ kind: 'unreachable', code });
    // node:http2 has no other name for bytes that are not HTTP/2.
    const isForeign = code === 'ERR_HTTP2_ERROR' || code === 'ERR_HTTP2_SESSION_ERROR';
    this.#end(isForeign ? notGrpc('does not speak HTTP/2') : { kind: 'lost', code });
  }

  #end(end: StreamEnd): void {
    if (this.#isOver) return;
    this.close();
    this.#listener.onEnd(end);
  }
}

function notGrpc(what: string): StreamEnd {
  return { kind: 'not-grpc', what };
}

function codeOf(error: Error | null): string | undefined {
  return error === null ? undefined : (error as NodeJS.ErrnoException).code;
}

/** Percent-decoding that never fails (gRPC protocol, "Percent-Encoded"). */
function decodeMessage(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
