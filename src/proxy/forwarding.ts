// HOT PATH (npm run bench). The way of one request to the workload: a connection is asked for with the permit, the head goes,
// then the body as it comes; once more where that is safe.

import type { DecisionEvent } from '../audit/decision-event.ts';
import type { Permit } from '../authz/model.ts';
import type { PosternError } from '../errors.ts';
import type { FieldList } from '../wire/field-list.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { isRepeatable } from './exchange-rules.ts';
import type { ExchangeHost, ExchangeServices, ListenerSettings } from './exchange-services.ts';
import { forwardedFields } from './forwarded-fields.ts';
import { GatheredBody } from './gathered-body.ts';
import type { OctetLine, UpstreamLine } from './upstream-line.ts';
import type { UpstreamWaiter } from './upstream-source.ts';
import type { UpstreamFault, UpstreamUser } from './upstream-user.ts';
import { expectedAccept } from './websocket-accept.ts';

/** Of a body, what is kept of it at most. */
const keptBytes = 16 * 1024;
/** How often a request that was not looked at is sent again. */
const mostRepeats = 2;

/** Whose request it is. */
export interface ForwardingUser extends UpstreamUser {
  readonly services: ExchangeServices;
  readonly settings: ListenerSettings;
  readonly host: ExchangeHost;
  /** The head of a request with a body went. */
  onUpstreamTakesBody(): void;
  /** The workload takes no more of the body for now. */
  onUpstreamBusy(): void;
}

/** A request that was let through. */
export interface ForwardedRequest {
  readonly event: DecisionEvent;
  readonly head: RequestHead;
  /** Canonical path with the query as it came. */
  readonly target: string;
}

export class Forwarding implements UpstreamWaiter {
  readonly #user: ForwardingUser;
  readonly #request: ForwardedRequest;
  readonly #permit: Permit;
  /** Null while a connection is made. */
  #line: UpstreamLine | null = null;
  #body: GatheredBody | null = null;
  #repeats = 0;
  #sentMs = 0;
  /** The body so far, should the workload not look at it; copies. Not where that is too much, or the answer has begun. */
  #kept: Buffer[] | null = null;
  #keptBytes = 0;
  #keeps = true;
  /** The request is complete. */
  #isWhole = false;
  #trailers: FieldList | null = null;
  #isOver = false;

  constructor(user: ForwardingUser, request: ForwardedRequest, permit: Permit) {
    this.#user = user;
    this.#request = request;
    this.#permit = permit;
  }

  /** What carries the request; null while a connection is made. */
  get line(): UpstreamLine | null {
    return this.#line;
  }

  get isStream(): boolean {
    return this.#user.host.octets === null;
  }

  get isUpgrade(): boolean {
    return this.#request.head.upgrade !== null;
  }

  /** The answer has begun. Gives the monotonic milliseconds of when the head went. */
  answered(): number {
    this.#keeps = false;
    this.#kept = null;
    return this.#sentMs;
  }

  begin(): void {
    const line = this.#user.settings.pool.take(this.#permit, this, isRepeatable(this.#request.head));
    if (line !== null) this.#send(line);
  }

  onUpstreamReady(line: UpstreamLine): void {
    if (this.#isOver || this.#line !== null) line.destroy();
    else this.#send(line);
  }

  onUpstreamUnreachable(error: PosternError): void {
    if (!this.#isOver && this.#line === null) this.#user.onUpstreamFault('unreachable', error);
  }

  /** Sends a piece of the body: a view that is valid during the call only. */
  body(view: Buffer): void {
    const line = this.#line;
    // It came meanwhile, while the request is about to be sent once more.
    if (line === null) return void this.#keep(view);
    if (!this.#sendPiece(line, view)) this.#user.onUpstreamBusy();
    line.touch();
  }

  end(trailers: FieldList | null): void {
    this.#isWhole = true;
    this.#trailers = trailers;
    if (this.#line !== null) this.#endOn(this.#line);
  }

  /** Sends it once more, where that is safe; false: it is not. Nothing of an answer may have gone to the caller. */
  repeat(fault: UpstreamFault): boolean {
    const { settings, services, host } = this.#user;
    if (this.#line === null || !this.#isSafe(this.#line, fault)) return false;
    services.observer.retried();
    host.pausePeerReading();
    this.#line = null;
    this.#repeats++;
    settings.pool.connect(this.#permit, this);
    return true;
  }

  /** The connection as one of octets, for a tunnel; null where it cannot become that. */
  takeOctets(): OctetLine | null {
    const octets = this.#line?.octets ?? null;
    if (octets !== null) this.#isOver = true;
    return octets;
  }

  /** The answer is complete; `isWhole`: the request too, else the connection cannot go on. */
  finish(isWhole: boolean): void {
    this.#isOver = true;
    this.#body?.stop();
    if (this.#line === null) return;
    if (isWhole) this.#line.giveBack();
    else this.#line.destroy();
  }

  /** Ends it at once. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.stop();
    if (this.#line !== null) this.#line.destroy();
    else this.#user.settings.pool.cancel(this);
  }

  #send(line: UpstreamLine): void {
    const user = this.#user;
    const { head, target, event } = this.#request;
    this.#line = line;
    this.#sentMs = performance.now();
    line.begin(user, head.method, expectedAccept(head));
    const added = forwardedFields(user.host, head, event);
    if (head.framing === 'none') {
      line.sendHead(head, target, added);
      if (this.#repeats === 0) user.host.resumeRequest();
      else user.host.resumePeerReading();
      return;
    }
    line.cork();
    line.sendHead(head, target, added);
    if (this.#repeats === 0) user.host.resumeRequest();
    else this.#sendAgain(line);
    line.uncork();
    if (!this.#isOver) user.onUpstreamTakesBody();
  }

  /** What is safe to ask twice, or was not looked at and is still at hand. */
  #isSafe(line: UpstreamLine, fault: UpstreamFault): boolean {
    if (fault === 'unprocessed') return this.#keeps && this.#repeats < mostRepeats;
    if (fault !== 'closed_before_answer' || !isRepeatable(this.#request.head)) return false;
    return this.#user.settings.pool.mayRepeat(line, this.#repeats);
  }

  /** False asks to wait. Who sends streams copies what it cannot send at once, and only such lines leave requests unprocessed. */
  #sendPiece(line: UpstreamLine, view: Buffer): boolean {
    if (this.#keeps && line.octets === null && this.#keptBytes + view.length <= keptBytes) {
      return line.write(this.#keep(view));
    }
    this.#keeps = false;
    this.#kept = null;
    this.#body ??= this.#gather(line);
    return this.#body.add(view);
  }

  #keep(view: Buffer): Buffer {
    const copy = Buffer.from(view);
    this.#kept ??= [];
    this.#kept.push(copy);
    this.#keptBytes += copy.length;
    return copy;
  }

  #endOn(line: UpstreamLine): void {
    this.#body?.flush();
    line.endRequest(this.#request.head, this.#trailers);
    line.touch();
  }

  #sendAgain(line: UpstreamLine): void {
    for (const piece of this.#kept ?? []) line.write(piece);
    if (this.#isWhole) this.#endOn(line);
    this.#user.host.resumePeerReading();
  }

  #gather(line: UpstreamLine): GatheredBody {
    return new GatheredBody(line, {
      buffers: this.#user.services.bodyBuffers,
      isChunked: line.octets !== null && this.#request.head.framing === 'chunked',
      onBusy: () => this.#user.onUpstreamBusy(),
    });
  }
}
