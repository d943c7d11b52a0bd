// HOT PATH (npm run bench). One verified TLS connection of a peer: requests one after the other, each in an Exchange,
// with the time limits of its phases.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ConnectionFacts, Correlation, OutcomeResult } from '../audit/decision-event.ts';
import type { PosternError } from '../errors.ts';
import { refuseToken, type TokenRefusal } from '../identity/tokens/token-refusals.ts';
import { WheelEntry } from '../lib/timer-wheel.ts';
import type { FieldList } from '../wire/field-list.ts';
import type { HeadLimits } from '../wire/head-limits.ts';
import type { RequestEvents, RequestHead } from '../wire/http1-message.ts';
import { RequestParser } from '../wire/request-parser.ts';
import { acceptedPath } from './accepted-path.ts';
import { AnswerWriter } from './answer-writer.ts';
import type { Caller } from './caller.ts';
import { type ConnectionPhase, idleMs, lingerMs, mostAgeMs, phaseMs } from './connection-phase.ts';
import { correlate } from './correlation.ts';
import { Exchange } from './exchange.ts';
import type { ConnectionPlan, ExchangeServices, OctetHost, PeerTunnelUser } from './exchange-services.ts';
import type { ConnectionSide } from './inbound-request.ts';
import { judgeRequest, refuseRequest } from './judge.ts';
import { LastLetThrough } from './last-let-through.ts';
import { answerOfWireStatus, type OwnAnswerKind, ownAnswers } from './own-answer.ts';
import type { ConnectionRight } from './peer-right.ts';

/** What is read ahead of the request being served; above it reading stops. */
const readAheadBytes = 64 * 1024;

interface RequestNames {
  readonly decisionId: string;
  readonly correlation: Correlation;
}

interface NamedHead extends RequestNames {
  readonly head: RequestHead;
}

export interface InboundConnectionOptions {
  readonly services: ExchangeServices;
  /** Without TLS where the workload itself calls. */
  readonly socket: Socket;
  /** Who holds it as of now; the same object as long as nothing of that changes. */
  readonly describe: (own: Caller) => Caller;
  /** Who holds the connection, as described now. */
  readonly own: Caller;
  readonly sendsDecisionId: boolean;
  readonly peerIp: string | null;
  readonly headLimits: HeadLimits;
  /** Whether the peer still has the right that it was let in with. */
  readonly right: ConnectionRight;
  /** Under whose settings a request is served, null for nobody; left out: those of the own listener. */
  readonly route?: (head: RequestHead) => ExchangeServices | null;
  readonly onClosed: (connection: InboundConnection) => void;
}

export class InboundConnection implements RequestEvents, OctetHost {
  readonly sendsDecisionId: boolean;
  readonly peerIp: string | null;
  readonly right: ConnectionRight;
  readonly #describe: (own: Caller) => Caller;
  readonly #encrypts: boolean;
  #own: Caller;
  /** Who the request under way is from. */
  #caller: Caller;
  /** The request whose token is being verified. */
  #verifying: NamedHead | null = null;
  /** Edition of the descriptions that both are of. */
  #edition: unknown;
  readonly #services: ExchangeServices;
  readonly #route: ((head: RequestHead) => ExchangeServices | null) | null;
  readonly #socket: Socket;
  readonly #parser: RequestParser;
  readonly #onClosed: (connection: InboundConnection) => void;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  readonly #openedMs: number;
  #phase: ConnectionPhase = 'idle';
  #exchange: Exchange | null = null;
  #tunnel: PeerTunnelUser | null = null;
  #plan: ConnectionPlan | null = null;
  #planOf: Caller | null = null;
  readonly #last: LastLetThrough;
  #peerHalfClosed = false;
  /** The workload does not take the body; reading waits for it. */
  #isWorkloadBusy = false;
  #pendingAtLinger = 0;

