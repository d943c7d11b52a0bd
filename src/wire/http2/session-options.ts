// What one side of an HTTP/2 connection says of itself at its beginning (RFC 9113 §3.4, §6.5).

import { settingsFrame, windowUpdateFrame } from './frame-text.ts';
import { clientPreface, defaultWindowBytes } from './frame-types.ts';
import type { FieldBounds } from './hpack-decoder.ts';
import { settingIds } from './peer-settings.ts';

export interface SessionOptions {
  /** The peer begins streams; else we do. */
  readonly isServer: boolean;
  /** Streams that the peer may have open at once. */
  readonly maxStreams: number;
  readonly bounds: FieldBounds;
  /** Bytes that may be under way to us on one stream. */
  readonly streamWindowBytes: number;
  /** Bytes that may be under way to us on all together. */
  readonly connectionWindowBytes: number;
  /** By how much the windows of streams that keep moving may have grown, all together. */
  readonly growthBytes: number;
  /** Monotonic, milliseconds. */
  readonly nowMs: number;
}

/** The first frames of our side. */
export function openingFrames(options: SessionOptions): string {
  const settings: (readonly [number, number])[] = [[settingIds.maxHeaderListSize, options.bounds.listBytes]];
  if (options.isServer) {
    settings.push([settingIds.maxConcurrentStreams, options.maxStreams], [settingIds.enableConnectProtocol, 1]);
  } else settings.push([settingIds.enablePush, 0]);
  if (options.streamWindowBytes !== defaultWindowBytes) {
    settings.push([settingIds.initialWindowSize, options.streamWindowBytes]);
  }
  const more = options.connectionWindowBytes - defaultWindowBytes;
  const text = settingsFrame(settings) + (more > 0 ? windowUpdateFrame(0, more) : '');
  return options.isServer ? text : clientPreface + text;
}
