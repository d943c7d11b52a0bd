// One side of an HTTP/2 connection in a test: what is fed to it, what it told, and the frames that it wrote.

import { frameHead } from '../../../src/wire/http2/frame-text.ts';
import { clientPreface } from '../../../src/wire/http2/frame-types.ts';
import type { HeaderBlock } from '../../../src/wire/http2/hpack-decoder.ts';
import type { Http2Fault } from '../../../src/wire/http2/http2-fault.ts';
import { Http2Session } from '../../../src/wire/http2/http2-session.ts';
import type { Http2Stream, StreamUser } from '../../../src/wire/http2/http2-stream.ts';

/** Octets as latin1 text. */
export function frame(type: number, flags: number, streamId: number, payload = ''): string {
  return frameHead(payload.length, { type, flags }, streamId) + payload;
}

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  rst: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
};
export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 };

/** Preface and empty SETTINGS. */
export const opening = clientPreface + frame(types.settings, 0, 0);

/** `:method GET`, `:scheme https`, `:path /`, `:authority a`: from the static table, with one literal. */
export const getBlock = '\x82\x87\x84\x01\x01a';
export const postBlock = '\x83\x87\x84\x01\x01a';

export function uint32(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** A frame as it was written. */
export interface WrittenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: string;
}

export interface ProbeOptions {
  readonly isServer?: boolean;
  readonly maxStreams?: number;
  readonly listBytes?: number;
  readonly fieldCount?: number;
  readonly streamWindowBytes?: number;
  readonly growthBytes?: number;
}

export class SessionProbe {
  /** What was told, as text. */
  readonly events: string[] = [];
  readonly streams = new Map<number, Http2Stream>();
  written = '';
  fault: Http2Fault | null = null;
  readonly session: Http2Session;
  nowMs = 0;
  /** Data is left behind at once, so that the peer may send as much again. */
  reads = true;

  constructor(options: ProbeOptions = {}) {
    const { isServer = true, maxStreams = 100, listBytes = 65_536, fieldCount = 104 } = options;
    const bounds = { listBytes, fieldCount };
    const windows = {
      streamWindowBytes: options.streamWindowBytes ?? 65_535,
      connectionWindowBytes: 1_048_576,
      growthBytes: options.growthBytes ?? 0,
    };
    this.session = new Http2Session({ isServer, maxStreams, bounds, ...windows, nowMs: 0 }, this, {
      text: (frames) => {
        this.written += frames;
      },
      data: (head, view) => {
        this.written += head + view.toString('latin1');
      },
    });
  }

  feed(text: string): this {
    this.session.feed(Buffer.from(text, 'latin1'), this.nowMs);
    return this;
  }

  onRequest(stream: Http2Stream, block: HeaderBlock, endStream: boolean): void {
    this.streams.set(stream.id, stream);
    stream.user = this.user(stream.id);
    this.events.push(`request ${stream.id} ${textOf(block)}${endStream ? ' end' : ''}`);
    const length = block.fields.get('content-length');
    if (length !== undefined) stream.contentLeft = Number(length);
  }

  user(id: number): StreamUser {
    return {
      onHead: (block, endStream) => {
        this.events.push(`head ${id} ${textOf(block)}${endStream ? ' end' : ''}`);
        const stream = this.streams.get(id);
        if (stream !== undefined) stream.hasHead = !(block.fields.get(':status') ?? '').startsWith('1');
        return null;
      },
      onData: (view) => {
        this.events.push(`data ${id} ${view.toString('latin1')}`);
        if (this.reads) this.streams.get(id)?.credit(view.length);
      },
      onEnd: (trailers) => {
        this.events.push(`end ${id}${trailers === null ? '' : ` ${trailers.keys.join(',')}`}`);
      },
      onReset: (code) => {
        this.events.push(`reset ${id} ${code}`);
      },
      onWritable: () => {
        this.events.push(`writable ${id}`);
      },
    };
  }

  onGoaway(lastStreamId: number, code: number): void {
    this.events.push(`goaway ${lastStreamId} ${code}`);
  }

  onPingAnswered(): void {
    this.events.push('ping answered');
  }

  onFault(fault: Http2Fault): void {
    this.fault = fault;
  }

  /** The frames written so far. */
  get frames(): WrittenFrame[] {
    return readFrames(this.written);
  }

  framesOf(type: number): WrittenFrame[] {
    return this.frames.filter((one) => one.type === type);
  }

  /** Codes of the streams that were reset, by stream. */
  get resets(): string[] {
    return this.framesOf(types.rst).map(({ streamId, payload }) => `${streamId}:${payload.charCodeAt(3)}`);
  }
}

function textOf(block: HeaderBlock): string {
  return block.fields.keys.map((key, at) => `${key}=${block.fields.values[at]}`).join(';');
}

/** Frames from text; without a preface. */
export function readFrames(text: string): WrittenFrame[] {
  const bytes = Buffer.from(text, 'latin1');
  const frames: WrittenFrame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const payload = bytes.toString('latin1', at + 9, at + 9 + length);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, streamId: bytes.readUInt32BE(at + 5), payload });
    at += 9 + length;
  }
  return frames;
}
