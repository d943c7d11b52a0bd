// HOT PATH (npm run bench). One stream of an HTTP/2 connection (RFC 9113 §5): what both sides may still send, and what waits for
// the peer's window. A reader that stalls holds what one window of the sender's side brought, never more.

import type { FieldList } from '../field-list.ts';
import type { HeaderBlock } from './hpack-decoder.ts';
import type { Http2Fault } from './http2-fault.ts';

/** Names and values in turn, names in lower case. */
export type FieldPairs = readonly string[];

/** Who reads a stream. Views are valid as long as what was fed is. Nothing is called after `onReset`, or after `reset()`. */
export interface StreamUser {
  /** A head of an answer; whoever finds it to be the final one sets `hasHead`. A fault resets the stream. */
  onHead(block: HeaderBlock, endStream: boolean): Http2Fault | null;
  onData(view: Buffer): void;
  /** The peer sends no more. */
  onEnd(trailers: FieldList | null): void;
  /** The stream is over before both sides were done; `detail` says what the peer did wrong, or null where it gave up. */
  onReset(code: number, detail: string | null): void;
  /** Everything that waited has been sent; its end too, if that was among it. */
  onWritable(): void;
}

/** The connection as its streams see it. */
export interface StreamOwner {
  sendHead(stream: Http2Stream, fields: FieldPairs, endStream: boolean): void;
  sendData(stream: Http2Stream, view: Buffer, endStream: boolean): void;
  sendTrailers(stream: Http2Stream, fields: FieldPairs): void;
  credit(stream: Http2Stream, bytes: number): void;
  reset(stream: Http2Stream, code: number): void;
}

export class Http2Stream {
  readonly id: number;
  readonly #owner: StreamOwner;
  user: StreamUser;
  /** Bytes that may be sent to the peer; below 0 after a change of settings (§6.9.2). */
  sendWindow: number;
  /** Bytes that the peer may send. */
  receiveWindow: number;
  /** What that is when all that came was read. */
  windowBytes: number;
  /** Bytes that were read and not yet told. */
  uncredited = 0;
  /** How often as much was told since the window has that size. */
  creditCount = 0;
  /** The final head of the answer came: a further one holds trailers. */
  hasHead = false;
  localEnded = false;
  remoteEnded = false;
  isClosed = false;
  /** Bytes of content that must still come; -1 where nobody said (RFC 9113 §8.1.1). */
  contentLeft = -1;
  /** What waits for a window; copies. */
  readonly queue: Buffer[] = [];
  queuedBytes = 0;
  /** What comes after the queue. */
  queuedEnd: 'none' | 'end' | FieldPairs = 'none';

  constructor(
    id: number,
    owner: StreamOwner,
    windows: { readonly send: number; readonly receive: number; user: StreamUser },
  ) {
    this.id = id;
    this.#owner = owner;
    this.user = windows.user;
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
    this.windowBytes = windows.receive;
  }

  /** Sends a head. */
  sendHead(fields: FieldPairs, endStream: boolean): void {
    if (!this.isClosed && !this.localEnded) this.#owner.sendHead(this, fields, endStream);
  }

  /** Sends data; what has no room waits in a copy. False asks to wait for `onWritable`. */
  sendData(view: Buffer, endStream: boolean): boolean {
    if (!this.isClosed && !this.localEnded) this.#owner.sendData(this, view, endStream);
    return this.queuedBytes === 0;
  }

  /** Sends trailers, which end the stream. */
  sendTrailers(fields: FieldPairs): void {
    if (!this.isClosed && !this.localEnded) this.#owner.sendTrailers(this, fields);
  }

  /** Data was read and left behind: the peer may send as much again. */
  credit(bytes: number): void {
    if (!this.isClosed) this.#owner.credit(this, bytes);
  }

  /** Ends the stream at once, in both directions. */
  reset(code: number): void {
    if (!this.isClosed) this.#owner.reset(this, code);
  }
}
