// HOT PATH (npm run bench -- --only h2). One stream of a peer as the host of its exchange: the same questions in the same order as for a
// request of HTTP/1.1, and then its body, held until the decision is on record.

import type { ConnectionFacts, Correlation, OutcomeResult } from '../../audit/decision-event.ts';
import { refuseToken, type TokenRefusal } from '../../identity/tokens/token-refusals.ts';
import { WheelEntry } from '../../lib/timer-wheel.ts';
import type { FieldList } from '../../wire/field-list.ts';
import type { RequestHead } from '../../wire/http1-message.ts';
import { h2Codes } from '../../wire/http2/frame-types.ts';
import type { HeaderBlock } from '../../wire/http2/hpack-decoder.ts';
import type { RequestHeadFault } from '../../wire/http2/http2-request-head.ts';
import type { Http2Stream, StreamUser } from '../../wire/http2/http2-stream.ts';
import type { WireFault } from '../../wire/wire-fault.ts';
import { acceptedPath } from '../accepted-path.ts';
import type { Caller } from '../caller.ts';
import { correlate } from '../correlation.ts';
import { Exchange } from '../exchange.ts';
import type { ConnectionPlan, ExchangeHost, ExchangeServices } from '../exchange-services.ts';
import { isGrpcType } from '../grpc-call.ts';
import type { ConnectionSide } from '../inbound-request.ts';
import { judgeRequest, refuseRequest } from '../judge.ts';
import type { LastLetThrough } from '../last-let-through.ts';
import { answerOfWireStatus, type OwnAnswerKind, ownAnswers } from '../own-answer.ts';
import { endedRightEvent } from '../refusal-events.ts';
import { type AnsweredStream, Http2Answer } from './http2-answer.ts';

/** The connection as its streams see it. */
export interface StreamConnection {
  readonly services: ExchangeServices;
  readonly sendsDecisionId: boolean;
  readonly peerIp: string | null;
  /** Who holds it, as described now. */
  readonly own: Caller;
  readonly isPeerBusy: boolean;
  readonly pendingBytes: number;
  /** Why the right that opened it ended, or null. */
  rightEnded(): string | null;
  planFor(caller: Caller): ConnectionPlan;
  readonly last: LastLetThrough;
  /** Nothing of the stream is left. */
  onHostDone(host: StreamHost): void;
}

interface NamedHead {
  readonly decisionId: string;
  readonly correlation: Correlation;
  readonly head: RequestHead;
}

/** Time in which a peer must take something of what is left of an answer. */
const stallMs = 10_000;

