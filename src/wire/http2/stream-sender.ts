// HOT PATH (npm run bench). What a connection sends of its streams, within the windows that the peer grants (RFC 9113 §5.2, §6.9).
// Streams that wait for the connection's window get one frame each in turn, so that none starves another.

import { dataHead, headersFrames } from './frame-text.ts';
import { defaultFrameBytes, defaultWindowBytes, maxWindowBytes } from './frame-types.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import type { FieldPairs, Http2Stream } from './http2-stream.ts';

/** Takes what is to be written, in order. */
export interface FrameSink {
  /** Latin1, one character an octet. */
  text(frames: string): void;
  /** A frame's head and its payload, a view that is valid during the call only. */
  data(head: string, view: Buffer): void;
}

interface SenderEvents {
  /** A frame of data goes out. */
  onSent(): void;
  /** We send no more on a stream. */
  onEnded(stream: Http2Stream): void;
}

const noBytes = Buffer.alloc(0);

export class StreamSender {
  readonly encoder = new HpackEncoder();
  readonly #sink: FrameSink;
  readonly #events: SenderEvents;
  /** Streams with data that has no room, in the order in which they get some. */
  readonly #waiting = new Set<Http2Stream>();
  #window = defaultWindowBytes;
  #maxFrameBytes = defaultFrameBytes;
  #isPumping = false;

  constructor(sink: FrameSink, events: SenderEvents) {
    this.#sink = sink;
    this.#events = events;
  }

  /** The connection's window; false where that would overflow it. */
  widen(bytes: number): boolean {
    this.#window += bytes;
    return this.#window <= maxWindowBytes;
  }

  head(stream: Http2Stream, fields: FieldPairs, endStream: boolean): void {
    this.#sink.text(headersFrames(stream.id, this.#encode(fields), { endStream, maxFrameBytes: this.#maxFrameBytes }));
    if (endStream) this.#end(stream);
  }

  data(stream: Http2Stream, view: Buffer, endStream: boolean): void {
    if (stream.queuedBytes > 0) {
      this.#queue(stream, view);
      if (endStream) stream.queuedEnd = 'end';
      return;
    }
    const sent = this.#frames(stream, view, endStream);
    if (sent === view.length) return;
    this.#queue(stream, view.subarray(sent));
    if (endStream) stream.queuedEnd = 'end';
  }

  trailers(stream: Http2Stream, fields: FieldPairs): void {
    // Encoded when they go: the table that they are written against is that of the moment.
    if (stream.queuedBytes > 0) stream.queuedEnd = fields;
    else this.head(stream, fields, true);
  }

  /** A window opened: sends what waited for it. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let moved = true; moved && this.#window > 0; ) {
      moved = false;
      for (const stream of [...this.#waiting]) moved = this.#turn(stream) || moved;
    }
    this.#isPumping = false;
  }

  /** The stream is over; what waited is dropped. */
  forget(stream: Http2Stream): void {
    this.#waiting.delete(stream);
    stream.queue.length = 0;
    stream.queuedBytes = 0;
  }

  /** One frame of one stream. */
  #turn(stream: Http2Stream): boolean {
    const first = stream.queue[0];
    if (first === undefined || stream.isClosed) {
      this.#waiting.delete(stream);
      return false;
    }
    const room = Math.min(stream.sendWindow, this.#window, this.#maxFrameBytes);
    if (room <= 0) return false;
    const count = Math.min(room, first.length);
    if (count === first.length) stream.queue.shift();
    else stream.queue[0] = first.subarray(count);
    stream.queuedBytes -= count;
    const isLast = stream.queuedBytes === 0;
    if (isLast) this.#waiting.delete(stream);
    this.#frame(stream, first.subarray(0, count), isLast && stream.queuedEnd === 'end');
    if (isLast) this.#afterQueue(stream);
    return true;
  }

  #afterQueue(stream: Http2Stream): void {
    if (typeof stream.queuedEnd !== 'string') this.head(stream, stream.queuedEnd, true);
    stream.user.onWritable();
  }

  #queue(stream: Http2Stream, view: Buffer): void {
    if (view.length === 0) return;
    stream.queue.push(Buffer.from(view));
    stream.queuedBytes += view.length;
    this.#waiting.add(stream);
  }

  /** Octets that went out. */
  #frames(stream: Http2Stream, view: Buffer, endStream: boolean): number {
    if (view.length === 0) {
      if (endStream) this.#frame(stream, noBytes, true);
      return 0;
    }
    let at = 0;
    while (at < view.length) {
      const room = Math.min(stream.sendWindow, this.#window, this.#maxFrameBytes);
      if (room <= 0) break;
      const count = Math.min(room, view.length - at);
      this.#frame(stream, view.subarray(at, at + count), endStream && at + count === view.length);
      at += count;
    }
    return at;
  }

  #frame(stream: Http2Stream, view: Buffer, endStream: boolean): void {
    stream.sendWindow -= view.length;
    this.#window -= view.length;
    this.#events.onSent();
    this.#sink.data(dataHead(stream.id, view.length, endStream), view);
    if (endStream) this.#end(stream);
  }

  #end(stream: Http2Stream): void {
    stream.localEnded = true;
    this.#events.onEnded(stream);
  }

  #encode(fields: FieldPairs): string {
    let block = this.encoder.begin();
    for (let at = 0; at < fields.length; at += 2) block += this.encoder.field(fields[at]!, fields[at + 1]!);
    return block;
  }
}