  constructor(options: InboundConnectionOptions) {
    this.#describe = options.describe;
    this.#encrypts = options.socket instanceof TLSSocket;
    this.#own = options.own;
    this.#caller = options.own;
    this.#edition = options.services.descriptions.edition;
    this.sendsDecisionId = options.sendsDecisionId;
    this.peerIp = options.peerIp;
    this.right = options.right;
    this.#services = options.services;
    this.#last = new LastLetThrough(options.services);
    this.#route = options.route ?? null;
    this.#socket = options.socket;
    this.#onClosed = options.onClosed;
    this.#openedMs = options.services.wheel.nowMs;
    this.#parser = new RequestParser(options.headLimits, this);
    this.#listen();
    this.#enter('idle');
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

  /** Why the token of what is open holds no more; null while it does, or where nothing rests on one. */
  get tokenEnded(): string | null {
    return this.#exchange === null && this.#tunnel === null ? null : this.#caller.tokenEnded();
  }

  get isIdle(): boolean {
    return this.#phase === 'idle';
  }

  /** It was ended, and its socket has not told yet. */
  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  get mustClose(): boolean {
    return (
      this.#services.isDraining || this.#peerHalfClosed || this.#ageMs >= mostAgeMs(this.#limits, this.#isStranger)
    );
  }

  get #ageMs(): number {
    return this.#services.wheel.nowMs - this.#openedMs;
  }

  get #isStranger(): boolean {
    return this.#last.isNone && this.#own.side.principal.authn === 'none';
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  /** The plan for this caller under the policy of now. */
  get plan(): ConnectionPlan {
    const { plans } = this.#services;
    const caller = this.#caller;
    if (this.#plan === null || this.#planOf !== caller || this.#plan.revision !== plans.revision) {
      this.#plan = plans.planFor(caller.side.principal, caller.side.tls);
      this.#planOf = caller;
    }
    return this.#plan;
  }

  get octets(): OctetHost {
    return this;
  }

  answerTo(decisionId: string, head: RequestHead | null): AnswerWriter {
    return new AnswerWriter(this, decisionId, head);
  }

  writeText(text: string): boolean {
    return this.#socket.destroyed || this.#socket.write(text, 'latin1');
  }

