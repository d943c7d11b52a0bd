// The numbers of HTTP/2 (RFC 9113 §6, §7, §6.5.2).

/** Types of frames; others are ignored (§5.5). */
export const frameTypes = Object.freeze({
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const);

/** Flags of frames; `ack` and `endStream` are the same bit of different types. */
export const frameFlags = Object.freeze({ endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 });

/** Why a stream or a connection ends (§7). */
export const h2Codes = Object.freeze({
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  enhanceYourCalm: 0xb,
} as const);

/** Bytes of the head of each frame. */
export const frameHeadBytes = 9;
/** The payload that both sides take unless they say more, and all that we take (§4.2). */
export const defaultFrameBytes = 16_384;
/** Credit that a window begins with (§6.9.2). */
export const defaultWindowBytes = 65_535;
/** No window may hold more (§6.9.1). */
export const maxWindowBytes = 0x7fff_ffff;
/** What a client sends before anything else (§3.4). */
export const clientPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
