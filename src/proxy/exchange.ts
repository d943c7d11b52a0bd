// HOT PATH (npm run bench). One request and its answer: judged, recorded, and only then forwarded.
//
// INVARIANT: nothing reaches the workload before `recorded()` was called for an allow; `#connect` asks for the permit.
// States: `recording` until the journal has the decision; `connecting` while a connection to the workload is made;
// `forwarding` while both sides stream; `discarding` after an own answer, while a short body is read away; `done`.

import type { DecisionEvent, OutcomeResult, RecordWaiter } from '../audit/decision-event.ts';
import type { Permit } from '../authz/model.ts';
import type { ErrorCode, PosternError } from '../errors.ts';
import type { FieldList } from '../wire/field-list.ts';
import type { RequestHead, ResponseHead } from '../wire/http1-message.ts';
import { BodyRateWatch } from './body-rate-watch.ts';
import { outcomeEvent, wantsOutcome } from './exchange-outcome.ts';
import { answerOfFault, discardableBytes, faultResult, isDiscardable, isRepeatable } from './exchange-rules.ts';
import type { ExchangeHost, ExchangeServices, ListenerSettings } from './exchange-services.ts';
import { forwardedFields } from './forwarded-fields.ts';
import { GatheredBody } from './gathered-body.ts';
import { OpenDecision } from './open-decision.ts';
import { answerOfReason, type OwnAnswerKind, ownAnswers } from './own-answer.ts';
import type { PeerAnswer } from './peer-answer.ts';
import { Tunnel } from './tunnel.ts';
import type { UpstreamLine } from './upstream-line.ts';
import type { UpstreamWaiter } from './upstream-source.ts';
import type { UpstreamFault, UpstreamUser } from './upstream-user.ts';
import { expectedAccept } from './websocket-accept.ts';

type State =
  | { readonly kind: 'recording' }
  | { readonly kind: 'connecting'; readonly repeats: number }
  | { readonly kind: 'forwarding'; readonly upstream: UpstreamLine; readonly repeats: number }
  | { readonly kind: 'discarding' }
  | { readonly kind: 'done' };

const recording: State = Object.freeze({ kind: 'recording' });
const discarding: State = Object.freeze({ kind: 'discarding' });
const done: State = Object.freeze({ kind: 'done' });
const noBytes = Object.freeze({ request: 0, response: 0 });

/** What an exchange begins with. `head` null: the request could not be read, and `refusal` says how to answer. */
export interface ExchangeStart {
  readonly event: DecisionEvent;
  readonly head: RequestHead | null;
  /** Canonical path with the query as it came. */
  readonly target: string;
  readonly refusal: OwnAnswerKind | null;
  /** What is wrong with the token, for the caller; left out where the refusal is about something else. */
  readonly code?: string;
}

export class Exchange implements RecordWaiter, UpstreamUser, UpstreamWaiter {
  readonly #services: ExchangeServices;
  readonly #settings: ListenerSettings;
  readonly #host: ExchangeHost;
  readonly #start: ExchangeStart;
  readonly #answer: PeerAnswer;
  readonly #startedMs = performance.now();
  readonly #startRevision: number;
  #decision: OpenDecision | null = null;
  #state: State = recording;
  #requestComplete = false;
  #answerComplete = false;
  #requestBytes = 0;
  #forwardedMs = 0;
  /** What the workload or the peer did wrong. */
  #fault: ErrorCode | null = null;
  #rateWatch: BodyRateWatch | null = null;
  #body: GatheredBody | null = null;

  constructor(services: ExchangeServices, host: ExchangeHost, start: ExchangeStart) {
    this.#services = services;
    this.#settings = services.settings;
    this.#host = host;
    this.#start = start;
    this.#startRevision = services.plans.revision;
    this.#answer = host.answerTo(start.event.decisionId, start.head);
    services.observer.requestBegun();
    services.recorder.decision(start.event, this);
  }

  /** An answer has begun that cannot be taken back. */
  get isAnswering(): boolean {
    return this.#answer.hasBegun;
  }

