// HOT PATH (npm run bench -- --only h2). One stream of a peer as the host of its exchange: the same questions in the same order as for a
// request of HTTP/1.1, and then its body, held until the decision is on record.

import type { ConnectionFacts, OutcomeResult } from '../../audit/decision-event.ts';
import { WheelEntry } from '../../lib/timer-wheel.ts';
import type { FieldList } from '../../wire/field-list.ts';
import type { RequestHead } from '../../wire/http1-message.ts';
import { h2Codes } from '../../wire/http2/frame-types.ts';
import type { HeaderBlock } from '../../wire/http2/hpack-decoder.ts';
import type { RequestHeadFault } from '../../wire/http2/http2-request-head.ts';
import type { Http2Stream, StreamUser } from '../../wire/http2/http2-stream.ts';
import type { ConnectionHolder } from '../connection-holder.ts';
import type { Exchange } from '../exchange.ts';
import type { ConnectionPlan, ExchangeServices, OctetHost, PeerTunnelUser } from '../exchange-services.ts';
import { isGrpcType } from '../grpc-call.ts';
import type { ConnectionSide } from '../inbound-request.ts';
import { answerOfWireStatus } from '../own-answer.ts';
import { endedRightEvent } from '../refusal-events.ts';
import { type IntakeHost, RequestIntake } from '../request-intake.ts';
import { type AnsweredStream, Http2Answer } from './http2-answer.ts';
import { StreamOctets } from './stream-octets.ts';

/** The connection as its streams see it. */
export interface StreamConnection {
  readonly services: ExchangeServices;
  readonly sendsDecisionId: boolean;
  readonly peerIp: string | null;
  readonly holder: ConnectionHolder;
  readonly isPeerBusy: boolean;
  readonly pendingBytes: number;
  /** Nothing of the stream is left. */
  onHostDone(host: StreamHost): void;
}

/** Time in which a peer must take something of what is left of an answer. */
const stallMs = 10_000;

export class StreamHost implements IntakeHost, OctetHost, StreamUser, AnsweredStream {
  readonly mustClose = false;
  readonly stream: Http2Stream;
  isGrpc = false;
  isMalformed = false;
  isConnect = false;
  readonly #connection: StreamConnection;
  readonly #services: ExchangeServices;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  readonly #intake: RequestIntake;
  #exchange: Exchange | null = null;
  #tunnel: PeerTunnelUser | null = null;
  #sink: StreamOctets | null = null;
  /** What came before the decision was on record; copies. Null once it is handed on as it comes. */
  #held: Buffer[] | null = [];
  #ended: { readonly trailers: FieldList | null } | null = null;
  #isPaused = false;
  /** Bytes that were handed on while the workload asked to wait. */
  #uncredited = 0;
  #stalledAt = 0;

