// HOT PATH (npm run bench). One HTTP/2 connection without its socket (RFC 9113): bytes in, events out, frames to write. A fault
// of one stream ends that stream, a fault of the connection ends it with GOAWAY; nothing is thrown.

import { FloodGuard } from './flood-guard.ts';
import { type FrameEvents, type FrameHead, FrameReader, fragmentOf } from './frame-reader.ts';
import { goawayFrame, pingFrame, settingsAckFrame } from './frame-text.ts';
import { clientPreface, frameFlags, frameTypes, h2Codes, maxWindowBytes } from './frame-types.ts';
import { HeaderAssembly } from './header-assembly.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { Http2Fault, protocolFault, sizeFault } from './http2-fault.ts';
import type { Http2Stream, StreamUser } from './http2-stream.ts';
import { PeerSettings } from './peer-settings.ts';
import { openingFrames, type SessionOptions } from './session-options.ts';
import { SessionStreams, type StreamEvents } from './session-streams.ts';
import type { FrameSink } from './stream-sender.ts';

/** What a connection tells. */
export interface SessionEvents extends StreamEvents {
  /** The peer takes no streams above `lastStreamId`. */
  onGoaway(lastStreamId: number, code: number): void;
  /** Our PING came back. */
  onPingAnswered(): void;
  /** The connection is over; GOAWAY is among what is to be written. */
  onFault(fault: Http2Fault): void;
}

const noBytes = Buffer.alloc(0);
/** Eight octets of our PING. */
const ownPing = 'postern.';
const over = new Http2Fault(h2Codes.noError, 'the connection is over');

export class Http2Session implements FrameEvents {
  readonly #events: SessionEvents;
  readonly #sink: FrameSink;
  readonly #isServer: boolean;
  readonly #reader = new FrameReader(this);
  readonly #decoder: HpackDecoder;
  readonly #assembly: HeaderAssembly;
  readonly #streams: SessionStreams;
  readonly #peer = new PeerSettings();
  readonly #guard: FloodGuard;
  #preface: string;
  #isSettled = false;
  #isOver = false;

  constructor(options: SessionOptions, events: SessionEvents, sink: FrameSink) {
    this.#events = events;
    this.#sink = sink;
    this.#isServer = options.isServer;
    this.#decoder = new HpackDecoder(options.bounds);
    this.#assembly = new HeaderAssembly(options.bounds.listBytes);
    this.#guard = new FloodGuard(options.nowMs);
    this.#streams = new SessionStreams(options, { events, sink, guard: this.#guard, peer: this.#peer });
    this.#preface = options.isServer ? clientPreface : '';
    sink.text(openingFrames(options));
  }

  /** Streams that are not over. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** Streams that the peer takes at once. */
  get peerMaxStreams(): number {
    return this.#peer.maxStreams;
  }

  /** The peer's preface and SETTINGS came. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Something is unfinished that the peer owes the rest of: a frame, or a head. */
  get isWithinHead(): boolean {
    return this.#assembly.openStreamId !== null || !this.#reader.isBetweenFrames;
  }

