// HOT PATH (npm run bench). What the peer may have under way to us (RFC 9113 §5.2): on all streams together, given back as it comes, so
// that one whose reader stalls starves no other; and on each, given back as it is read.

import { windowUpdateFrame } from './frame-text.ts';
import { h2Codes } from './frame-types.ts';
import { Http2Fault } from './http2-fault.ts';
import type { Http2Stream } from './http2-stream.ts';
import type { SessionOptions } from './session-options.ts';
import type { FrameSink } from './stream-sender.ts';

/** Halves of a window that a stream has moved before that doubles. */
const creditsToGrow = 4;
/** To which it grows at most. */
const mostStreamWindowBytes = 512 * 1024;

export class ReceiveWindows {
  readonly #options: SessionOptions;
  readonly #sink: FrameSink;
  /** Bytes that the peer may send on all streams together, and those that it has not been told of yet. */
  #left: number;
  #uncredited = 0;
  /** By how much the windows of streams are larger than they began. */
  #grown = 0;

  constructor(options: SessionOptions, sink: FrameSink) {
    this.#options = options;
    this.#sink = sink;
    this.#left = options.connectionWindowBytes;
  }

  /** A frame of data came, of whatever stream. */
  receive(bytes: number): Http2Fault | null {
    this.#left -= bytes;
    if (this.#left < 0) return new Http2Fault(h2Codes.flowControlError, 'DATA beyond the connection window');
    this.#uncredited += bytes;
    if (this.#uncredited * 2 < this.#options.connectionWindowBytes) return null;
    this.#left += this.#uncredited;
    this.#sink.text(windowUpdateFrame(0, this.#uncredited));
    this.#uncredited = 0;
    return null;
  }

  /** Data of a stream was read. Told once it is half a window: one frame for many. */
  credit(stream: Http2Stream, bytes: number): void {
    stream.uncredited += bytes;
    if (stream.remoteEnded || stream.uncredited * 2 < stream.windowBytes) return;
    const opened = stream.uncredited + this.#growthOf(stream);
    stream.receiveWindow += opened;
    stream.uncredited = 0;
    this.#sink.text(windowUpdateFrame(stream.id, opened));
  }

  /** The stream is over: what it had more may be had by others. */
  forget(stream: Http2Stream): void {
    this.#grown -= stream.windowBytes - this.#options.streamWindowBytes;
  }

  /** Bytes by which the window of a stream grows that kept moving; one whose reader stalls is not credited, and never grows. */
  #growthOf(stream: Http2Stream): number {
    const more = stream.windowBytes;
    stream.creditCount++;
    if (stream.creditCount < creditsToGrow || more * 2 > mostStreamWindowBytes) return 0;
    if (this.#grown + more > this.#options.growthBytes) return 0;
    stream.creditCount = 0;
    stream.windowBytes += more;
    this.#grown += more;
    return more;
  }
}
