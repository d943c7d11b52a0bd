// One connection to a workload that speaks HTTP/2 without TLS, with prior knowledge (RFC 9113 §3.3). It carries the streams of many
// exchanges, and takes none before the workload has said that it does speak it.

import type net from 'node:net';
import type { PosternError } from '../../errors.ts';
import { type TimerWheel, WheelEntry } from '../../lib/timer-wheel.ts';
import type { HeadLimits } from '../../wire/head-limits.ts';
import type { Http2Fault } from '../../wire/http2/http2-fault.ts';
import { Http2Session, type SessionEvents } from '../../wire/http2/http2-session.ts';
import type { Http2Stream, StreamUser } from '../../wire/http2/http2-stream.ts';
import { assumedKeepAliveMs } from '../announced-keep-alive.ts';
import type { UpstreamFailure, UpstreamTarget } from '../upstream-target.ts';
import type { UpstreamFault } from '../upstream-user.ts';
import { type FrameScratch, FrameWriter } from './frame-writer.ts';
import { UpstreamStream, type UpstreamStreamOwner } from './upstream-stream.ts';

export interface Http2UpstreamConnectionOptions {
  readonly target: UpstreamTarget;
  readonly limits: HeadLimits;
  readonly wheel: TimerWheel;
  readonly connectMs: number;
  readonly responseMs: number;
  readonly callIdleMs: number;
  readonly readBuffer: Buffer;
  readonly scratch: FrameScratch;
}

/** What a connection tells its pool. */
export interface Http2UpstreamConnectionOwner {
  /** It takes streams. */
  onReady(connection: Http2UpstreamConnection): void;
  /** It never did. */
  onUnreachable(connection: Http2UpstreamConnection, error: PosternError): void;
  /** It is gone, or takes no more. */
  onRetired(connection: Http2UpstreamConnection): void;
  onClosed(connection: Http2UpstreamConnection): void;
  /** One more may be carried. */
  onFreed(): void;
}

/** `retired`: those streams that are open go on, no more are taken. */
type State = 'connecting' | 'open' | 'retired' | 'closed';

const mebibyte = 1024 * 1024;
const windows = Object.freeze({ streamWindowBytes: 65_535, connectionWindowBytes: mebibyte, growthBytes: mebibyte });

export class Http2UpstreamConnection implements UpstreamStreamOwner, SessionEvents {
  readonly wheel: TimerWheel;
  readonly responseMs: number;
  readonly callIdleMs: number;
  readonly #options: Http2UpstreamConnectionOptions;
  readonly #owner: Http2UpstreamConnectionOwner;
  readonly #socket: net.Socket;
  readonly #writer: FrameWriter;
  readonly #session: Http2Session;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  readonly #streams = new Set<UpstreamStream>();
  readonly #touched = new Set<UpstreamStream>();
  #state: State = 'connecting';
  #served = 0;

