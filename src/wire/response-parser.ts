// HOT PATH (npm run bench). Responses from bytes (RFC 9112 §4, §6.3), as strictly as requests: a workload that is hostile
// or broken must not be able to split its answer into two, nor leave octets for the next exchange.

import type { FieldList } from './field-list.ts';
import type { HeadLimits } from './head-limits.ts';
import type { ResponseEvents, ResponseHead } from './http1-message.ts';
import { MessageReader } from './message-reader.ts';
import { parseResponseHead } from './response-head.ts';
import { WireFault } from './wire-fault.ts';

export class ResponseParser extends MessageReader {
  readonly #events: ResponseEvents;
  /** Method that the next answer belongs to, or null: then nothing is expected. */
  #method: string | null = null;
  #interims = 0;

  constructor(limits: HeadLimits, events: ResponseEvents) {
    super(limits);
    this.#events = events;
  }

  /** No answer is owed and nothing waits: the connection may carry another exchange. */
  get isIdle(): boolean {
    return this.isBetweenMessages && this.#method === null;
  }

  /** Before each request that is sent: its method frames the answer (RFC 9110 §9.3.2). */
  expect(method: string): void {
    this.#method = method;
    this.#interims = 0;
    if (this.state === 'complete') this.resume();
  }

  /** Takes input. `bytes` may be written over once this returns. */
  feed(bytes: Buffer): void {
    if (this.state === 'stopped') return;
    this.buffer.push(bytes);
    this.run();
    if (this.state === 'complete' && this.buffer.length > 0) this.#refuseExtra();
    this.buffer.keep();
  }

  /** The workload closed. `complete`: a body that ends with the connection did, and `onMessageEnd` was called. */
  end(): 'idle' | 'complete' | 'truncated' {
    if (this.state === 'until-close') {
      this.#method = null;
      this.completeAtClose();
      return 'complete';
    }
    return this.#method === null || this.state === 'complete' || this.state === 'stopped' ? 'idle' : 'truncated';
  }

  protected override readHead(): boolean {
    if (this.buffer.length === 0) return false;
    if (this.#method === null) return this.#refuseExtra();
    const length = this.buffer.findHeadEnd();
    if (length > this.limits.headBytes || (length < 0 && this.buffer.length > this.limits.headBytes)) {
      return this.fail(new WireFault('ERR_WIRE_HEAD_TOO_LARGE', 'the response head is too large'));
    }
    if (length < 0) return false;
    const head = parseResponseHead(this.buffer.takeText(length, 4), this.#method, this.limits);
    if (head instanceof WireFault) return this.fail(head);
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
