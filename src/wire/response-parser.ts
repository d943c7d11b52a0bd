// HOT PATH (npm run bench). Responses from bytes (RFC 9112 §4, §6.3), as strictly as requests: a workload that is hostile
// or broken must not be able to split its answer into two, nor leave octets for the next exchange.

import type { FieldList } from './field-list.ts';
import type { HeadLimits } from './head-limits.ts';
import type { ResponseEvents, ResponseHead } from './http1-message.ts';
import { MessageReader } from './message-reader.ts';
import { parseResponseHead } from './response-head.ts';
import { confirmsUpgrade } from './websocket-handshake.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

const versionPrefix = 'HTTP/1.';

export class ResponseParser extends MessageReader {
  readonly #events: ResponseEvents;
  /** Method that the next answer belongs to, or null: then nothing is expected. */
  #method: string | null = null;
  #accept: string | null = null;
  #interims = 0;

  constructor(limits: HeadLimits, events: ResponseEvents) {
    super(limits);
    this.#events = events;
  }

  /** No answer is owed and nothing waits: the connection may carry another exchange. */
  get isIdle(): boolean {
    return this.isBetweenMessages && this.#method === null;
  }

  /**
   * Before each request that is sent: its method frames the answer (RFC 9110 §9.3.2). Only a WebSocket handshake may be
   * answered with a 101, and only with one that says `accept`.
   */
  expect(method: string, accept: string | null = null): void {
    if (this.#method !== null) throw new TypeError('an answer is owed already');
    this.#method = method;
    this.#accept = accept;
    this.#interims = 0;
    if (this.state === 'complete') this.resume();
  }

  /** Takes the first `count` octets. `bytes` may be written over once this returns. */
  feed(bytes: Buffer, count = bytes.length): void {
    if (this.state === 'stopped') return;
    this.buffer.push(bytes, count);
    this.run();
    if (this.state === 'complete' && this.buffer.length > 0) this.#refuseExtra();
    this.buffer.keep();
  }

  /**
   * The workload closed. `complete`: a body that ends with the connection did, and `onMessageEnd` was called. `pending`:
   * paused; what waits is judged at `resume()`.
   */
  end(): 'idle' | 'complete' | 'truncated' | 'pending' {
    const ended = this.endInput();
    return ended === 'idle' && this.#method !== null && this.state === 'head' ? 'truncated' : ended;
  }

  protected override readHead(): boolean {
    if (this.buffer.length === 0) return false;
    if (this.#method === null) return this.#refuseExtra();
    if (this.#refuseOtherProtocol()) return false;
    const length = this.buffer.findHeadEnd();
    if (this.exceeds(this.limits.headBytes, length)) {
      return this.fail(new WireFault('ERR_WIRE_HEAD_TOO_LARGE', 'the response head is too large'));
    }
    if (length < 0) return this.refuseStrayLineEnd();
    const text = this.buffer.takeText(length + 2, 2);
    const head = parseResponseHead(text, this.#method, this.limits);
    if (head instanceof WireFault) return this.failSection(text, head);
    if (head.status === 101 && (this.#accept === null || !confirmsUpgrade(head, this.#accept))) {
      return this.fail(new WireFault('ERR_WIRE_RESPONSE_INVALID', 'a 101 that does not answer what was asked for'));
    }
    return head.status < 200 && head.status !== 101 ? this.#interim(head) : this.#final(head);
  }

  protected override emitBody(bytes: Buffer): void {
    this.#events.onBody(bytes);
  }

  protected override emitEnd(trailers: FieldList | null): void {
    this.#method = null;
    this.#events.onMessageEnd(trailers);
  }

  protected override emitFault(fault: WireFault): void {
    this.#events.onWireError(fault.error);
  }

  /** A workload that speaks something else is found out at its first octets, not at a timeout. */
  #refuseOtherProtocol(): boolean {
    for (let at = 0; at < versionPrefix.length; at++) {
      const octet = this.buffer.at(at);
      if (octet === -1) return false;
      if (octet === versionPrefix.charCodeAt(at)) continue;
      const shown = this.buffer.takeText(Math.min(16, this.buffer.length), 0);
      this.fail(new WireFault('ERR_WIRE_RESPONSE_INVALID', `not a status line: ${shownBytes(shown)}`));
      return true;
    }
    return false;
  }

  #interim(head: ResponseHead): boolean {
    this.#interims++;
    if (this.#interims > this.limits.interimResponses) {
      return this.fail(new WireFault('ERR_WIRE_RESPONSE_INVALID', 'too many interim responses'));
    }
    this.#events.onInterimHead(head);
    return true;
  }

  #final(head: ResponseHead): boolean {
    // After 101 the octets are another protocol's: they wait for `takeRemainder`.
    if (head.status === 101) this.pause();
    this.enterBody(head.framing, head.contentLength);
    this.#events.onResponseHead(head);
    return true;
  }

  #refuseExtra(): false {
    return this.fail(new WireFault('ERR_WIRE_RESPONSE_UNEXPECTED', 'octets from the workload that nothing asked for'));
  }
}
