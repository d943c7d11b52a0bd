// HOT PATH (npm run bench). One request and its answer: judged, recorded, and only then forwarded.
//
// INVARIANT: nothing reaches the workload before `recorded()` was called for an allow; `Forwarding` asks for the permit. States:
// `recording` until the journal has the decision; `forwarding` while both sides stream; `discarding` after an own answer; `done`.

import type { OutcomeResult, RecordWaiter } from '../audit/decision-event.ts';
import type { ErrorCode, PosternError } from '../errors.ts';
import type { FieldList } from '../wire/field-list.ts';
import type { ResponseHead } from '../wire/http1-message.ts';
import { BodyRateWatch, type WatchedBodies } from './body-rate-watch.ts';
import { outcomeEvent, wantsOutcome } from './exchange-outcome.ts';
import { answerOfFault, discardableBytes, faultResult, isDiscardable } from './exchange-rules.ts';
import type { ExchangeHost, ExchangeServices, ExchangeStart, ListenerSettings } from './exchange-services.ts';
import { type ForwardedRequest, Forwarding, type ForwardingUser } from './forwarding.ts';
import { OpenDecision } from './open-decision.ts';
import { answerOfReason, type OwnAnswerKind, ownAnswers } from './own-answer.ts';
import type { PeerAnswer } from './peer-answer.ts';
import { Tunnel } from './tunnel.ts';
import type { UpstreamLine } from './upstream-line.ts';
import type { UpstreamFault } from './upstream-user.ts';

type State = 'recording' | 'forwarding' | 'discarding' | 'done';

const noBytes = Object.freeze({ request: 0, response: 0 });
const noSwitch = 'the workload did not switch to WebSocket';

export class Exchange implements RecordWaiter, ForwardingUser, WatchedBodies {
  readonly services: ExchangeServices;
  readonly settings: ListenerSettings;
  readonly host: ExchangeHost;
  readonly #start: ExchangeStart;
  readonly #answer: PeerAnswer;
  readonly #startedMs = performance.now();
  readonly #startRevision: number;
  #decision: OpenDecision | null = null;
  #state: State = 'recording';
  #requestComplete = false;
  #answerComplete = false;
  #requestBytes = 0;
  /** What the workload or the peer did wrong. */
  #fault: ErrorCode | null = null;
  #rateWatch: BodyRateWatch | null = null;
  #way: Forwarding | null = null;

  constructor(services: ExchangeServices, host: ExchangeHost, start: ExchangeStart) {
    this.services = services;
    this.settings = services.settings;
    this.host = host;
    this.#start = start;
    this.#startRevision = services.plans.revision;
    this.#answer = host.answerTo(start.event.decisionId, start.head);
    services.observer.requestBegun();
    services.recorder.decision(start.event, this);
  }