  constructor(connection: StreamConnection, stream: Http2Stream) {
    this.#connection = connection;
    this.#services = connection.services;
    this.#intake = new RequestIntake(connection.services, connection.holder, this);
    this.stream = stream;
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

  get sendsDecisionId(): boolean {
    return this.#connection.sendsDecisionId;
  }

  get peerIp(): string | null {
    return this.#connection.peerIp;
  }

  get plan(): ConnectionPlan {
    return this.#connection.holder.planFor(this.#intake.caller);
  }

  get pendingBytes(): number {
    return this.stream.queuedBytes + this.#connection.pendingBytes;
  }

  get isPeerBusy(): boolean {
    return this.#connection.isPeerBusy;
  }

  /** Why the token of what is open holds no more; null while it does, or where nothing rests on one. */
  get tokenEnded(): string | null {
    return this.#exchange === null && this.#tunnel === null ? null : this.#intake.caller.tokenEnded();
  }

  get sink(): StreamOctets {
    this.#sink ??= new StreamOctets(this);
    return this.#sink;
  }

  get octets(): OctetHost | null {
    return this.isConnect ? this : null;
  }

  /** Serves a request. */
  begin(head: RequestHead): void {
    const { wheel, settings } = this.#services;
    this.isGrpc = isGrpcType(head.fields.get('content-type'));
    this.isConnect = head.upgrade !== null;
    this.stream.contentLeft = head.framing === 'length' ? head.contentLength : -1;
    wheel.schedule(this.#timer, settings.options.limits.requestMs);
    this.#intake.begin(head);
  }

  /** Refuses a request whose head says what HTTP does not. */
  refuseHead({ kind, fault }: RequestHeadFault): void {
    this.isMalformed = kind === 'malformed';
    this.#services.observer.wireError(fault.error.code);
    this.#intake.refuseUnread(answerOfWireStatus(fault.status));
  }

  servicesFor(): ExchangeServices {
    return this.#services;
  }

  serve(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  answerTo(decisionId: string): Http2Answer {
    return new Http2Answer(this, decisionId);
  }

  resumeRequest(): void {
    // What follows an extended CONNECT is no body: it waits for the tunnel.
    if (this.isConnect) return this.#exchange?.onRequestEnd(null);
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    for (const piece of held) this.#handOn(piece);
    if (this.#ended !== null) this.#exchange?.onRequestEnd(this.#ended.trailers);
  }

  pausePeerReading(): void {
    this.#isPaused = true;
  }

  resumePeerReading(): void {
    this.#isPaused = false;
    const bytes = this.#uncredited;
    this.#uncredited = 0;
    if (bytes > 0) this.stream.credit(bytes);
  }

  becomeTunnel(user: PeerTunnelUser): Buffer {
    this.#exchange = null;
    this.#tunnel = user;
    this.#services.wheel.cancel(this.#timer);
    const ahead = Buffer.concat(this.#held ?? []);
    this.#held = null;
    if (ahead.length > 0) this.stream.credit(ahead.length);
    if (this.#ended !== null) setImmediate(() => this.#tunnel?.onPeerEnd());
    return ahead;
  }

  onExchangeDone(): void {
    this.#exchange = null;
    this.#tunnel = null;
    this.#held = null;
    this.#services.wheel.cancel(this.#timer);
    this.#settle();
  }

  cut(): void {
    this.#exchange = null;
    this.#tunnel = null;
    this.stream.reset(h2Codes.internalError);
    this.#done();
  }

  /** The connection takes bytes again. */
  onPeerDrain(): void {
    if (this.stream.queuedBytes > 0) return;
    this.#exchange?.onPeerDrain();
    this.#tunnel?.onPeerDrain();
  }

  /** Asks policy again about what is under way. */
  judgeAgain(): void {
    this.#intake.renew();
    this.#exchange?.judgeAgain();
    this.#tunnel?.judgeAgain();
  }

  /** The token of what is under way holds no more: only this stream ends. */
  endWithToken(detail: string): void {
    const { recorder, ids, clock } = this.#services;
    const names = { decisionId: ids.uuid(), timeUs: clock.nowUs(), connection: this.facts };
    recorder.authnFailed(endedRightEvent(names, this.side, detail));
    this.stream.reset(h2Codes.cancel);
    this.abort('revoked', detail);
  }

  /** The connection is gone, or must go. */
  abort(result: OutcomeResult, detail: string | null): void {
    this.#intake.drop();
    const exchange = this.#exchange;
    const tunnel = this.#tunnel;
    this.#exchange = null;
    this.#tunnel = null;
    exchange?.abort(result, detail);
    tunnel?.abort(result, detail);
    this.#done();
  }

  /** A request has one head, and what follows are trailers; the connection sees to that. */
  onHead(_block: HeaderBlock): null {
    return null;
  }

  onData(view: Buffer): void {
    // A copy: the view is written over by the next read.
    if (this.#held !== null) this.#held.push(Buffer.from(view));
    else this.#handOn(view);
  }

  onEnd(trailers: FieldList | null): void {
    this.#ended = { trailers };
    if (this.#tunnel !== null) return this.#tunnel.onPeerEnd();
    if (this.#held === null) this.#exchange?.onRequestEnd(trailers);
  }

  onReset(code: number, detail: string | null): void {
    if (detail !== null) this.#services.observer.wireError('ERR_WIRE_HTTP2');
    this.abort('client_aborted', detail ?? `the peer reset the stream with code ${code}`);
  }

  onWritable(): void {
    if (this.#exchange === null && this.#tunnel === null) return this.#settle();
    if (this.isPeerBusy) return;
    this.#exchange?.onPeerDrain();
    this.#tunnel?.onPeerDrain();
  }

  #handOn(piece: Buffer): void {
    const exchange = this.#exchange;
    if (exchange !== null) exchange.onRequestBody(piece);
    else if (this.#tunnel !== null) this.#tunnel.onPeerBytes(Buffer.from(piece));
    // After an early answer nobody reads it.
    else return;
    if (this.#isPaused) this.#uncredited += piece.length;
    else this.stream.credit(piece.length);
  }

  /** The answer is complete: what is left of it goes, then the rest of the request is not wanted (RFC 9113 §8.1). */
  #settle(): void {
    const { stream } = this;
    if (stream.isClosed) return this.#done();
    if (stream.localEnded) {
      stream.reset(h2Codes.noError);
      return this.#done();
    }
    this.#stalledAt = stream.queuedBytes;
    this.#services.wheel.schedule(this.#timer, stallMs);
  }

  #done(): void {
    this.#services.wheel.cancel(this.#timer);
    this.#held = null;
    this.#connection.onHostDone(this);
  }

  /** `limits.request`, or a peer that takes nothing of what is left of its answer. */
  #onTimeout(): void {
    if (this.#exchange !== null) {
      this.#services.observer.limitMet('request');
      return this.#exchange.onRequestTimeout();
    }
    if (this.#intake.giveUp()) return;
    if (this.stream.queuedBytes < this.#stalledAt) return this.#settle();
    this.#services.observer.limitMet('slow_reader');
    this.stream.reset(h2Codes.cancel);
    this.#done();
  }
}