export class StreamHost implements ExchangeHost, StreamUser, AnsweredStream {
  readonly octets = null;
  readonly mustClose = false;
  readonly stream: Http2Stream;
  isGrpc = false;
  isMalformed = false;
  readonly #connection: StreamConnection;
  readonly #services: ExchangeServices;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  #caller: Caller;
  #verifying: NamedHead | null = null;
  #exchange: Exchange | null = null;
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
    this.#caller = connection.own;
    this.stream = stream;
  }

  get side(): ConnectionSide {
    return this.#caller.side;
  }

  get facts(): ConnectionFacts {
    return this.#caller.facts;
  }

  get identityFields(): string {
    return this.#caller.identityFields;
  }

  get sendsDecisionId(): boolean {
    return this.#connection.sendsDecisionId;
  }

  get peerIp(): string | null {
    return this.#connection.peerIp;
  }

  get plan(): ConnectionPlan {
    return this.#connection.planFor(this.#caller);
  }

  get pendingBytes(): number {
    return this.stream.queuedBytes + this.#connection.pendingBytes;
  }

  get isPeerBusy(): boolean {
    return this.#connection.isPeerBusy;
  }

  /** Why the token of what is open holds no more; null while it does, or where nothing rests on one. */
  get tokenEnded(): string | null {
    return this.#exchange === null ? null : this.#caller.tokenEnded();
  }

  /** Serves a request. */
  begin(head: RequestHead): void {
    const { services } = this.#connection;
    const decisionId = services.ids.uuid();
    const named = { decisionId, correlation: correlate(head.fields, decisionId, services.ids), head };
    this.isGrpc = isGrpcType(head.fields.get('content-type'));
    this.stream.contentLeft = head.framing === 'length' ? head.contentLength : -1;
    services.wheel.schedule(this.#timer, services.settings.options.limits.requestMs);
    if (this.#connection.rightEnded() !== null) return this.#refuse('reauth_revoked', 'denied', named);
    if (services.settings.options.identityRequired === 'x509') return this.#judge(named);
    this.#identify(named);
  }

  /** Refuses a request whose head says what HTTP does not. */
  refuseHead({ kind, fault }: RequestHeadFault): void {
    this.isMalformed = kind === 'malformed';
    this.#refuseUnread(fault);
  }

  answerTo(decisionId: string): Http2Answer {
    return new Http2Answer(this, decisionId);
  }

  resumeRequest(): void {
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

  onExchangeDone(): void {
    this.#exchange = null;
    this.#held = null;
    this.#services.wheel.cancel(this.#timer);
    this.#settle();
  }

  cut(): void {
    this.#exchange = null;
    this.stream.reset(h2Codes.internalError);
    this.#done();
  }

  /** The connection takes bytes again. */
  onPeerDrain(): void {
    if (this.stream.queuedBytes === 0) this.#exchange?.onPeerDrain();
  }

  /** Asks policy again about what is under way; `own`: what is said of the connection's holder, where that changed. */
  judgeAgain(own: Caller | null): void {
    if (own !== null) this.#caller = this.#caller.renewed(own);
    this.#exchange?.judgeAgain();
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
    this.#verifying = null;
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.abort(result, detail);
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
    if (this.#held === null) this.#exchange?.onRequestEnd(trailers);
  }

  onReset(code: number, detail: string | null): void {
    if (detail !== null) this.#services.observer.wireError('ERR_WIRE_HTTP2');
    this.abort('client_aborted', detail ?? `the peer reset the stream with code ${code}`);
  }

  onWritable(): void {
    if (this.#exchange === null) this.#settle();
    else if (!this.isPeerBusy) this.#exchange.onPeerDrain();
  }

  #handOn(piece: Buffer): void {
    const exchange = this.#exchange;
    // After an early answer nobody reads it.
    if (exchange === null) return;
    exchange.onRequestBody(piece);
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

  /** Everybody who needs a token, or brings one, is who it says. */
  #identify(named: NamedHead): void {
    const { tokens, settings } = this.#services;
    if (tokens === null) return this.#refuseToken(named, refuseToken('issuer_unknown'));
    this.#verifying = named;
    tokens.identify(this.#connection.own, { head: named.head, options: settings.options }, (found) => {
      // The stream, or time, may have ended meanwhile.
      if (this.#verifying !== named) return;
      this.#verifying = null;
      if (found.kind === 'refused') return this.#refuseToken(named, found.refusal);
      this.#services.observer.tokenJudged('accepted');
      this.#caller = found.caller.renewed(this.#connection.own);
      this.#judge({ ...named, head: found.head });
    });
  }

  #judge(named: NamedHead): void {
    const services = this.#services;
    const { decisionId, correlation, head } = named;
    const path = acceptedPath(head.rawPath, services.settings.options);
    if (path === null) return this.#refuse('bad_request_target', 'bad_request', named);
    const event = judgeRequest(services, this, { decisionId, correlation, head, path });
    if (event.decision.effect === 'allow' || !event.enforced) this.#connection.last.note(this.#caller, head, path);
    this.#exchange = new Exchange(services, this, { event, head, target: path + head.query, refusal: null });
  }

  #refuseToken(named: NamedHead, { cause, detail, shown }: TokenRefusal): void {
    this.#services.observer.tokenJudged(cause);
    const kind = cause === 'keys_unavailable' ? 'undecidable' : 'unauthenticated';
    const { head } = named;
    const refused = { ...named, reason: 'authn_failed', status: ownAnswers[kind].status } as const;
    const event = refuseRequest(this.#services, this, { ...refused, failure: { cause, detail, shown } });
    this.#exchange = new Exchange(this.#services, this, { event, head, target: '', refusal: kind, code: cause });
  }

  #refuseUnread(fault: WireFault): void {
    const { observer, ids } = this.#services;
    observer.wireError(fault.error.code);
    const decisionId = ids.uuid();
    const correlation = correlate(null, decisionId, ids);
    this.#refuse('bad_request', answerOfWireStatus(fault.status), { decisionId, correlation, head: null });
  }

  #refuse(
    reason: 'bad_request' | 'bad_request_target' | 'reauth_revoked',
    kind: OwnAnswerKind,
    request: Omit<NamedHead, 'head'> & { readonly head: RequestHead | null },
  ): void {
    const services = this.#services;
    const event = refuseRequest(services, this, { ...request, reason, status: ownAnswers[kind].status });
    this.#exchange = new Exchange(services, this, { event, head: null, target: '', refusal: kind });
  }

  /** `limits.request`, or a peer that takes nothing of what is left of its answer. */
  #onTimeout(): void {
    if (this.#exchange !== null) {
      this.#services.observer.limitMet('request');
      return this.#exchange.onRequestTimeout();
    }
    const named = this.#verifying;
    if (named !== null) {
      this.#verifying = null;
      return this.#refuseToken(named, refuseToken('keys_unavailable'));
    }
    if (this.stream.queuedBytes < this.#stalledAt) return this.#settle();
    this.#services.observer.limitMet('slow_reader');
    this.stream.reset(h2Codes.cancel);
    this.#done();
  }
}
