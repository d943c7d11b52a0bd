// HOT PATH (npm run bench). One verified TLS connection of a peer: requests one after the other, each in an Exchange,
// with the time limits of its phases.

import type { Socket } from 'node:net';
import type { ConnectionFacts, OutcomeResult } from '../audit/decision-event.ts';
import type { PosternError } from '../errors.ts';
import { WheelEntry } from '../lib/timer-wheel.ts';
import type { FieldList } from '../wire/field-list.ts';
import type { RequestEvents, RequestHead } from '../wire/http1-message.ts';
import { RequestParser } from '../wire/request-parser.ts';
import { AnswerWriter } from './answer-writer.ts';
import { ConnectionHolder } from './connection-holder.ts';
import { type ConnectionPhase, lingerMs, phaseMs } from './connection-phase.ts';
import type { Exchange } from './exchange.ts';
import type { ConnectionPlan, ExchangeServices, OctetHost, PeerTunnelUser } from './exchange-services.ts';
import type { ConnectionSide } from './inbound-request.ts';
import { answerOfWireStatus } from './own-answer.ts';
import type { HttpConnectionOptions, PeerConnection } from './peer-connection.ts';
import { PeerOctets } from './peer-octets.ts';
import type { ConnectionRight } from './peer-right.ts';
import { type IntakeHost, RequestIntake } from './request-intake.ts';

export interface InboundConnectionOptions extends HttpConnectionOptions {
  /** Under whose settings a request is served, null for nobody; left out: those of the own listener. */
  readonly route?: (head: RequestHead) => ExchangeServices | null;
}

export class InboundConnection implements PeerConnection, RequestEvents, OctetHost, IntakeHost {
  readonly sendsDecisionId: boolean;
  readonly peerIp: string | null;
  readonly sink: PeerOctets;
  readonly #holder: ConnectionHolder;
  readonly #intake: RequestIntake;
  readonly #services: ExchangeServices;
  readonly #route: ((head: RequestHead) => ExchangeServices | null) | null;
  readonly #socket: Socket;
  readonly #parser: RequestParser;
  readonly #onClosed: (connection: InboundConnection) => void;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  #phase: ConnectionPhase = 'idle';
  #exchange: Exchange | null = null;
  #tunnel: PeerTunnelUser | null = null;
  #peerHalfClosed = false;

  constructor(options: InboundConnectionOptions) {
    this.sendsDecisionId = options.sendsDecisionId;
    this.peerIp = options.peerIp;
    this.#services = options.services;
    this.#holder = new ConnectionHolder(options.services, options);
    this.#intake = new RequestIntake(options.services, this.#holder, this);
    this.#route = options.route ?? null;
    this.#socket = options.socket;
    this.sink = new PeerOctets(options.socket);
    this.#onClosed = options.onClosed;
    this.#parser = new RequestParser(options.headLimits, this);
    this.#listen();
    this.#enter('idle');
  }

  get right(): ConnectionRight {
    return this.#holder.right;
  }

  get side(): ConnectionSide {
    return this.#intake.caller.side;
  }

  get facts(): ConnectionFacts {
    return this.#intake.caller.facts;
  }

  get identityFields(): string {
    return this.#intake.caller.identityFields;
  }

  /** Why the token of what is open holds no more; null while it does, or where nothing rests on one. */
  get tokenEnded(): string | null {
    return this.#exchange === null && this.#tunnel === null ? null : this.#intake.caller.tokenEnded();
  }

  /** It was ended, and its socket has not told yet. */
  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  get mustClose(): boolean {
    return this.#peerHalfClosed || this.#holder.isDue;
  }

  get pendingBytes(): number {
    return this.sink.pendingBytes;
  }

  /** The plan for this caller under the policy of now. */
  get plan(): ConnectionPlan {
    return this.#holder.planFor(this.#intake.caller);
  }

  get octets(): OctetHost {
    return this;
  }

  answerTo(decisionId: string, head: RequestHead | null): AnswerWriter {
    return new AnswerWriter(this.sink, decisionId, head);
  }

