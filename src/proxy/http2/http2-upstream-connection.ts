// One connection to a workload that speaks HTTP/2 without TLS, with prior knowledge (RFC 9113 §3.3), or to a peer that chose it in the
// handshake (§3.2). It carries the streams of many exchanges, and takes none before who answers was admitted and has said that it does speak it.

import type net from 'node:net';
import { isPosternError, PosternError } from '../../errors.ts';
import { type TimerWheel, WheelEntry } from '../../lib/timer-wheel.ts';
import type { HeadLimits } from '../../wire/head-limits.ts';
import type { Http2Fault } from '../../wire/http2/http2-fault.ts';
import { Http2Session, type SessionEvents } from '../../wire/http2/http2-session.ts';
import type { Http2Stream, StreamUser } from '../../wire/http2/http2-stream.ts';
import { assumedKeepAliveMs } from '../announced-keep-alive.ts';
import { ConnectTimeout } from '../upstream-connection.ts';
import { SpeaksHttp1, type UpstreamFailure, type UpstreamRight, type UpstreamTarget } from '../upstream-target.ts';
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
  /** Somebody who speaks HTTP/1.1 may answer: whoever does not begin as HTTP/2 counts as such. Left out: no. */
  readonly isTrial?: boolean;
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
  /** The head of an answer came. */
  onAnswered(status: number): void;
  /** It went wrong under an exchange. */
  onFault(stream: UpstreamStream, fault: UpstreamFault): void;
}

/** `connecting` until HTTP/2 is spoken; `retired`: those streams that are open go on, no more are taken. */
type State = 'connecting' | 'open' | 'retired' | 'closed';

/** What is there once somebody answers who was admitted. */
interface Spoken {
  readonly right: UpstreamRight;
  readonly writer: FrameWriter;
  readonly session: Http2Session;
}

const mebibyte = 1024 * 1024;
const windows = Object.freeze({ streamWindowBytes: 65_535, connectionWindowBytes: mebibyte, growthBytes: mebibyte });

export class Http2UpstreamConnection implements UpstreamStreamOwner, SessionEvents {
  readonly wheel: TimerWheel;
  readonly scheme: 'http' | 'https';
  readonly responseMs: number;
  readonly callIdleMs: number;
  readonly #options: Http2UpstreamConnectionOptions;
  readonly #owner: Http2UpstreamConnectionOwner;
  readonly #socket: net.Socket;
  #spoken: Spoken | null = null;
  /** Why a connection that is still being made would be given up. */
  #lateness: string;
  /** What its socket said last. */
  #cause: Error | null = null;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  readonly #streams = new Set<UpstreamStream>();
  readonly #touched = new Set<UpstreamStream>();
  #state: State = 'connecting';
  #served = 0;

  constructor(options: Http2UpstreamConnectionOptions, owner: Http2UpstreamConnectionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.wheel = options.wheel;
    this.scheme = options.target.scheme;
    this.responseMs = options.responseMs;
    this.callIdleMs = options.callIdleMs;
    this.#lateness = `no connection within ${options.connectMs} ms`;
    this.#socket = this.#connect();
    options.wheel.schedule(this.#timer, options.connectMs);
  }

  get isBusy(): boolean {
    return this.#spoken!.writer.isBusy;
  }

  get isIdle(): boolean {
    return this.#state === 'open' && this.#streams.size === 0;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Whoever answers here may be asked nothing more. */
  get isOver(): boolean {
    return this.#spoken?.right.isOver() === true;
  }

  get hasRoom(): boolean {
    return this.#state === 'open' && this.#streams.size < this.#spoken!.session.peerMaxStreams;
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
    return this.#spoken?.session.open(user) ?? null;
  }

  askFlush(stream: UpstreamStream): void {
    this.#touched.add(stream);
  }

  onAnswered(status: number): void {
    this.#owner.onAnswered(status);
  }

  onStreamFault(stream: UpstreamStream, fault: UpstreamFault): void {
    this.#owner.onFault(stream, fault);
  }

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
    return this.#options.target.error({ kind, what, cause: this.#cause, socket: this.#socket });
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
    this.#spoken?.writer.flush();
    this.#gone(fault.detail, this.error('failed', `is no HTTP/2 server: ${fault.detail}`));
  }

  #connect(): net.Socket {
    const { target, readBuffer } = this.#options;
    const socket = target.open({ buffer: readBuffer, callback: (count: number) => this.#onRead(count) });
    if (target.handshakeMs !== null) socket.once('connect', () => this.#await('handshake', target.handshakeMs!));
    socket.once(target.readyEvent, () => this.#onAnswering());
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#gone('closed the connection', null));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error));
    socket.on('close', () => this.#gone('closed the connection', null));
    return socket;
  }

  /** Somebody is there: who, is looked at before anything is said. */
  #onAnswering(): void {
    if (this.#state !== 'connecting') return;
    const right = this.#options.target.admit(this.#socket);
    if (isPosternError(right)) return this.#gone('', right);
    const { limits, scratch, connectMs } = this.#options;
    // One stands beside the fields: `:status`.
    const bounds = { listBytes: limits.headBytes, fieldCount: limits.fieldCount + 1 };
    const session = { isServer: false, maxStreams: 0, bounds, ...windows, nowMs: performance.now() };
    const writer = new FrameWriter(this.#socket, scratch);
    this.#spoken = { right, writer, session: new Http2Session(session, this, writer) };
    this.#await('HTTP/2 connection', connectMs);
  }

  #await(what: string, ms: number): void {
    if (this.#state !== 'connecting') return;
    this.#lateness = `no ${what} within ${ms} ms`;
    this.wheel.schedule(this.#timer, ms);
  }

  #onRead(count: number): boolean {
    const spoken = this.#spoken;
    if (this.#state === 'closed') return true;
    if (spoken === null) {
      this.#gone('spoke before it was asked', null);
      return true;
    }
    spoken.session.feed(this.#options.readBuffer.subarray(0, count), performance.now());
    if (this.#state === 'connecting' && spoken.session.isSettled) this.#onSettled();
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
    if (this.#state === 'connecting') this.#onError(new ConnectTimeout(this.#lateness));
    else this.close();
  }

  #onError(error: NodeJS.ErrnoException): void {
    this.#cause = error;
    const what = error.code ?? error.message;
    this.#gone(what, this.error('unreachable', what));
  }

  /** Somebody was there, and did not begin as HTTP/2 does. */
  #tried(error: PosternError): PosternError {
    if (this.#options.isTrial !== true || this.#spoken === null) return error;
    return new PosternError(error.code, error.message, { cause: new SpeaksHttp1() });
  }

  #gone(what: string, error: PosternError | null): void {
    if (this.#state === 'closed') return;
    const before = this.#state;
    this.#state = 'closed';
    this.wheel.cancel(this.#timer);
    this.#spoken?.session.stop();
    this.#socket.destroy();
    if (before === 'connecting') this.#owner.onUnreachable(this, this.#tried(error ?? this.error('unreachable', what)));
    else if (before === 'open') this.#owner.onRetired(this);
    this.#owner.onClosed(this);
    for (const stream of [...this.#streams]) stream.onConnectionGone(`${what} before the answer was whole`);
  }
}
