// HOT PATH (npm run bench). Frames from bytes (RFC 9113 §4). The payload of DATA is handed on as it comes, without a copy; every
// other frame is short, and is gathered first.

import { defaultFrameBytes, frameFlags, frameHeadBytes, frameTypes, h2Codes } from './frame-types.ts';
import { Http2Fault } from './http2-fault.ts';

/** The head of a frame. */
export interface FrameHead {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** Receives frames. Each callback says whether to go on; views are valid as long as what was fed is. */
export interface FrameEvents {
  /** A whole frame other than DATA. */
  onFrame(head: FrameHead, payload: Buffer): Http2Fault | null;
  /** A DATA frame begins; its whole length counts against the windows at once. */
  onDataBegin(head: FrameHead): Http2Fault | null;
  /** A part of its data, without padding. */
  onDataPiece(streamId: number, view: Buffer): Http2Fault | null;
  onDataEnd(head: FrameHead): Http2Fault | null;
}

type State =
  | { readonly kind: 'head' }
  | { readonly kind: 'payload'; readonly head: FrameHead }
  | { readonly kind: 'pad-length'; readonly head: FrameHead }
  | { readonly kind: 'data'; readonly head: FrameHead; left: number; readonly padding: number }
  | { readonly kind: 'padding'; readonly head: FrameHead; left: number };

const awaitingHead: State = Object.freeze({ kind: 'head' });
const noBytes = Buffer.alloc(0);
const badPadding = new Http2Fault(h2Codes.protocolError, 'padding that is longer than its frame');

export class FrameReader {
  readonly #events: FrameEvents;
  #state: State = awaitingHead;
  #rest = noBytes;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /** Nothing of a frame waits for its rest. */
  get isBetweenFrames(): boolean {
    return this.#state.kind === 'head' && this.#rest.length === 0;
  }

  /** Takes input; the first fault ends it. */
  feed(bytes: Buffer): Http2Fault | null {
    let input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = noBytes;
    for (;;) {
      const state = this.#state;
      const taken = this.#step(state, input);
      if (taken instanceof Http2Fault) return taken;
      input = taken === 0 ? input : input.subarray(taken);
      if (taken === 0 && state === this.#state) break;
    }
    // A copy: a few octets must not hold the whole buffer that they came in.
    if (input.length > 0) this.#rest = Buffer.from(input);
    return null;
  }

  /** One state's work: octets that were taken; 0 without a change of state asks for more input. */
  #step(state: State, input: Buffer): number | Http2Fault {
    switch (state.kind) {
      case 'head':
        return this.#readHead(input);
      case 'payload':
        return this.#readPayload(state.head, input);
      case 'pad-length':
        return this.#readPadLength(state.head, input);
      case 'data':
        return this.#readData(state, input);
      default:
        return this.#skipPadding(state, input);
    }
  }

  #readHead(input: Buffer): number | Http2Fault {
    if (input.length < frameHeadBytes) return 0;
    const head = {
      length: (input[0]! << 16) | (input[1]! << 8) | input[2]!,
      type: input[3]!,
      flags: input[4]!,
      streamId: ((input[5]! & 0x7f) << 24) | (input[6]! << 16) | (input[7]! << 8) | input[8]!,
    };
    if (head.length > defaultFrameBytes) {
      return new Http2Fault(h2Codes.frameSizeError, `a frame of ${head.length} bytes, above SETTINGS_MAX_FRAME_SIZE`);
    }
    if (head.type !== frameTypes.data) {
      this.#state = { kind: 'payload', head };
      return frameHeadBytes;
    }
    const fault = this.#events.onDataBegin(head);
    if (fault !== null) return fault;
    const isPadded = (head.flags & frameFlags.padded) !== 0;
    this.#state = isPadded ? { kind: 'pad-length', head } : { kind: 'data', head, left: head.length, padding: 0 };
    return frameHeadBytes;
  }

  #readPayload(head: FrameHead, input: Buffer): number | Http2Fault {
    if (input.length < head.length) return 0;
    this.#state = awaitingHead;
    return this.#events.onFrame(head, input.subarray(0, head.length)) ?? head.length;
  }

  #readPadLength(head: FrameHead, input: Buffer): number | Http2Fault {
    if (head.length === 0) return new Http2Fault(h2Codes.frameSizeError, 'a padded frame without room for its padding');
    if (input.length === 0) return 0;
    const padding = input[0]!;
    if (padding >= head.length) return badPadding;
    this.#state = { kind: 'data', head, left: head.length - 1 - padding, padding };
    return 1;
  }

  #readData(state: Extract<State, { kind: 'data' }>, input: Buffer): number | Http2Fault {
    if (state.left === 0) {
      if (state.padding > 0) this.#state = { kind: 'padding', head: state.head, left: state.padding };
      return state.padding > 0 ? 0 : this.#endData(state.head);
    }
    if (input.length === 0) return 0;
    const count = Math.min(state.left, input.length);
    state.left -= count;
    const view = count === input.length ? input : input.subarray(0, count);
    return this.#events.onDataPiece(state.head.streamId, view) ?? count;
  }

  #skipPadding(state: Extract<State, { kind: 'padding' }>, input: Buffer): number | Http2Fault {
    if (state.left === 0) return this.#endData(state.head);
    const count = Math.min(state.left, input.length);
    state.left -= count;
    return count;
  }

  #endData(head: FrameHead): 0 | Http2Fault {
    this.#state = awaitingHead;
    return this.#events.onDataEnd(head) ?? 0;
  }
}

/** Data of a frame without its padding, and without the priority that HEADERS may begin with (§6.2); null: it has no room. */
export function fragmentOf(head: FrameHead, payload: Buffer): Buffer | null {
  let start = 0;
  let end = payload.length;
  if ((head.flags & frameFlags.padded) !== 0) {
    if (end === 0) return null;
    end -= payload[0]!;
    start = 1;
  }
  if ((head.flags & frameFlags.priority) !== 0) start += 5;
  return start > end ? null : payload.subarray(start, end);
}