  constructor(options: Http2UpstreamConnectionOptions, owner: Http2UpstreamConnectionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.wheel = options.wheel;
    this.responseMs = options.responseMs;
    this.callIdleMs = options.callIdleMs;
    this.#socket = this.#connect();
    this.#writer = new FrameWriter(this.#socket, options.scratch);
    const { headBytes, fieldCount } = options.limits;
    // One stands beside the fields: `:status`.
    const bounds = { listBytes: headBytes, fieldCount: fieldCount + 1 };
    const session = { isServer: false, maxStreams: 0, bounds, ...windows, nowMs: performance.now() };
    this.#session = new Http2Session(session, this, this.#writer);
    options.wheel.schedule(this.#timer, options.connectMs);
  }

  get isBusy(): boolean {
    return this.#writer.isBusy;
  }

  get isIdle(): boolean {
    return this.#state === 'open' && this.#streams.size === 0;
  }

  get hasRoom(): boolean {
    return this.#state === 'open' && this.#streams.size < this.#session.peerMaxStreams;
  }

  /** A stream for one exchange; asked only where there is room. */
  take(): UpstreamStream {
    const stream = new UpstreamStream(this, this.#served > 0);
    this.#served++;
    this.#streams.add(stream);
    this.wheel.cancel(this.#timer);
    return stream;
  }

  open(user: StreamUser): Http2Stream | null {
    return this.#session.open(user);
  }

  askFlush(stream: UpstreamStream): void {
    this.#touched.add(stream);
  }

  onAnswered(): void {}

  onStreamFault(_fault: UpstreamFault): void {}

  onStreamOver(stream: UpstreamStream): void {
    this.#touched.delete(stream);
    if (!this.#streams.delete(stream) || this.#state === 'closed') return;
    if (this.#streams.size === 0) {
      if (this.#state === 'retired') return this.close();
      this.wheel.schedule(this.#timer, assumedKeepAliveMs);
    }
    if (this.#state === 'open') this.#owner.onFreed();
  }

  error(kind: UpstreamFailure, what: string): PosternError {
    return this.#options.target.error({ kind, what, cause: null, socket: this.#socket });
  }

  /** No more streams; what is open goes on. */
  retire(): void {
    if (this.#state !== 'open') return;
    this.#state = 'retired';
    this.#owner.onRetired(this);
    if (this.#streams.size === 0) this.close();
  }

  close(): void {
    this.#gone('closed the connection', null);
  }

  onRequest(): void {}

  /** Streams above the last one were not looked at: those may be sent elsewhere (RFC 9113 §6.8). */
  onGoaway(lastStreamId: number): void {
    for (const stream of [...this.#streams]) stream.onUnread(lastStreamId);
    this.retire();
  }

  onPingAnswered(): void {}

  onFault(fault: Http2Fault): void {
    this.#writer.flush();
    this.#gone(fault.detail, this.error('failed', `is no HTTP/2 server: ${fault.detail}`));
  }

  #connect(): net.Socket {
    const { target, readBuffer } = this.#options;
    const socket = target.open({ buffer: readBuffer, callback: (count: number) => this.#onRead(count) });
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#gone('closed the connection', null));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error));
    socket.on('close', () => this.#gone('closed the connection', null));
    return socket;
  }

  #onRead(count: number): boolean {
    if (this.#state === 'closed') return true;
    this.#session.feed(this.#options.readBuffer.subarray(0, count), performance.now());
    if (this.#state === 'connecting' && this.#session.isSettled) this.#onSettled();
    for (const stream of this.#touched) {
      this.#touched.delete(stream);
      stream.flush();
    }
    return true;
  }

  #onSettled(): void {
    this.#state = 'open';
    this.wheel.schedule(this.#timer, assumedKeepAliveMs);
    this.#owner.onReady(this);
  }

  #onDrain(): void {
    for (const stream of [...this.#streams]) stream.onConnectionDrain();
  }

  #onTimeout(): void {
    if (this.#state === 'connecting') {
      this.#gone('', this.error('unreachable', `no HTTP/2 connection within ${this.#options.connectMs} ms`));
    } else this.close();
  }

  #onError(error: NodeJS.ErrnoException): void {
    const what = error.code ?? error.message;
    const cause = { kind: 'unreachable', what, cause: error, socket: this.#socket } as const;
    this.#gone(what, this.#options.target.error(cause));
  }

  #gone(what: string, error: PosternError | null): void {
    if (this.#state === 'closed') return;
    const before = this.#state;
    this.#state = 'closed';
    this.wheel.cancel(this.#timer);
    this.#session.stop();
    this.#socket.destroy();
    if (before === 'connecting') this.#owner.onUnreachable(this, error ?? this.error('unreachable', what));
    else if (before === 'open') this.#owner.onRetired(this);
    this.#owner.onClosed(this);
    for (const stream of [...this.#streams]) stream.onConnectionGone(`${what} before the answer was whole`);
  }
}
