// HOT PATH (npm run bench). One connection to the workload, or to a peer that it calls: carries one exchange at a time, and is never used
// again once it was out of step (wire.md).

import type net from 'node:net';
import { isPosternError, type PosternError } from '../errors.ts';
import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';
import { lastChunk } from '../wire/chunk.ts';
import type { FieldList } from '../wire/field-list.ts';
import { serializeRequestHead, serializeTrailers } from '../wire/forward-head.ts';
import type { HeadLimits } from '../wire/head-limits.ts';
import type { RequestHead, ResponseEvents, ResponseHead } from '../wire/http1-message.ts';
import { ResponseParser } from '../wire/response-parser.ts';
import { announcedKeepAliveMs, assumedKeepAliveMs } from './announced-keep-alive.ts';
import { lingerMs } from './connection-phase.ts';
import { resetSocket } from './peer-connection.ts';
import type { OctetLine } from './upstream-line.ts';
import type { UpstreamFailure, UpstreamRight, UpstreamTarget } from './upstream-target.ts';
import type { UpstreamFault, UpstreamTunnelUser, UpstreamUser } from './upstream-user.ts';

/** What a connection tells its pool. */
export interface UpstreamOwner {
  onConnected(connection: UpstreamConnection): void;
  onConnectFailed(connection: UpstreamConnection, error: PosternError): void;
  onClosed(connection: UpstreamConnection): void;
  /** The head of an answer came. */
  onAnswered(status: number): void;
  /** It went wrong under an exchange. */
  onFault(connection: UpstreamConnection, fault: UpstreamFault): void;
  /** The exchange on it is complete. */
  giveBack(connection: UpstreamConnection): void;
}

export interface UpstreamConnectionOptions {
  readonly target: UpstreamTarget;
  readonly limits: HeadLimits;
  readonly wheel: TimerWheel;
  readonly connectMs: number;
  readonly responseMs: number;
  /** One buffer for all connections: a read is consumed before the next begins, so a thousand need no thousand buffers. */
  readonly readBuffer: Buffer;
}

type State =
  | { readonly kind: 'connecting' }
  /** No exchange; in the pool. */
  | { readonly kind: 'idle'; readonly sinceMs: number }
  | { readonly kind: 'busy'; readonly user: UpstreamUser }
  | { readonly kind: 'tunnel'; readonly user: UpstreamTunnelUser }
  /** A tunnel is over; what it wrote last is on its way. */
  | { readonly kind: 'finishing' }
  | { readonly kind: 'closed' };

const connecting: State = Object.freeze({ kind: 'connecting' });
const finishing: State = Object.freeze({ kind: 'finishing' });
const closed: State = Object.freeze({ kind: 'closed' });

/** The connection was not made in time. */
export class ConnectTimeout extends Error {}

export class UpstreamConnection implements ResponseEvents, OctetLine {
  readonly #options: UpstreamConnectionOptions;
  readonly #owner: UpstreamOwner;
  readonly #socket: net.Socket;
  readonly #parser: ResponseParser;
  readonly #timer: WheelEntry;
  #state: State = connecting;
  #reusable = true;
  #answerBegun = false;
  #headRead = false;
  /** Why a connection that is still being made would be given up. */
  #lateness: string;
  #keepAliveMs = assumedKeepAliveMs;
  #right: UpstreamRight | null = null;
  #served = 0;