  recorded(): void {
    if (this.#state !== 'recording') return;
    const { event, refusal, head } = this.#start;
    if (refusal !== null) return this.#answerMyself(refusal, 'answered', null);
    if (event.decision.effect === 'deny' && event.enforced) {
      return this.#answerMyself(answerOfReason(event.decision.reason), 'answered', null);
    }
    if (head!.contentLength > this.settings.options.limits.bodyBytes) return this.#bodyTooLarge();
    const permit = event.decision.permit ?? this.services.shadowPermit;
    this.#state = 'forwarding';
    this.#way = new Forwarding(this, this.#start as ForwardedRequest, permit);
    this.#way.begin();
  }

  recordFailed(error: PosternError): void {
    if (this.#state !== 'recording') return;
    this.#answerMyself('unrecorded', 'record_failed', error.message);
  }

  /** A piece of the request's body. */
  onRequestBody(bytes: Buffer): void {
    this.#requestBytes += bytes.length;
    if (this.#state === 'discarding' && this.#requestBytes > discardableBytes) return this.#finish(true);
    if (this.#state !== 'forwarding') return;
    if (this.#requestBytes > this.settings.options.limits.bodyBytes) return this.#bodyTooLarge();
    this.#way?.body(bytes);
  }

  /** The request is complete. */
  onRequestEnd(trailers: FieldList | null): void {
    this.#requestComplete = true;
    this.#rateWatch?.requestDone();
    if (this.#state === 'discarding') return this.#finish(false);
    if (this.#state !== 'forwarding') return;
    this.#way?.end(trailers);
    if (this.#answerComplete) this.#complete();
  }

  /** The rest of the request cannot be read; what went to the workload must not look whole. */
  onRequestBroken(error: PosternError, kind: OwnAnswerKind): void {
    if (this.#state === 'done') return;
    if (this.#state === 'discarding') return this.#finish(true);
    this.#fail(kind, 'client_aborted', error.message);
  }

  /** `limits.request` is over. */
  onRequestTimeout(): void {
    if (this.#state === 'discarding') return this.#finish(true);
    if (this.#state !== 'done') this.#fail('request_timeout', 'limit', 'the request took longer than `limits.request`');
  }

  /** Of the request so far. */
  get receivedBytes(): number {
    return this.#requestBytes;
  }

  /** Of the answer, those that the kernel took. */
  get sentBytes(): number {
    return this.#answer.bytes - this.host.pendingBytes;
  }

  onSlowRequest(): void {
    this.services.observer.limitMet('min_body_rate');
    if (this.#state === 'discarding') return this.#finish(true);
    this.#fail('body_timeout', 'limit', 'the request body arrives below `limits.min_body_rate`');
  }

  onSlowReader(): void {
    this.services.observer.limitMet('slow_reader');
    this.#fail('request_timeout', 'limit', 'the peer takes the answer below `limits.min_body_rate`');
  }

  /** The peer takes bytes again. */
  onPeerDrain(): void {
    this.#rateWatch?.answerDrained();
    if (!this.#answerComplete) this.#line?.resumeReading();
  }

  /** Asks policy again about a request that is under way: a body may stream for hours. */
  judgeAgain(): void {
    if (this.#state !== 'forwarding') return;
    const { event, head } = this.#start;
    const parts = { services: this.services, host: this.host };
    const under = { revision: this.#startRevision, settings: this.settings, principal: event.request.principal };
    this.#decision ??= new OpenDecision(parts, { first: event, head: head! }, under);
    if (this.#decision.hasEnded()) this.#fail('denied', 'revoked', 'the request would be denied now');
  }

  /** The connection is gone, or must go. */
  abort(result: OutcomeResult, detail: string | null): void {
    if (this.#state === 'done') return;
    this.#leaveUpstream();
    // After an own answer the outcome is on record already.
    if (this.#state !== 'discarding') this.#report(result, this.#answer.status, detail);
    this.#state = 'done';
  }

  onInterimHead(head: ResponseHead): void {
    this.#answer.interim(head);
  }

  onResponseHead(head: ResponseHead): void {
    this.services.observer.upstreamAnswered(performance.now() - this.#way!.answered());
    if (head.status === 101) return this.#openTunnel(head);
    if (this.#answer.needsSwitch && head.status < 300)
      return this.#fail('workload_failed', 'upstream_failed', noSwitch);
    this.#answer.begin(head, this.host.mustClose || !this.#requestComplete);
  }

  onResponseBody(bytes: Buffer): void {
    if (!this.#answer.body(bytes)) this.#waitForPeer();
  }

  onResponseEnd(trailers: FieldList | null): void {
    this.#answer.end(trailers);
    this.#answerComplete = true;
  }

  onResponseFlush(): void {
    if (this.#state === 'done') return;
    if (!this.#answer.flush() && !this.#answerComplete) this.#waitForPeer();
    if (this.#answerComplete) this.#complete();
  }

  onUpstreamTakesBody(): void {
    if (!this.#requestComplete && this.#state === 'forwarding') this.#watchRate().requestBegun();
  }

  onUpstreamBusy(): void {
    this.host.pausePeerReading();
    this.#rateWatch?.pauseRequest();
  }

  onUpstreamDrain(): void {
    // The last piece may have filled the way, too: then no more is owed, however long the answer takes.
    if (!this.#requestComplete) this.#rateWatch?.resumeRequest();
    this.host.resumePeerReading();
  }

  onUpstreamFault(fault: UpstreamFault, error: PosternError): void {
    // The answer was whole before the connection went wrong: the caller gets it, the connection is gone anyway.
    if (this.#answerComplete || this.#state === 'done') return;
    if (!this.#answer.hasBegun && this.#way?.repeat(fault) === true) return;
    this.#fault = error.code;
    if (fault === 'timeout') this.services.observer.limitMet('upstream_response');
    this.#fail(answerOfFault(fault, error.code), faultResult(fault, error.code), error.message);
  }

  /** The request is over with its 101; the tunnel tells its own end. */
  #openTunnel(answer: ResponseHead): void {
    const { octets } = this.host;
    // Nobody asked for a 101 who could take it: the parser refuses such an answer.
    const upstream = octets === null ? null : (this.#way?.takeOctets() ?? null);
    if (octets === null || upstream === null) return;
    this.#state = 'done';
    this.#answer.switching(answer);
    const { event, head } = this.#start;
    const startedMs = this.#startedMs;
    this.services.observer.requestEnded(101, performance.now() - startedMs, noBytes);
    Tunnel.open({ services: this.services, host: octets, upstream, event, head: head!, startedMs });
  }

  /** What carries the request; null where nothing does. */
  get #line(): UpstreamLine | null {
    return this.#state === 'forwarding' && this.#way !== null ? this.#way.line : null;
  }

  #waitForPeer(): void {
    const line = this.#line;
    if (line === null) return;
    line.pauseReading();
    this.#watchRate().answerStalled();
  }

  #watchRate(): BodyRateWatch {
    const { wheel } = this.services;
    const { minBodyRateBytesPerS } = this.settings.options.limits;
    this.#rateWatch ??= new BodyRateWatch(this, { wheel, minBytesPerS: minBodyRateBytesPerS });
    return this.#rateWatch;
  }

  #bodyTooLarge(): void {
    this.services.observer.limitMet('body_bytes');
    this.#fail('body_too_large', 'limit', 'the request body is larger than `limits.body_bytes`');
  }

  /** Ends with an own answer where none has begun, else with a last word, or by cutting the connection. */
  #fail(kind: OwnAnswerKind, result: OutcomeResult, detail: string | null): void {
    if (!this.#answer.hasBegun) return this.#answerMyself(kind, result, detail);
    this.#leaveUpstream();
    this.#report(result, this.#answer.status, detail);
    if (this.#answer.breakOff(kind)) return this.#finish(true);
    this.#state = 'done';
    this.host.cut();
  }

  #answerMyself(kind: OwnAnswerKind, result: OutcomeResult, detail: string | null): void {
    const { head, event, refusal } = this.#start;
    const { deny } = this.settings.options;
    const readsOn = head !== null && this.#state === 'recording' && kind !== 'body_too_large' && isDiscardable(head);
    const close = this.host.mustClose || !(readsOn || this.#requestComplete);
    this.#leaveUpstream();
    const status = kind === 'denied' ? deny.status : ownAnswers[kind].status;
    this.services.observer.ownAnswer(kind, status);
    // A request whose path was refused has no head here, but its event still knows the method.
    const { decisionId, method } = event;
    const code = kind === refusal ? (this.#start.code ?? null) : null;
    this.#answer.own(kind, { decisionId, deny, close, isHead: method === 'HEAD', code, told: detail }, status);
    this.#report(result, status, detail);
    if (close || this.#requestComplete) return this.#finish(close);
    this.#state = 'discarding';
    this.host.resumeRequest();
    // A denied peer that keeps its body back must not hold its connection; what had come already may have ended it.
    if (this.#state === 'discarding') this.#watchRate().requestBegun();
  }

  /** Both directions are complete, or the answer came before the request was: then the connection cannot go on. */
  #complete(): void {
    if (this.#line === null) return;
    this.#way?.finish(this.#requestComplete);
    this.#report('answered', this.#answer.status, null);
    this.#finish(this.#answer.closes || !this.#requestComplete);
  }

  #finish(close: boolean): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#rateWatch?.stop();
    this.host.onExchangeDone(close);
  }

  #leaveUpstream(): void {
    this.#rateWatch?.stop();
    this.#way?.leave();
  }

  #report(result: OutcomeResult, status: number | null, detail: string | null): void {
    const durationMs = performance.now() - this.#startedMs;
    const bytes = { request: this.#requestBytes, response: this.#answer.bytes };
    this.services.observer.requestEnded(status ?? 0, durationMs, bytes);
    if (!wantsOutcome(this.settings.outcomes, result)) return;
    const timeUs = this.services.clock.nowUs();
    const end = { timeUs, result, status, bytes, durationMs, detail, code: this.#fault };
    this.services.recorder.outcome(outcomeEvent(this.#start.event, end));
  }
}
