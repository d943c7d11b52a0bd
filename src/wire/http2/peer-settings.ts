// What a peer says about itself in SETTINGS (RFC 9113 §6.5).

import { defaultFrameBytes, defaultWindowBytes, h2Codes, maxWindowBytes } from './frame-types.ts';
import { hpackTableBytes } from './hpack-table.ts';
import { Http2Fault } from './http2-fault.ts';

/** Identifiers of settings (§6.5.2). */
export const settingIds = Object.freeze({
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  /** RFC 8441 §3. */
  enableConnectProtocol: 0x8,
} as const);

/** Bounds beside those of the RFC: nobody needs to say more at once. */
const settingsInFrame = 32;

export class PeerSettings {
  headerTableBytes = hpackTableBytes;
  maxStreams = Number.POSITIVE_INFINITY;
  windowBytes = defaultWindowBytes;
  maxFrameBytes = defaultFrameBytes;

  /** Takes the settings of one frame, in order. */
  apply(payload: Buffer, isServer: boolean): Http2Fault | null {
    if (payload.length % 6 !== 0) return new Http2Fault(h2Codes.frameSizeError, 'SETTINGS of a broken length');
    if (payload.length > settingsInFrame * 6)
      return new Http2Fault(h2Codes.enhanceYourCalm, 'too many settings in a frame');
    for (let at = 0; at < payload.length; at += 6) {
      const fault = this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2), isServer);
      if (fault !== null) return fault;
    }
    return null;
  }

  #set(id: number, value: number, isServer: boolean): Http2Fault | null {
    switch (id) {
      case settingIds.headerTableSize:
        this.headerTableBytes = value;
        return null;
      case settingIds.enablePush:
        // A server must not say 1 (§6.5.2).
        return value > (isServer ? 0 : 1) ? bad('SETTINGS_ENABLE_PUSH') : null;
      case settingIds.maxConcurrentStreams:
        this.maxStreams = value;
        return null;
      case settingIds.initialWindowSize:
        if (value > maxWindowBytes) return new Http2Fault(h2Codes.flowControlError, 'SETTINGS_INITIAL_WINDOW_SIZE');
        this.windowBytes = value;
        return null;
      case settingIds.maxFrameSize:
        if (value < defaultFrameBytes || value > 0xff_ffff) return bad('SETTINGS_MAX_FRAME_SIZE');
        this.maxFrameBytes = value;
        return null;
      default:
        return null;
    }
  }
}

function bad(name: string): Http2Fault {
  return new Http2Fault(h2Codes.protocolError, `${name} out of its range`);
}