  constructor(options: UpstreamConnectionOptions, owner: UpstreamOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#parser = new ResponseParser(options.limits, this);
    this.#timer = new WheelEntry(() => this.#onTimeout());
    this.#lateness = `no connection within ${options.connectMs} ms`;
    this.#socket = this.#connect();
    options.wheel.schedule(this.#timer, options.connectMs);
  }

  /** Exchanges carried so far; above 0 the workload may have closed it while it was idle. */
  get served(): number {
    return this.#served;
  }

  get wasKept(): boolean {
    return this.#served > 1;
  }

  get isIdle(): boolean {
    return this.#state.kind === 'idle';
  }

  /** The kernel has not taken, or not said that it took, all that was written. */
  get isSending(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Whoever answers here may be asked nothing more. */
  get isOver(): boolean {
    return this.#right?.isOver() === true;
  }

  /** Milliseconds of idleness by the wheel's clock. */
  idleForMs(nowMs: number): number {
    return this.#state.kind === 'idle' ? nowMs - this.#state.sinceMs : 0;
  }

  /** Gives the connection to an exchange; `method` frames the answer, and only with `accept` may it be a 101. */
  begin(user: UpstreamUser, method: string, accept: string | null): void {
    if (this.#state.kind !== 'idle') throw new TypeError('an upstream connection carries one exchange at a time');
    this.#state = { kind: 'busy', user };
    this.#answerBegun = false;
    this.#headRead = false;
    this.#served++;
    this.#parser.expect(method, accept);
    this.#options.wheel.schedule(this.#timer, this.#options.responseMs);
  }

  get octets(): this {
    return this;
  }

  sendHead(head: RequestHead, target: string, added: string): void {
    this.write(serializeRequestHead(head, target, added));
  }

  endRequest({ framing, nominated }: RequestHead, trailers: FieldList | null): void {
    if (framing === 'chunked') this.write(lastChunk(trailers === null ? '' : serializeTrailers(trailers, nominated)));
  }

  /** Sends bytes of the request; false asks to wait for `onUpstreamDrain`. */
  write(data: string | Buffer): boolean {
    return typeof data === 'string' ? this.#socket.write(data, 'latin1') : this.#socket.write(data);
  }

  /** Bytes that were written and wait for the kernel. */
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** The caller sent more of the request: the workload's time to answer starts anew. */
  touch(): void {
    if (this.#state.kind === 'busy') this.#options.wheel.schedule(this.#timer, this.#options.responseMs);
  }

  /** Stops reading while the caller does not take the answer; the workload owes nothing meanwhile. */
  pauseReading(): void {
    this.#socket.pause();
    this.#options.wheel.cancel(this.#timer);
  }

  resumeReading(): void {
    this.#socket.resume();
    this.touch();
  }

  /** After a 101 that confirms: from now on octets pass as they are. Gives those that came with it. */
  becomeTunnel(user: UpstreamTunnelUser): Buffer {
    this.#state = { kind: 'tunnel', user };
    this.#options.wheel.cancel(this.#timer);
    this.#socket.allowHalfOpen = true;
    return this.#parser.takeRemainder();
  }

  /** As a tunnel from the begin, without an exchange before it: that it was made is all that can be said of an endpoint. */
  becomeRelay(user: UpstreamTunnelUser): void {
    this.becomeTunnel(user);
    this.#owner.onAnswered(200);
  }

  /** The tunnel sends no more; the workload still may. */
  endWriting(): void {
    this.#socket.end();
  }

  /** The tunnel is over on both sides: the workload has some time to take what was written last. */
  finish(): void {
    if (this.#state.kind !== 'tunnel') return;
    this.#state = finishing;
    this.#options.wheel.schedule(this.#timer, lingerMs);
    this.#socket.destroySoon();
  }

  giveBack(): void {
    this.#owner.giveBack(this);
  }

  /** The exchange is over on both sides. True when the connection went back to be used again. */
  release(): boolean {
    if (this.#state.kind !== 'busy') return false;
    if (!this.#reusable || !this.#parser.isIdle || this.#socket.destroyed || this.#socket.writableLength > 0) {
      this.destroy();
      return false;
    }
    this.#state = { kind: 'idle', sinceMs: this.#options.wheel.nowMs };
    this.#options.wheel.schedule(this.#timer, this.#keepAliveMs);
    // A slow reader of the last piece may have stopped it; the next exchange must not wait for that reader.
    if (this.#socket.isPaused()) this.#socket.resume();
    return true;
  }

  /** Ends the connection at once; its exchange hears nothing more. */
  destroy(): void {
    if (this.#state.kind === 'closed') return;
    this.#state = closed;
    this.#options.wheel.cancel(this.#timer);
    this.#parser.stop();
    this.#socket.destroy();
    this.#owner.onClosed(this);
  }

  /** As `destroy`, but so that the other side does not take what it has for whole. */
  reset(): void {
    resetSocket({ socket: this.#socket, raw: this.#socket });
    this.destroy();
  }

  onInterimHead(head: ResponseHead): void {
    this.touch();
    if (this.#state.kind === 'busy') this.#state.user.onInterimHead(head);
  }

  onResponseHead(head: ResponseHead): void {
    this.#reusable = head.keepAlive && head.framing !== 'close';
    if (this.#reusable) this.#keepAliveMs = announcedKeepAliveMs(head.fields) ?? assumedKeepAliveMs;
    this.#headRead = true;
    this.touch();
    this.#owner.onAnswered(head.status);
    if (this.#state.kind === 'busy') this.#state.user.onResponseHead(head);
  }

  onBody(bytes: Buffer): void {
    if (this.#state.kind === 'busy') this.#state.user.onResponseBody(bytes);
  }

  onMessageEnd(trailers: FieldList | null): void {
    if (this.#state.kind === 'busy') this.#state.user.onResponseEnd(trailers);
  }

  onWireError(error: PosternError): void {
    this.#fail('invalid_answer', this.#error('invalid', error.message, error));
  }

  #connect(): net.Socket {
    const { target, readBuffer } = this.#options;
    const socket = target.open({ buffer: readBuffer, callback: (count: number) => this.#onRead(count) });
    if (target.handshakeMs !== null) socket.once('connect', () => this.#onShaking(target.handshakeMs!));
    socket.on(target.readyEvent, () => this.#onConnect());
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#onSocketError(error));
    socket.on('close', () => this.#onSocketError(null));
    return socket;
  }

  #onShaking(handshakeMs: number): void {
    if (this.#state.kind !== 'connecting') return;
    this.#lateness = `no handshake within ${handshakeMs} ms`;
    this.#options.wheel.schedule(this.#timer, handshakeMs);
  }

  #onConnect(): void {
    if (this.#state.kind !== 'connecting') return;
    const right = this.#options.target.admit(this.#socket);
    if (isPosternError(right)) return this.#onSocketError(right);
    this.#right = right;
    this.#options.wheel.cancel(this.#timer);
    this.#state = { kind: 'idle', sinceMs: this.#options.wheel.nowMs };
    this.#owner.onConnected(this);
  }

  #onDrain(): void {
    if (this.#state.kind === 'busy') this.#state.user.onUpstreamDrain();
    else if (this.#state.kind === 'tunnel') this.#state.user.onWorkloadDrain();
  }

  #onRead(count: number): boolean {
    const state = this.#state;
    if (state.kind === 'closed' || state.kind === 'finishing') return true;
    if (state.kind === 'tunnel') {
      state.user.onWorkloadBytes(this.#options.readBuffer.subarray(0, count));
      return true;
    }
    // Any byte counts: of a request whose answer had begun nobody knows whether it was carried out.
    this.#answerBegun = true;
    // A head that comes in drops has no more time than one that comes whole.
    if (this.#headRead) this.touch();
    this.#parser.feed(this.#options.readBuffer, count);
    if (state.kind === 'busy') state.user.onResponseFlush();
    // Bytes while nothing is asked for were refused by the parser, which ended the connection (Node CVE-2026-48931).
    return true;
  }

  #onEnd(): void {
    const state = this.#state;
    if (state.kind === 'tunnel') return state.user.onWorkloadEnd();
    if (state.kind === 'finishing') return;
    // Within its handshake: whoever waits for the connection has to be told.
    if (state.kind === 'connecting') return this.#onSocketError(null);
    if (state.kind !== 'busy') return this.destroy();
    this.#reusable = false;
    if (this.#parser.end() === 'complete') return state.user.onResponseFlush();
    this.#failClosed(null);
  }

  #onSocketError(error: Error | null): void {
    if (this.#state.kind === 'connecting') {
      const unreachable = this.#error('unreachable', error === null ? 'closed' : errorText(error), error);
      this.#state = closed;
      this.#options.wheel.cancel(this.#timer);
      this.#socket.destroy();
      this.#owner.onConnectFailed(this, unreachable);
      return;
    }
    if (this.#state.kind === 'busy') return this.#failClosed(error);
    const state = this.#state;
    this.destroy();
    if (state.kind === 'tunnel') state.user.onWorkloadGone(this.#failure(error));
  }

  #failClosed(error: Error | null): void {
    this.#fail(this.#answerBegun ? 'broken_answer' : 'closed_before_answer', this.#failure(error));
  }

  #failure(error: Error | null): PosternError {
    const why = error === null ? 'closed the connection' : errorText(error);
    const where = this.#answerBegun ? 'within its answer' : 'before it answered';
    return this.#error('failed', `${why} ${where}`, error);
  }

  #onTimeout(): void {
    switch (this.#state.kind) {
      case 'connecting':
        this.#onSocketError(new ConnectTimeout(this.#lateness));
        return;
      case 'busy':
        this.#fail('timeout', this.#error('timeout', `sent nothing for ${this.#options.responseMs} ms`, null));
        return;
      default:
        this.destroy();
    }
  }

  #fail(fault: UpstreamFault, error: PosternError): void {
    const state = this.#state;
    this.destroy();
    if (state.kind !== 'busy') return;
    this.#owner.onFault(this, fault);
    state.user.onUpstreamFault(fault, error);
  }

  #error(kind: UpstreamFailure, what: string, cause: Error | null): PosternError {
    return this.#options.target.error({ kind, what, cause, socket: this.#socket });
  }
}

function errorText(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code ?? error.message;
}
