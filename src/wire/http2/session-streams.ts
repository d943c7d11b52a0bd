// HOT PATH (npm run bench). The streams of a connection: which frame may come when (RFC 9113 §5.1), content against its declared
// length (§8.1.1), and the windows of both directions (§5.2).

import type { FloodGuard } from './flood-guard.ts';
import type { FrameHead } from './frame-reader.ts';
import { rstStreamFrame } from './frame-text.ts';
import { frameFlags, h2Codes, maxWindowBytes } from './frame-types.ts';
import type { HeaderBlock } from './hpack-decoder.ts';
import { Http2Fault, protocolFault, sizeFault } from './http2-fault.ts';
import { type FieldPairs, Http2Stream, type StreamOwner, type StreamUser } from './http2-stream.ts';
import type { PeerSettings } from './peer-settings.ts';
import { ReceiveWindows } from './receive-windows.ts';
import type { SessionOptions } from './session-options.ts';
import { type FrameSink, StreamSender } from './stream-sender.ts';
import { StreamTable } from './stream-table.ts';

export interface StreamEvents {
  /** The peer began a stream; whoever hears it says who its user is. */
  onRequest(stream: Http2Stream, block: HeaderBlock, endStream: boolean): void;
}

interface StreamParts {
  readonly events: StreamEvents;
  readonly sink: FrameSink;
  readonly guard: FloodGuard;
  readonly peer: PeerSettings;
}

/** The user of a stream until it has another. */
const nobody: StreamUser = Object.freeze({
  onHead: () => null,
  onData: () => {},
  onEnd: () => {},
  onReset: () => {},
  onWritable: () => {},
});

export class SessionStreams implements StreamOwner {
  readonly #options: SessionOptions;
  readonly #parts: StreamParts;
  readonly #sender: StreamSender;
  readonly #table: StreamTable;
  readonly #windows: ReceiveWindows;
  /** Octets of the DATA frame at hand that were not data. */
  #padding = 0;
  /** Streams above this are not taken any more. */
  #takesUpTo = maxWindowBytes;
  /** Found while no frame was read; the next one tells. */
  #flood: Http2Fault | null = null;

