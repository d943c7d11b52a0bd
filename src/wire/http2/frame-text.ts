// HOT PATH (npm run bench). Frames as latin1 text, one character an octet (RFC 9113 §6): what one turn of the loop makes is joined
// and written once.

import { frameFlags, frameTypes, h2Codes } from './frame-types.ts';

/** The head of a frame. */
export function frameHead(
  length: number,
  kind: { readonly type: number; readonly flags: number },
  streamId: number,
): string {
  return (
    String.fromCharCode(length >> 16, (length >> 8) & 0xff, length & 0xff, kind.type, kind.flags) + uint32(streamId)
  );
}

/** HEADERS, and CONTINUATION where `block` is longer than one frame. */
export function headersFrames(
  streamId: number,
  block: string,
  form: { endStream: boolean; maxFrameBytes: number },
): string {
  const end = form.endStream ? frameFlags.endStream : 0;
  const most = form.maxFrameBytes;
  if (block.length <= most) {
    return frameHead(block.length, { type: frameTypes.headers, flags: end | frameFlags.endHeaders }, streamId) + block;
  }
  let text = frameHead(most, { type: frameTypes.headers, flags: end }, streamId) + block.slice(0, most);
  for (let at = most; at < block.length; at += most) {
    const part = block.slice(at, at + most);
    const flags = at + most >= block.length ? frameFlags.endHeaders : 0;
    text += frameHead(part.length, { type: frameTypes.continuation, flags }, streamId) + part;
  }
  return text;
}

/** The head of a DATA frame. */
export function dataHead(streamId: number, length: number, endStream: boolean): string {
  return frameHead(length, { type: frameTypes.data, flags: endStream ? frameFlags.endStream : 0 }, streamId);
}

export function rstStreamFrame(streamId: number, code: number): string {
  return frameHead(4, { type: frameTypes.rstStream, flags: 0 }, streamId) + uint32(code);
}

export function windowUpdateFrame(streamId: number, bytes: number): string {
  return frameHead(4, { type: frameTypes.windowUpdate, flags: 0 }, streamId) + uint32(bytes);
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): string {
  let payload = '';
  for (const [id, value] of settings) payload += String.fromCharCode(id >> 8, id & 0xff) + uint32(value);
  return frameHead(payload.length, { type: frameTypes.settings, flags: 0 }, 0) + payload;
}

export const settingsAckFrame = frameHead(0, { type: frameTypes.settings, flags: frameFlags.ack }, 0);

/** `opaque`: eight octets. */
export function pingFrame(opaque: string, isAck: boolean): string {
  return frameHead(8, { type: frameTypes.ping, flags: isAck ? frameFlags.ack : 0 }, 0) + opaque;
}

/** `detail` is for whoever reads the peer's log; none where nothing went wrong. */
export function goawayFrame(lastStreamId: number, code: number, detail: string): string {
  const told = code === h2Codes.noError ? '' : detail.slice(0, 128);
  return (
    frameHead(8 + told.length, { type: frameTypes.goaway, flags: 0 }, 0) + uint32(lastStreamId) + uint32(code) + told
  );
}

function uint32(value: number): string {
  return String.fromCharCode((value >>> 24) & 0xff, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}