  recorded(): void {
    if (this.#state.kind !== 'recording') return;
    const { event, refusal, head } = this.#start;
    if (refusal !== null) return this.#answerMyself(refusal, 'answered', null);
    if (event.decision.effect === 'deny' && event.enforced) {
      return this.#answerMyself(answerOfReason(event.decision.reason), 'answered', null);
    }
    if (head!.contentLength > this.#settings.options.limits.bodyBytes) return this.#bodyTooLarge();
    this.#connect(event.decision.permit ?? this.#services.shadowPermit, 0);
  }

  recordFailed(error: PosternError): void {
    if (this.#state.kind !== 'recording') return;
    this.#answerMyself('unrecorded', 'record_failed', error.message);
  }

  /** A piece of the request's body. */
  onRequestBody(bytes: Buffer): void {
    this.#requestBytes += bytes.length;
    const state = this.#state;
    if (state.kind === 'discarding' && this.#requestBytes > discardableBytes) return this.#finish(true);
    if (state.kind !== 'forwarding') return;
    if (this.#requestBytes > this.#settings.options.limits.bodyBytes) return this.#bodyTooLarge();
    if (!this.#bodyTo(state.upstream).add(bytes)) this.#waitForUpstream();
    state.upstream.touch();
  }

  /** The request is complete. */
  onRequestEnd(trailers: FieldList | null): void {
    this.#requestComplete = true;
    this.#rateWatch?.requestDone();
    if (this.#state.kind === 'discarding') return this.#finish(false);
    if (this.#state.kind !== 'forwarding') return;
    this.#body?.flush();
    this.#state.upstream.endRequest(this.#start.head!, trailers);
    this.#state.upstream.touch();
    if (this.#answerComplete) this.#complete();
  }

  /** The rest of the request cannot be read; what went to the workload must not look whole. */
  onRequestBroken(error: PosternError, kind: OwnAnswerKind): void {
    if (this.#state.kind === 'done') return;
    if (this.#state.kind === 'discarding') return this.#finish(true);
    this.#fail(kind, 'client_aborted', error.message);
  }

  /** `limits.request` is over. */
  onRequestTimeout(): void {
    if (this.#state.kind === 'discarding') return this.#finish(true);
    if (this.#state.kind !== 'done')
      this.#fail('request_timeout', 'limit', 'the request took longer than `limits.request`');
  }

  /** The peer takes bytes again. */
  onPeerDrain(): void {
    this.#rateWatch?.answerDrained();
    if (this.#state.kind === 'forwarding' && !this.#answerComplete) this.#state.upstream.resumeReading();
  }

  /** Asks policy again about a request that is under way: a body may stream for hours. */
  judgeAgain(): void {
    if (this.#state.kind !== 'forwarding' && this.#state.kind !== 'connecting') return;
    const { event, head } = this.#start;
    const parts = { services: this.#services, host: this.#host };
    const under = { revision: this.#startRevision, settings: this.#settings, principal: event.request.principal };
    this.#decision ??= new OpenDecision(parts, { first: event, head: head! }, under);
    if (this.#decision.hasEnded()) this.#fail('denied', 'revoked', 'the request would be denied now');
  }

  /** The connection is gone, or must go. */
  abort(result: OutcomeResult, detail: string | null): void {
    if (this.#state.kind === 'done') return;
    this.#leaveUpstream();
    // After an own answer the outcome is on record already.
    if (this.#state.kind !== 'discarding') this.#report(result, this.#answer.status, detail);
    this.#state = done;
  }

  onUpstreamReady(upstream: UpstreamLine): void {
    if (this.#state.kind !== 'connecting') return upstream.destroy();
    this.#forward(upstream, this.#state.repeats);
  }

  onUpstreamUnreachable(error: PosternError): void {
    if (this.#state.kind === 'connecting') this.onUpstreamFault('unreachable', error);
  }

  onInterimHead(head: ResponseHead): void {
    this.#answer.interim(head);
  }

  onResponseHead(head: ResponseHead): void {
    this.#services.observer.upstreamAnswered(performance.now() - this.#forwardedMs);
    if (head.status === 101) return this.#openTunnel(head);
    this.#answer.begin(head, this.#host.mustClose || !this.#requestComplete);
  }

  onResponseBody(bytes: Buffer): void {
    if (!this.#answer.body(bytes)) this.#waitForPeer();
  }

  onResponseEnd(trailers: FieldList | null): void {
    this.#answer.end(trailers);
    this.#answerComplete = true;
  }

  onResponseFlush(): void {
    if (this.#state.kind === 'done') return;
    if (!this.#answer.flush() && !this.#answerComplete) this.#waitForPeer();
    if (this.#answerComplete) this.#complete();
  }

  onUpstreamDrain(): void {
    // The last piece may have filled the way, too: then no more is owed, however long the answer takes.
    if (!this.#requestComplete) this.#rateWatch?.resumeRequest();
    this.#host.resumePeerReading();
  }

  onUpstreamFault(fault: UpstreamFault, error: PosternError): void {
    // The answer was whole before the connection went wrong: the caller gets it, the connection is gone anyway.
    if (this.#answerComplete || this.#state.kind === 'done') return;
    if (fault === 'closed_before_answer' && this.#mayRepeat()) return this.#repeat();
    this.#fault = error.code;
    if (fault === 'timeout') this.#services.observer.limitMet('upstream_response');
    this.#fail(answerOfFault(fault, error.code), faultResult(fault, error.code), error.message);
  }

  /** The request is over with its 101; the tunnel tells its own end. */
  #openTunnel(answer: ResponseHead): void {
    const state = this.#state;
    const { octets } = this.#host;
    // Nobody asked for a 101 who could take it: the parser refuses such an answer.
    if (state.kind !== 'forwarding' || octets === null || state.upstream.octets === null) return;
    this.#state = done;
    this.#answer.switching(answer);
    const { event, head } = this.#start;
    const startedMs = this.#startedMs;
    this.#services.observer.requestEnded(101, performance.now() - startedMs, noBytes);
    Tunnel.open({
      services: this.#services,
      host: octets,
      upstream: state.upstream.octets,
      event,
      head: head!,
      startedMs,
    });
  }

  #connect(permit: Permit, repeats: number): void {
    this.#state = { kind: 'connecting', repeats };
    const { pool } = this.#settings;
    if (repeats > 0) return pool.connect(permit, this);
    const upstream = pool.take(permit, this, isRepeatable(this.#start.head!));
    if (upstream !== null) this.#forward(upstream, 0);
  }

  #forward(upstream: UpstreamLine, repeats: number): void {
    const head = this.#start.head!;
    this.#state = { kind: 'forwarding', upstream, repeats };
    this.#forwardedMs = performance.now();
    upstream.begin(this, head.method, expectedAccept(head));
    const { target, event } = this.#start;
    const added = forwardedFields(this.#host, head, event);
    if (head.framing === 'none') {
      upstream.sendHead(head, target, added);
      if (repeats === 0) this.#host.resumeRequest();
      return;
    }
    upstream.cork();
    upstream.sendHead(head, target, added);
    this.#host.resumeRequest();
    upstream.uncork();
    if (!this.#requestComplete && this.#isForwarding()) this.#watchRate().requestBegun();
  }

  #isForwarding(): boolean {
    return this.#state.kind === 'forwarding';
  }

  #isDiscarding(): boolean {
    return this.#state.kind === 'discarding';
  }

  #bodyTo(upstream: UpstreamLine): GatheredBody {
    this.#body ??= new GatheredBody(upstream, {
      buffers: this.#services.bodyBuffers,
      isChunked: upstream.octets !== null && this.#start.head!.framing === 'chunked',
      onBusy: () => this.#waitForUpstream(),
    });
    return this.#body;
  }

  /** The workload takes no more of the body for now. */
  #waitForUpstream(): void {
    this.#host.pausePeerReading();
    this.#rateWatch?.pauseRequest();
  }

  /** Only what is safe to send twice. */
  #mayRepeat(): boolean {
    const state = this.#state;
    return (
      state.kind === 'forwarding' &&
      !this.#answer.hasBegun &&
      isRepeatable(this.#start.head!) &&
      this.#settings.pool.mayRepeat(state.upstream, state.repeats)
    );
  }

  #repeat(): void {
    this.#services.observer.retried();
    const repeats = this.#state.kind === 'forwarding' ? this.#state.repeats + 1 : 1;
    this.#connect(this.#start.event.decision.permit ?? this.#services.shadowPermit, repeats);
  }

  #waitForPeer(): void {
    if (this.#state.kind !== 'forwarding') return;
    this.#state.upstream.pauseReading();
    this.#watchRate().answerStalled();
  }

  #watchRate(): BodyRateWatch {
    this.#rateWatch ??= new BodyRateWatch({
      wheel: this.#services.wheel,
      minBytesPerS: this.#settings.options.limits.minBodyRateBytesPerS,
      receivedBytes: () => this.#requestBytes,
      sentBytes: () => this.#answer.bytes - this.#host.pendingBytes,
      onSlowRequest: () => {
        this.#services.observer.limitMet('min_body_rate');
        if (this.#isDiscarding()) return this.#finish(true);
        this.#fail('body_timeout', 'limit', 'the request body arrives below `limits.min_body_rate`');
      },
      onSlowReader: () => {
        this.#services.observer.limitMet('slow_reader');
        this.#fail('request_timeout', 'limit', 'the peer takes the answer below `limits.min_body_rate`');
      },
    });
    return this.#rateWatch;
  }

  #bodyTooLarge(): void {
    this.#services.observer.limitMet('body_bytes');
    this.#fail('body_too_large', 'limit', 'the request body is larger than `limits.body_bytes`');
  }

  /** Ends with an own answer where none has begun, else by cutting the connection. */
  #fail(kind: OwnAnswerKind, result: OutcomeResult, detail: string | null): void {
    if (!this.#answer.hasBegun) return this.#answerMyself(kind, result, detail);
    this.#leaveUpstream();
    this.#report(result, this.#answer.status, detail);
    this.#state = done;
    this.#host.cut();
  }

  #answerMyself(kind: OwnAnswerKind, result: OutcomeResult, detail: string | null): void {
    const { head, event } = this.#start;
    const { deny } = this.#settings.options;
    const readsOn =
      head !== null && this.#state.kind === 'recording' && kind !== 'body_too_large' && isDiscardable(head);
    const close = this.#host.mustClose || !(readsOn || this.#requestComplete);
    this.#leaveUpstream();
    const status = kind === 'denied' ? deny.status : ownAnswers[kind].status;
    this.#services.observer.ownAnswer(kind, status);
    this.#answer.own(
      kind,
      {
        decisionId: event.decisionId,
        deny,
        close,
        // A request whose path was refused has no head here, but its event still knows the method.
        isHead: event.method === 'HEAD',
        code: kind === this.#start.refusal ? (this.#start.code ?? null) : null,
        told: detail,
      },
      status,
    );
    this.#report(result, status, detail);
    if (close || this.#requestComplete) return this.#finish(close);
    this.#state = discarding;
    this.#host.resumeRequest();
    // A denied peer that keeps its body back must not hold its connection.
    if (this.#isDiscarding()) this.#watchRate().requestBegun();
  }

  /** Both directions are complete, or the answer came before the request was: then the connection cannot go on. */
  #complete(): void {
    const state = this.#state;
    if (state.kind !== 'forwarding') return;
    if (this.#requestComplete) this.#settings.pool.giveBack(state.upstream);
    else state.upstream.destroy();
    this.#report('answered', this.#answer.status, null);
    this.#finish(this.#answer.closes || !this.#requestComplete);
  }

  #finish(close: boolean): void {
    if (this.#state.kind === 'done') return;
    this.#state = done;
    this.#rateWatch?.stop();
    this.#body?.stop();
    this.#host.onExchangeDone(close);
  }

  #leaveUpstream(): void {
    this.#rateWatch?.stop();
    this.#body?.stop();
    if (this.#state.kind === 'forwarding') this.#state.upstream.destroy();
    if (this.#state.kind === 'connecting') this.#settings.pool.cancel(this);
  }

  #report(result: OutcomeResult, status: number | null, detail: string | null): void {
    const durationMs = performance.now() - this.#startedMs;
    const bytes = { request: this.#requestBytes, response: this.#answer.bytes };
    this.#services.observer.requestEnded(status ?? 0, durationMs, bytes);
    if (!wantsOutcome(this.#settings.outcomes, result)) return;
    const timeUs = this.#services.clock.nowUs();
    this.#services.recorder.outcome(
      outcomeEvent(this.#start.event, { timeUs, result, status, bytes, durationMs, detail, code: this.#fault }),
    );
  }
}