  constructor(options: SessionOptions, parts: StreamParts) {
    this.#options = options;
    this.#parts = parts;
    this.#table = new StreamTable(options.isServer);
    this.#windows = new ReceiveWindows(options, parts.sink);
    this.#sender = new StreamSender(parts.sink, {
      onSent: () => parts.guard.worked(),
      onEnded: (stream) => this.#closeIfDone(stream),
    });
  }

  get size(): number {
    return this.#table.size;
  }

  get lastPeerId(): number {
    return this.#table.lastPeerId;
  }

  /** The last stream that is taken. */
  takeNoMore(): number {
    this.#takesUpTo = Math.min(this.#takesUpTo, this.#table.lastPeerId);
    return this.#takesUpTo;
  }

  /** Begins a stream of ours. */
  open(user: StreamUser): Http2Stream | null {
    const id = this.#table.lastOwnId + 2;
    if (id > maxWindowBytes || this.#table.size >= this.#parts.peer.maxStreams) return null;
    this.#table.lastOwnId = id;
    return this.#add(id, user);
  }

  stop(): void {
    for (const stream of [...this.#table.all()]) this.#close(stream);
  }

  onPeerSettings(windowChange: number): Http2Fault | null {
    this.#sender.encoder.setPeerTableBytes(this.#parts.peer.headerTableBytes);
    if (windowChange === 0) return null;
    for (const stream of this.#table.all()) {
      stream.sendWindow += windowChange;
      if (stream.sendWindow > maxWindowBytes) return overflow;
    }
    this.#sender.pump();
    return null;
  }

  onBlock(streamId: number, block: HeaderBlock, endStream: boolean): Http2Fault | null {
    const stream = this.#table.get(streamId);
    if (stream === undefined) return this.#onNewBlock(streamId, block, endStream);
    if (stream.remoteEnded) return this.#resetFor(stream, h2Codes.streamClosed, 'HEADERS after its end');
    this.#parts.guard.worked();
    if (this.#options.isServer || stream.hasHead) return this.#onTrailers(stream, block, endStream);
    const fault = stream.user.onHead(block, endStream);
    if (fault !== null) return this.#resetFor(stream, fault.h2Code, fault.detail);
    return endStream && !stream.isClosed ? this.endRemote(stream, null) : null;
  }

  onDataBegin(head: FrameHead): Http2Fault | null {
    const { streamId, length, flags } = head;
    if (streamId === 0) return protocolFault('DATA of no stream');
    const fault = this.#windows.receive(length);
    if (fault !== null) return fault;
    const stream = this.#table.get(streamId);
    if (stream === undefined) return this.#onAbsent(streamId, 'DATA');
    if (stream.remoteEnded) return this.#resetFor(stream, h2Codes.streamClosed, 'DATA after its end');
    // Nothing stands before the head: a caller of HTTP/1.1 would take it for one (RFC 9113 §8.1).
    if (!this.#options.isServer && !stream.hasHead) {
      return this.#resetFor(stream, h2Codes.protocolError, 'DATA before its head');
    }
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) return this.#resetFor(stream, h2Codes.flowControlError, 'DATA beyond its window');
    this.#padding = length;
    if (length === 0 && (flags & frameFlags.endStream) === 0) return this.#parts.guard.idleFrame();
    this.#parts.guard.worked();
    return null;
  }

  onDataPiece(streamId: number, view: Buffer): Http2Fault | null {
    const stream = this.#table.get(streamId);
    if (stream === undefined || stream.remoteEnded) return null;
    this.#padding -= view.length;
    if (stream.contentLeft >= 0) {
      if (view.length > stream.contentLeft) {
        return this.#resetFor(stream, h2Codes.protocolError, 'more DATA than its content-length');
      }
      stream.contentLeft -= view.length;
    }
    stream.user.onData(view);
    return null;
  }

  onDataEnd({ streamId, flags }: FrameHead): Http2Fault | null {
    const stream = this.#table.get(streamId);
    if (stream === undefined || stream.remoteEnded) return null;
    if ((flags & frameFlags.endStream) !== 0) return this.endRemote(stream, null);
    if (this.#padding > 0) this.#windows.credit(stream, this.#padding);
    return null;
  }

  onPriority({ streamId, length }: FrameHead, payload: Buffer): Http2Fault | null {
    if (streamId === 0) return protocolFault('PRIORITY of no stream');
    if (length !== 5) return this.#streamFault(streamId, h2Codes.frameSizeError, 'PRIORITY of a broken length');
    if ((payload.readUInt32BE(0) & maxWindowBytes) === streamId) return this.onSelfDependency(streamId);
    return this.#parts.guard.idleFrame();
  }

  /** RFC 7540 §5.3.1; RFC 9113 makes nothing of priorities. */
  onSelfDependency(streamId: number): Http2Fault | null {
    if (this.#table.isPeers(streamId)) this.#table.lastPeerId = Math.max(this.#table.lastPeerId, streamId);
    return this.#streamFault(streamId, h2Codes.protocolError, 'a stream that depends on itself');
  }

  onReset({ streamId, length }: FrameHead, payload: Buffer): Http2Fault | null {
    if (streamId === 0) return protocolFault('RST_STREAM of no stream');
    if (length !== 4) return sizeFault('RST_STREAM');
    const stream = this.#table.get(streamId);
    if (stream === undefined) {
      const isIdle = this.#table.absence(streamId) === 'idle';
      return isIdle ? protocolFault('RST_STREAM of an idle stream') : this.#parts.guard.idleFrame();
    }
    const { user } = stream;
    this.#close(stream);
    user.onReset(payload.readUInt32BE(0), null);
    return this.#parts.guard.reset();
  }

  onWindowUpdate({ streamId, length }: FrameHead, payload: Buffer): Http2Fault | null {
    if (length !== 4) return sizeFault('WINDOW_UPDATE');
    const bytes = payload.readUInt32BE(0) & maxWindowBytes;
    const flood = this.#parts.guard.idleFrame();
    if (flood !== null) return flood;
    if (streamId === 0) {
      if (bytes === 0) return protocolFault('WINDOW_UPDATE of nothing');
      if (!this.#sender.widen(bytes)) return overflow;
    } else {
      const stream = this.#table.get(streamId);
      if (stream === undefined) {
        return this.#table.absence(streamId) === 'idle' ? protocolFault('WINDOW_UPDATE of an idle stream') : null;
      }
      if (bytes === 0) return this.#resetFor(stream, h2Codes.protocolError, 'WINDOW_UPDATE of nothing');
      stream.sendWindow += bytes;
      if (stream.sendWindow > maxWindowBytes) return this.#resetFor(stream, h2Codes.flowControlError, overflow.detail);
    }
    this.#sender.pump();
    return null;
  }

  sendHead(stream: Http2Stream, fields: FieldPairs, endStream: boolean): void {
    this.#parts.guard.worked();
    this.#sender.head(stream, fields, endStream);
  }

  sendData(stream: Http2Stream, view: Buffer, endStream: boolean): void {
    this.#sender.data(stream, view, endStream);
  }

  sendTrailers(stream: Http2Stream, fields: FieldPairs): void {
    this.#sender.trailers(stream, fields);
  }

  credit(stream: Http2Stream, bytes: number): void {
    this.#windows.credit(stream, bytes);
  }

  reset(stream: Http2Stream, code: number): void {
    // After a whole answer, or because nobody wants one any more, it costs the peer a request like any other.
    if (code !== h2Codes.noError && code !== h2Codes.cancel) this.#flood ??= this.#parts.guard.reset();
    this.#sendReset(stream, code);
  }

  #sendReset(stream: Http2Stream, code: number): void {
    this.#table.rememberReset(stream.id);
    this.#parts.sink.text(rstStreamFrame(stream.id, code));
    this.#close(stream);
  }

  /** The peer sends no more on a stream. */
  endRemote(stream: Http2Stream, block: HeaderBlock | null): Http2Fault | null {
    if (stream.contentLeft > 0)
      return this.#resetFor(stream, h2Codes.protocolError, 'less DATA than its content-length');
    stream.remoteEnded = true;
    stream.user.onEnd(block === null ? null : block.fields);
    this.#closeIfDone(stream);
    return null;
  }

  #onNewBlock(streamId: number, block: HeaderBlock, endStream: boolean): Http2Fault | null {
    if (this.#flood !== null) return this.#flood;
    const absence = this.#table.absence(streamId);
    if (absence !== 'idle') return this.#onAbsent(streamId, 'HEADERS');
    if (!this.#options.isServer || !this.#table.isPeers(streamId)) return protocolFault('HEADERS of an idle stream');
    this.#table.lastPeerId = streamId;
    if (streamId > this.#takesUpTo) return null;
    if (this.#table.size >= this.#options.maxStreams) {
      return this.#streamFault(streamId, h2Codes.refusedStream, 'more streams than SETTINGS_MAX_CONCURRENT_STREAMS');
    }
    this.#parts.guard.worked();
    const stream = this.#add(streamId, nobody);
    this.#parts.events.onRequest(stream, block, endStream);
    if (endStream && !stream.isClosed) return this.endRemote(stream, null);
    return null;
  }

  #onTrailers(stream: Http2Stream, block: HeaderBlock, endStream: boolean): Http2Fault | null {
    const what = trailersFault(block, endStream);
    return what === null ? this.endRemote(stream, block) : this.#resetFor(stream, h2Codes.protocolError, what);
  }

  /** A frame of a stream that is not open (§5.1). */
  #onAbsent(streamId: number, frame: string): Http2Fault | null {
    switch (this.#table.absence(streamId)) {
      case 'idle':
        return protocolFault(`${frame} of an idle stream`);
      case 'reset-by-us':
        return null;
      default:
        if (streamId > this.#takesUpTo) return null;
        return new Http2Fault(h2Codes.streamClosed, `${frame} of a closed stream`);
    }
  }

  #add(id: number, user: StreamUser): Http2Stream {
    const windows = { send: this.#parts.peer.windowBytes, receive: this.#options.streamWindowBytes, user };
    const stream = new Http2Stream(id, this, windows);
    this.#table.add(stream);
    return stream;
  }

  #resetFor(stream: Http2Stream, code: number, detail: string): Http2Fault | null {
    const { user } = stream;
    this.#sendReset(stream, code);
    user.onReset(code, detail);
    return this.#parts.guard.reset();
  }

  /** The same for a stream that may not be open. */
  #streamFault(streamId: number, code: number, detail: string): Http2Fault | null {
    const stream = this.#table.get(streamId);
    if (stream !== undefined) return this.#resetFor(stream, code, detail);
    this.#table.rememberReset(streamId);
    this.#parts.sink.text(rstStreamFrame(streamId, code));
    return this.#parts.guard.reset();
  }

  #closeIfDone(stream: Http2Stream): void {
    if (stream.localEnded && stream.remoteEnded && !stream.isClosed) this.#close(stream);
  }

  #close(stream: Http2Stream): void {
    if (stream.isClosed) return;
    this.#windows.forget(stream);
    this.#sender.forget(stream);
    this.#table.remove(stream);
  }
}

const overflow = new Http2Fault(h2Codes.flowControlError, 'a window above 2^31-1');

/** RFC 9113 §8.1: trailers end the stream and hold no pseudo-header fields. */
function trailersFault(block: HeaderBlock, endStream: boolean): string | null {
  if (!endStream) return 'a second head';
  if (block.unsound !== null || block.tooLarge) return 'trailers that are not valid';
  return block.fields.keys.some((key) => key.startsWith(':')) ? 'pseudo-header fields in trailers' : null;
}