  resumeRequest(): void {
    this.#parser.resume();
    this.sink.readOn(this.#parser.bufferedBytes);
  }

  pausePeerReading(): void {
    this.sink.hold();
  }

  resumePeerReading(): void {
    this.sink.release(this.#parser.bufferedBytes);
  }

  becomeTunnel(user: PeerTunnelUser): Buffer {
    this.#exchange = null;
    this.#tunnel = user;
    this.#enter('tunnel');
    const ahead = this.#parser.takeRemainder();
    if (this.#peerHalfClosed) setImmediate(() => this.#tunnel?.onPeerEnd());
    this.sink.readOn(this.#parser.bufferedBytes);
    return ahead;
  }

  /** Asks policy again about what is open: a request under way, a tunnel, or else what it was used for last. */
  judgeOpenAgain(): void {
    this.#intake.renew();
    this.#tunnel?.judgeAgain();
    this.#exchange?.judgeAgain();
    // Of a connection with several ways out, settings of another one may have let the last request through.
    if (this.#phase !== 'idle' || this.#route !== null) return;
    if (this.#holder.hasLastEnded()) this.end('its last request would be denied now', 'revoked');
  }

  onExchangeDone(close: boolean): void {
    this.#exchange = null;
    this.#tunnel = null;
    this.sink.free();
    if (this.#phase === 'closed') return;
    if (close || this.mustClose) return this.#linger();
    this.#enter('idle');
    // A peer that sends requests and reads no answers must not make us pile them up.
    if (this.#socket.writableNeedDrain) return;
    this.#next();
  }

  cut(): void {
    this.#exchange = null;
    this.#tunnel = null;
    this.#socket.destroy();
  }

  /** Ends the connection after the current request, or now where there is none. */
  closeWhenIdle(): void {
    if (this.#phase === 'idle') this.#linger();
  }

  /** Ends the connection at once, because the right ended or time is up. */
  end(detail: string, result: OutcomeResult = 'drained'): void {
    this.#abort(result, detail);
    this.#socket.destroy();
  }

  onRequestHead(head: RequestHead): void {
    this.#parser.pause();
    this.#enter('exchange');
    this.#intake.begin(head);
  }

  servicesFor(head: RequestHead): ExchangeServices | null {
    return this.#route === null ? this.#services : this.#route(head);
  }

  serve(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  onBody(bytes: Buffer): void {
    this.#exchange?.onRequestBody(bytes);
  }

  onMessageEnd(trailers: FieldList | null): void {
    this.#exchange?.onRequestEnd(trailers);
  }

  onWireError(error: PosternError, status: number): void {
    this.#services.observer.wireError(error.code);
    const isTunnelling = error.code === 'ERR_WIRE_CONNECT' && this.#route !== null;
    const kind = isTunnelling ? 'connect_refused' : answerOfWireStatus(status);
    if (this.#exchange !== null) return this.#exchange.onRequestBroken(error, kind);
    if (this.#phase === 'closed' || this.#phase === 'lingering') return;
    this.#enter('exchange');
    this.#intake.refuseUnread(kind);
  }

  #listen(): void {
    const socket = this.#socket;
    this.#services.reading.begin(socket, (view, count) => this.#onData(view, count));
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  #onData(view: Buffer, count: number): void {
    if (this.#phase === 'lingering' || this.#phase === 'closed') return;
    if (this.#tunnel !== null) return this.#tunnel.onPeerBytes(Buffer.copyBytesFrom(view, 0, count));
    this.#parser.feed(view, count);
    if (this.#phase === 'idle' && !this.#parser.isIdle) this.#enter('head');
    this.sink.bound(this.#parser.bufferedBytes);
  }

  #onDrain(): void {
    if (this.#exchange !== null) this.#exchange.onPeerDrain();
    else if (this.#tunnel !== null) this.#tunnel.onPeerDrain();
    else if (this.#phase === 'idle') this.#next();
  }

  /** Goes on with what came ahead, if anything did. */
  #next(): void {
    this.#parser.resume();
    if (this.#phase === 'idle' && !this.#parser.isIdle) this.#enter('head');
    this.sink.readOn(this.#parser.bufferedBytes);
  }

  /** The peer sends no more, but may still read: an answer in progress goes on (half-close). */
  #onEnd(): void {
    this.#peerHalfClosed = true;
    if (this.#tunnel !== null) return this.#tunnel.onPeerEnd();
    const isTruncated = this.#parser.end() === 'truncated';
    if (this.#exchange === null && !this.#intake.isVerifying) return this.#linger();
    if (isTruncated) this.end('the peer closed within its request');
  }

  #onClose(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#services.wheel.cancel(this.#timer);
    this.#parser.stop();
    this.#abort('client_aborted', null);
    this.#onClosed(this);
  }

  #abort(result: OutcomeResult, detail: string | null): void {
    this.#intake.drop();
    this.#exchange?.abort(result, detail);
    this.#tunnel?.abort(result, detail);
    this.#exchange = null;
    this.#tunnel = null;
  }

  #linger(): void {
    if (this.#phase === 'closed' || this.#phase === 'lingering') return;
    this.#enter('lingering');
    this.#parser.stop();
    this.#socket.end();
    this.#socket.resume();
  }

  #enter(phase: ConnectionPhase): void {
    this.#phase = phase;
    const { wheel } = this.#services;
    const ms = phase === 'idle' ? this.#holder.idleMs : phaseMs(phase, this.#services.settings.options.limits);
    if (ms === Number.POSITIVE_INFINITY) wheel.cancel(this.#timer);
    else wheel.schedule(this.#timer, ms);
  }

  #onTimeout(): void {
    const { observer } = this.#services;
    switch (this.#phase) {
      case 'idle':
        observer.limitMet('idle');
        return this.#linger();
      case 'head':
        observer.limitMet('header');
        this.#parser.stop();
        this.#enter('exchange');
        return this.#intake.refuseUnread('head_timeout');
      case 'exchange':
        observer.limitMet('request');
        if (!this.#intake.giveUp()) this.#exchange?.onRequestTimeout();
        return;
      default:
        return this.#endLinger();
    }
  }

  /** A peer that still takes the last answer is given time; one that does not move is cut off. */
  #endLinger(): void {
    if (this.sink.isStuck()) return void this.#socket.destroy();
    this.#services.wheel.schedule(this.#timer, lingerMs);
  }
}