  writeView(before: string, view: Buffer, after: string): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return true;
    // While nothing is queued, a write is encrypted before it returns, and the view needs no copy; else, and in the clear,
    // it may wait in a queue, and the next read would write over it.
    const bytes = this.#encrypts && socket.writableLength === 0 ? view : Buffer.from(view);
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    let more = socket.write(bytes);
    if (after !== '') more = socket.write(after, 'latin1');
    socket.uncork();
    return more;
  }

  resumeRequest(): void {
    this.#parser.resume();
    this.#readOn();
  }

  pausePeerReading(): void {
    this.#isWorkloadBusy = true;
    this.#socket.pause();
  }

  resumePeerReading(): void {
    this.#isWorkloadBusy = false;
    this.#readOn();
  }

  becomeTunnel(user: PeerTunnelUser): Buffer {
    this.#exchange = null;
    this.#tunnel = user;
    this.#enter('tunnel');
    const ahead = this.#parser.takeRemainder();
    if (this.#peerHalfClosed) setImmediate(() => this.#tunnel?.onPeerEnd());
    this.#readOn();
    return ahead;
  }

  endWriting(): void {
    this.#socket.end();
  }

  /** Asks policy again about what is open: a request under way, a tunnel, or else what it was used for last. */
  judgeOpenAgain(): void {
    this.#describeAgain();
    this.#tunnel?.judgeAgain();
    this.#exchange?.judgeAgain();
    // Of a connection with several ways out, settings of another one may have let the last request through.
    if (this.#phase !== 'idle' || this.#route !== null) return;
    if (this.#last.hasEnded(this.#own)) this.end('its last request would be denied now', 'revoked');
  }

  onExchangeDone(close: boolean): void {
    this.#exchange = null;
    this.#tunnel = null;
    this.#isWorkloadBusy = false;
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
    const services = this.#services;
    const decisionId = services.ids.uuid();
    const correlation = correlate(head.fields, decisionId, services.ids);
    const named = { decisionId, correlation, head };
    this.#describeAgain();
    this.#caller = this.#own;
    if (this.right.ended(services.clock.nowMs()) !== null) return this.#refuse('reauth_revoked', 'denied', named);
    if (services.settings.options.identityRequired === 'x509') return this.#judge(named);
    this.#identify(named);
  }

  /** Everybody who needs a token, or brings one, is who it says. */
  #identify(named: NamedHead): void {
    const { tokens, settings } = this.#services;
    if (tokens === null) return this.#refuseToken(named, refuseToken('issuer_unknown'));
    this.#verifying = named;
    tokens.identify(this.#own, { head: named.head, options: settings.options }, (found) => {
      // The connection, or time, may have ended meanwhile.
      if (this.#verifying !== named) return;
      this.#verifying = null;
      if (found.kind === 'refused') return this.#refuseToken(named, found.refusal);
      this.#services.observer.tokenJudged('accepted');
      this.#caller = found.caller;
      this.#describeAgain();
      this.#judge({ ...named, head: found.head });
    });
  }

  #judge(named: NamedHead): void {
    const { decisionId, correlation, head } = named;
    const services = this.#route === null ? this.#services : this.#route(head);
    if (services === null) return this.#refuse('bad_request_target', 'host_unknown', named);
    const path = acceptedPath(head.rawPath, services.settings.options);
    if (path === null) return this.#refuse('bad_request_target', 'bad_request', named);
    const event = judgeRequest(services, this, { decisionId, correlation, head, path });
    if (event.decision.effect === 'allow' || !event.enforced) this.#last.note(this.#caller, head, path);
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
    this.#refuse('bad_request', kind, this.#unreadable());
  }

  /** What is said of the caller may have changed; what is under way keeps on record what it was judged by. */
  #describeAgain(): void {
    const { descriptions } = this.#services;
    if (this.#edition === descriptions.edition) return;
    this.#edition = descriptions.edition;
    this.#own = this.#describe(this.#own);
    this.#caller = this.#caller.renewed(this.#own);
  }

  get #limits() {
    return this.#services.settings.options.limits;
  }

  /** A request whose head cannot be read. */
  #unreadable(): RequestNames & { readonly head: null } {
    const { ids } = this.#services;
    const decisionId = ids.uuid();
    return { decisionId, correlation: correlate(null, decisionId, ids), head: null };
  }

  #refuse(
    reason: 'bad_request' | 'bad_request_target' | 'reauth_revoked',
    kind: OwnAnswerKind,
    request: RequestNames & { readonly head: RequestHead | null },
  ): void {
    const services = this.#services;
    const event = refuseRequest(services, this, { ...request, reason, status: ownAnswers[kind].status });
    this.#exchange = new Exchange(services, this, { event, head: null, target: '', refusal: kind });
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
    if (this.#parser.bufferedBytes > readAheadBytes) this.#socket.pause();
  }

  /** Reads on where neither the workload nor what was read ahead stands against it. */
  #readOn(): void {
    if (this.#isWorkloadBusy || !this.#socket.isPaused()) return;
    if (this.#parser.bufferedBytes <= readAheadBytes) this.#socket.resume();
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
    this.#readOn();
  }

  /** The peer sends no more, but may still read: an answer in progress goes on (half-close). */
  #onEnd(): void {
    this.#peerHalfClosed = true;
    if (this.#tunnel !== null) return this.#tunnel.onPeerEnd();
    const isTruncated = this.#parser.end() === 'truncated';
    if (this.#exchange === null && this.#verifying === null) return this.#linger();
    if (isTruncated) this.end('the peer closed within its request');
  }

  #onClose(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#verifying = null;
    this.#services.wheel.cancel(this.#timer);
    this.#parser.stop();
    this.#abort('client_aborted', null);
    this.#onClosed(this);
  }

  #abort(result: OutcomeResult, detail: string | null): void {
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
    const ms = this.#msOf(phase);
    if (ms === Number.POSITIVE_INFINITY) wheel.cancel(this.#timer);
    else wheel.schedule(this.#timer, ms);
  }

  #msOf(phase: ConnectionPhase): number {
    if (phase === 'idle') return idleMs(this.#limits, this.#isStranger, this.#ageMs);
    return phaseMs(phase, this.#limits);
  }

  #onTimeout(): void {
    const { observer } = this.#services;
    switch (this.#phase) {
      case 'idle':
        observer.limitMet('idle');
        return this.#linger();
      case 'head':
        observer.limitMet('header');
        return this.#refuseSlowHead();
      case 'exchange':
        observer.limitMet('request');
        return this.#onRequestTimeout();
      default:
        return this.#endLinger();
    }
  }

  #onRequestTimeout(): void {
    const named = this.#verifying;
    if (named === null) return this.#exchange?.onRequestTimeout();
    this.#verifying = null;
    this.#refuseToken(named, refuseToken('keys_unavailable'));
  }

  /** A peer that still takes the last answer is given time; one that does not move is cut off. */
  #endLinger(): void {
    const pending = this.#socket.writableLength;
    if (pending === 0 || pending === this.#pendingAtLinger) return void this.#socket.destroy();
    this.#pendingAtLinger = pending;
    this.#services.wheel.schedule(this.#timer, lingerMs);
  }

  #refuseSlowHead(): void {
    this.#parser.stop();
    this.#enter('exchange');
    this.#refuse('bad_request', 'head_timeout', this.#unreadable());
  }
}
