// HOT PATH (npm run bench -- --only h2). One exchange on its way to a workload or a peer that speaks HTTP/2: a stream of a connection that
// others share.

import type { PosternError } from '../../errors.ts';
import { type TimerWheel, WheelEntry } from '../../lib/timer-wheel.ts';
import type { FieldList } from '../../wire/field-list.ts';
import type { RequestHead } from '../../wire/http1-message.ts';
import { h2Codes } from '../../wire/http2/frame-types.ts';
import type { HeaderBlock } from '../../wire/http2/hpack-decoder.ts';
import { trailerFields } from '../../wire/http2/http2-answer-fields.ts';
import { readAnswerHead } from '../../wire/http2/http2-answer-head.ts';
import { type Http2Fault, protocolFault } from '../../wire/http2/http2-fault.ts';
import { requestFields } from '../../wire/http2/http2-request-fields.ts';
import type { Http2Stream, StreamUser } from '../../wire/http2/http2-stream.ts';
import { isGrpcType } from '../grpc-call.ts';
import type { UpstreamLine } from '../upstream-line.ts';
import type { UpstreamFailure } from '../upstream-target.ts';
import type { UpstreamFault, UpstreamUser } from '../upstream-user.ts';

/** The connection as its streams see it. */
export interface UpstreamStreamOwner {
  readonly wheel: TimerWheel;
  readonly scheme: 'http' | 'https';
  /** Time without a byte while the workload owes one; on a call of gRPC, which may be quiet for long, either way. */
  readonly responseMs: number;
  readonly callIdleMs: number;
  /** It carried requests before this one. */
  readonly isBusy: boolean;
  open(user: StreamUser): Http2Stream | null;
  /** Hears `onResponseFlush` when all that one read brought was handed on. */
  askFlush(stream: UpstreamStream): void;
  onAnswered(status: number): void;
  onStreamFault(stream: UpstreamStream, fault: UpstreamFault): void;
  onStreamOver(stream: UpstreamStream): void;
  error(kind: UpstreamFailure, what: string): PosternError;
}

/** Interim answers before a final one, as in HTTP/1.1. */
const interimAnswers = 16;
const noBytes = Buffer.alloc(0);

export class UpstreamStream implements UpstreamLine, StreamUser {
  readonly octets = null;
  /** Another carried requests before it on the same connection: the workload may have closed that meanwhile. */
  readonly wasKept: boolean;
  readonly #owner: UpstreamStreamOwner;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  #user: UpstreamUser | null = null;
  #stream: Http2Stream | null = null;
  #method = '';
  #idleMs: number;
  #interims = 0;
  #isAnswered = false;
  #isAnswerWhole = false;
  #isPaused = false;
  #uncredited = 0;
  #isOver = false;

  constructor(owner: UpstreamStreamOwner, wasKept: boolean) {
    this.#owner = owner;
    this.wasKept = wasKept;
    this.#idleMs = owner.responseMs;
  }

  /** Bytes that are written were copied or sent. */
  get pendingBytes(): number {
    return 0;
  }

  begin(user: UpstreamUser, method: string): void {
    this.#user = user;
    this.#method = method;
  }

