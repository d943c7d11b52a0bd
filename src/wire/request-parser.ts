// HOT PATH (npm run bench). Requests from bytes (RFC 9112 §3): one head at a time, then its body, then a pause until the
// caller asks for the next, so that pipelined requests are served in order.

import type { FieldList } from './field-list.ts';
import type { HeadLimits } from './head-limits.ts';
import type { RequestEvents } from './http1-message.ts';
import { MessageReader } from './message-reader.ts';
import { type HostMemory, parseRequestHead } from './request-head.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

export class RequestParser extends MessageReader {
  readonly #events: RequestEvents;
  readonly #lineLimit: number;
  readonly #hostMemory: HostMemory = { text: '', authority: null };

  constructor(limits: HeadLimits, events: RequestEvents) {
    super(limits);
    this.#events = events;
    // Method, version and spaces beside the target.
    this.#lineLimit = limits.targetBytes + 64;
  }

  /** Not one octet of a message was read, and none waits. */
  get isIdle(): boolean {
    return this.isBetweenMessages;
  }

  /** Takes the first `count` octets; `bytes` may be written over afterwards. */
  feed(bytes: Buffer, count = bytes.length): void {
    if (this.state === 'stopped') return;
    this.buffer.push(bytes, count);
    this.run();
    this.buffer.keep();
  }

  /** The sender closed its side. `pending`: paused; what waits is judged at `resume()`. */
  end(): 'idle' | 'truncated' | 'pending' {
    const ended = this.endInput();
    return ended === 'complete' ? 'idle' : ended;
  }

  protected override readHead(): boolean {
    if (this.buffer.length === 0) return false;
    // No method begins below `!`: an empty line, a control octet, a TLS record (RFC 9112 §3, strict).
    const first = this.buffer.at(0);
    if (first <= 0x20 || first >= 0x7f) return this.#refuseFirstOctets();
    const length = this.buffer.findHeadEnd();
    if (length < 0 && this.#lineIsTooLong()) return this.#targetTooLong();
    if (this.exceeds(this.limits.headBytes, length)) return this.#tooLarge();
    if (length < 0) return this.refuseStrayLineEnd();
    const text = this.buffer.takeText(length + 2, 2);
    const head = parseRequestHead(text, this.limits, this.#hostMemory);
    if (head instanceof WireFault) return this.failSection(text, head);
    this.enterBody(head.framing, head.contentLength);
    this.#events.onRequestHead(head);
    return true;
  }

  protected override emitBody(bytes: Buffer): void {
    this.#events.onBody(bytes);
  }

  protected override emitEnd(trailers: FieldList | null): void {
    this.#events.onMessageEnd(trailers);
  }

  protected override emitFault(fault: WireFault): void {
    this.#events.onWireError(fault.error, fault.status);
  }

  #lineIsTooLong(): boolean {
    return this.buffer.length > this.#lineLimit && !this.buffer.hasLineWithin(this.#lineLimit);
  }

  #targetTooLong(): false {
    return this.fail(new WireFault('ERR_WIRE_TARGET_TOO_LONG', 'the request line is too long', 414));
  }

  #refuseFirstOctets(): false {
    const shown = this.buffer.takeText(Math.min(16, this.buffer.length), 0);
    return this.fail(new WireFault('ERR_WIRE_REQUEST_LINE_INVALID', `not a request line: ${shownBytes(shown)}`));
  }

  #tooLarge(): false {
    return this.fail(
      new WireFault('ERR_WIRE_HEAD_TOO_LARGE', `the request head is larger than ${this.limits.headBytes} bytes`, 431),
    );
  }
}