  /** Takes input; `nowMs` is monotonic. */
  feed(bytes: Buffer, nowMs: number): void {
    if (this.#isOver) return;
    this.#guard.tick(nowMs);
    const rest = this.#preface === '' ? bytes : this.#takePreface(bytes);
    const fault = rest === null ? protocolFault('what came is no HTTP/2') : this.#reader.feed(rest);
    if (fault !== null && !this.#isOver) this.#fail(fault);
  }

  /** Begins a stream; null where the connection cannot carry one more. */
  open(user: StreamUser): Http2Stream | null {
    return this.#isOver ? null : this.#streams.open(user);
  }

  /** Asks whether the peer has read what went before. */
  ping(): void {
    this.#sink.text(pingFrame(ownPing, false));
  }

  /** Asks the peer to begin no more streams; those that are under way to us are still taken (§6.8). */
  announceEnd(): void {
    if (!this.#isOver) this.#sink.text(goawayFrame(maxWindowBytes, h2Codes.noError, ''));
  }

  /** From now on no streams are taken; those that are open go on. */
  takeNoMore(): void {
    if (!this.#isOver) this.#sink.text(goawayFrame(this.#streams.takeNoMore(), h2Codes.noError, ''));
  }

  /** Ends for good; nothing is read or reported any more. */
  stop(): void {
    this.#isOver = true;
    this.#streams.stop();
  }

  onFrame(head: FrameHead, payload: Buffer): Http2Fault | null {
    if (this.#isOver) return over;
    const open = this.#assembly.openStreamId;
    if (open !== null) return this.#onContinuation(head, payload, open);
    if (!this.#isSettled && head.type !== frameTypes.settings) return protocolFault('no SETTINGS first');
    switch (head.type) {
      case frameTypes.headers:
        return this.#onHeaders(head, payload);
      case frameTypes.priority:
        return this.#streams.onPriority(head, payload);
      case frameTypes.rstStream:
        return this.#streams.onReset(head, payload);
      case frameTypes.settings:
        return this.#onSettings(head, payload);
      case frameTypes.ping:
        return this.#onPing(head, payload);
      case frameTypes.goaway:
        return this.#onGoaway(head, payload);
      case frameTypes.windowUpdate:
        return this.#streams.onWindowUpdate(head, payload);
      case frameTypes.continuation:
        return protocolFault('CONTINUATION of nothing');
      case frameTypes.pushPromise:
        return protocolFault('PUSH_PROMISE');
      default:
        return this.#guard.idleFrame();
    }
  }

  onDataBegin(head: FrameHead): Http2Fault | null {
    if (this.#isOver) return over;
    if (this.#assembly.openStreamId !== null) return protocolFault('DATA within a header block');
    return this.#isSettled ? this.#streams.onDataBegin(head) : protocolFault('no SETTINGS first');
  }

  onDataPiece(streamId: number, view: Buffer): Http2Fault | null {
    return this.#isOver ? over : this.#streams.onDataPiece(streamId, view);
  }

  onDataEnd(head: FrameHead): Http2Fault | null {
    return this.#isOver ? over : this.#streams.onDataEnd(head);
  }

  /** What is left after the preface; null where it is another. */
  #takePreface(bytes: Buffer): Buffer | null {
    const count = Math.min(bytes.length, this.#preface.length);
    if (bytes.toString('latin1', 0, count) !== this.#preface.slice(0, count)) return null;
    this.#preface = this.#preface.slice(count);
    return count === bytes.length ? noBytes : bytes.subarray(count);
  }

  #onHeaders(head: FrameHead, payload: Buffer): Http2Fault | null {
    const { streamId, flags } = head;
    if (streamId === 0) return protocolFault('HEADERS of no stream');
    const fragment = fragmentOf(head, payload);
    if (fragment === null) return protocolFault('HEADERS with more padding than octets');
    const endStream = (flags & frameFlags.endStream) !== 0;
    const dependsOnItself = (flags & frameFlags.priority) !== 0 && dependency(payload, flags) === streamId;
    const isWhole = (flags & frameFlags.endHeaders) !== 0;
    if (dependsOnItself && isWhole) return this.#streams.onSelfDependency(streamId) ?? this.#skipBlock(fragment);
    if (!isWhole) return this.#assembly.begin(streamId, fragment, endStream);
    return this.#onBlock({ streamId, endStream, bytes: fragment });
  }

  #onContinuation(head: FrameHead, payload: Buffer, open: number): Http2Fault | null {
    if (head.type !== frameTypes.continuation || head.streamId !== open) {
      return protocolFault('another frame within a header block');
    }
    const whole = this.#assembly.add(payload, (head.flags & frameFlags.endHeaders) !== 0);
    return whole === null || whole instanceof Http2Fault ? whole : this.#onBlock(whole);
  }

  #onBlock(whole: {
    readonly streamId: number;
    readonly endStream: boolean;
    readonly bytes: Buffer;
  }): Http2Fault | null {
    const block = this.#decoder.decode(whole.bytes);
    if (block instanceof Http2Fault) return block;
    return this.#streams.onBlock(whole.streamId, block, whole.endStream);
  }

  /** The table stays in step whatever becomes of the stream (§4.3). */
  #skipBlock(bytes: Buffer): Http2Fault | null {
    const block = this.#decoder.decode(bytes);
    return block instanceof Http2Fault ? block : null;
  }

  #onSettings(head: FrameHead, payload: Buffer): Http2Fault | null {
    if (head.streamId !== 0) return protocolFault('SETTINGS of a stream');
    if ((head.flags & frameFlags.ack) !== 0) {
      return head.length === 0 ? this.#guard.idleFrame() : sizeFault('SETTINGS');
    }
    const before = this.#peer.windowBytes;
    const fault = this.#peer.apply(payload, !this.#isServer) ?? this.#guard.idleFrame();
    if (fault !== null) return fault;
    this.#isSettled = true;
    // First what the settings change, then the word that they hold (§6.5.3).
    this.#sink.text(settingsAckFrame);
    return this.#streams.onPeerSettings(this.#peer.windowBytes - before);
  }

  #onPing(head: FrameHead, payload: Buffer): Http2Fault | null {
    if (head.streamId !== 0) return protocolFault('PING of a stream');
    if (head.length !== 8) return sizeFault('PING');
    if ((head.flags & frameFlags.ack) === 0) this.#sink.text(pingFrame(payload.toString('latin1'), true));
    else if (payload.toString('latin1') === ownPing) this.#events.onPingAnswered();
    return this.#guard.idleFrame();
  }

  #onGoaway(head: FrameHead, payload: Buffer): Http2Fault | null {
    if (head.streamId !== 0) return protocolFault('GOAWAY of a stream');
    if (head.length < 8) return sizeFault('GOAWAY');
    this.#events.onGoaway(payload.readUInt32BE(0) & maxWindowBytes, payload.readUInt32BE(4));
    return this.#guard.idleFrame();
  }

  #fail(fault: Http2Fault): void {
    this.#sink.text(goawayFrame(this.#streams.lastPeerId, fault.h2Code, fault.detail));
    this.stop();
    this.#events.onFault(fault);
  }
}

/** The stream that a HEADERS frame depends on; nothing else is made of priorities (§5.3.2). */
function dependency(payload: Buffer, flags: number): number {
  const at = (flags & frameFlags.padded) === 0 ? 0 : 1;
  return payload.length < at + 4 ? -1 : payload.readUInt32BE(at) & maxWindowBytes;
}