  sendHead(head: RequestHead, target: string, added: string): void {
    const stream = this.#owner.open(this);
    if (stream === null) {
      // Not at once: the exchange is still about to hand on what it has of the request.
      setImmediate(() => this.#fail('unprocessed', 'takes no more streams'));
      return;
    }
    this.#stream = stream;
    if (isGrpcType(head.fields.get('content-type'))) this.#idleMs = this.#owner.callIdleMs;
    const isEmpty = head.framing === 'none' || (head.framing === 'length' && head.contentLength === 0);
    stream.sendHead(requestFields(head, { target, scheme: this.#owner.scheme, added }), isEmpty);
    this.touch();
  }

  write(data: string | Buffer): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    return this.#stream?.sendData(bytes, false) !== false && !this.#owner.isBusy;
  }

  cork(): void {}

  uncork(): void {}

  endRequest(_head: RequestHead, trailers: FieldList | null): void {
    const stream = this.#stream;
    if (stream === null || stream.localEnded) return;
    const fields = trailerFields(trailers, null);
    if (fields === null) stream.sendData(noBytes, true);
    else stream.sendTrailers(fields);
  }

  touch(): void {
    if (!this.#isOver && !this.#isPaused) this.#owner.wheel.schedule(this.#timer, this.#idleMs);
  }

  pauseReading(): void {
    this.#isPaused = true;
    this.#owner.wheel.cancel(this.#timer);
  }

  resumeReading(): void {
    this.#isPaused = false;
    const bytes = this.#uncredited;
    this.#uncredited = 0;
    if (bytes > 0) this.#stream?.credit(bytes);
    this.touch();
  }

  destroy(): void {
    this.#stream?.reset(this.#isAnswerWhole ? h2Codes.noError : h2Codes.cancel);
    this.#end();
  }

  giveBack(): void {
    if (this.#stream !== null && !this.#stream.isClosed && !this.#stream.localEnded) this.destroy();
    else this.#end();
  }

  /** The connection is gone. */
  onConnectionGone(what: string): void {
    this.#fail(this.#isAnswered ? 'broken_answer' : 'closed_before_answer', what);
  }

  /** The workload reads no streams above `lastStreamId`. */
  onUnread(lastStreamId: number): void {
    if (this.#stream !== null && this.#stream.id > lastStreamId) this.#fail('unprocessed', 'did not look at it');
  }

  /** The connection takes bytes again. */
  onConnectionDrain(): void {
    if (this.#stream?.queuedBytes === 0) this.#user?.onUpstreamDrain();
  }

  onHead(block: HeaderBlock, endStream: boolean): Http2Fault | null {
    const head = readAnswerHead(block, this.#method, endStream);
    if (typeof head === 'string') return protocolFault(head);
    this.touch();
    if (head.status < 200) {
      this.#interims++;
      if (this.#interims > interimAnswers) return protocolFault('too many interim answers');
      this.#user?.onInterimHead(head);
      return null;
    }
    const stream = this.#stream!;
    stream.hasHead = true;
    stream.contentLeft = contentOf(head.framing, head.contentLength);
    this.#isAnswered = true;
    this.#owner.onAnswered(head.status);
    this.#owner.askFlush(this);
    this.#user?.onResponseHead(head);
    return null;
  }

  onData(view: Buffer): void {
    if (this.#isPaused) this.#uncredited += view.length;
    else this.#stream?.credit(view.length);
    this.touch();
    this.#owner.askFlush(this);
    this.#user?.onResponseBody(view);
  }

  onEnd(trailers: FieldList | null): void {
    // An end without a final head: the answer never was.
    if (!this.#isAnswered) return this.#fail('invalid_answer', 'ended its answer before it began');
    this.#isAnswerWhole = true;
    this.#owner.askFlush(this);
    this.#user?.onResponseEnd(trailers);
  }

  onReset(code: number, detail: string | null): void {
    // Whoever answered in full may not want the rest of the request (RFC 9113 §8.1).
    if (this.#isAnswerWhole) return;
    if (detail !== null) this.#fail('invalid_answer', detail);
    else if (code === h2Codes.refusedStream && !this.#isAnswered) this.#fail('unprocessed', 'refused the stream');
    else this.#fail(this.#isAnswered ? 'broken_answer' : 'closed_before_answer', `reset the stream with code ${code}`);
  }

  onWritable(): void {
    if (!this.#owner.isBusy) this.#user?.onUpstreamDrain();
  }

  /** All that one read brought was handed on. */
  flush(): void {
    this.#user?.onResponseFlush();
  }

  #onTimeout(): void {
    this.#stream?.reset(h2Codes.cancel);
    this.#fail('timeout', `sent nothing for ${this.#idleMs} ms`);
  }

  #fail(fault: UpstreamFault, what: string): void {
    const user = this.#user;
    if (this.#isOver) return;
    this.#end();
    this.#owner.onStreamFault(this, fault);
    user?.onUpstreamFault(fault, this.#owner.error(fault === 'timeout' ? 'timeout' : 'failed', what));
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#user = null;
    this.#owner.wheel.cancel(this.#timer);
    this.#owner.onStreamOver(this);
  }
}

/** Bytes of content that must come; -1: nobody said. */
function contentOf(framing: string, contentLength: number): number {
  if (framing === 'none') return 0;
  return framing === 'length' ? contentLength : -1;
}
