// HOT PATH (npm run bench). Chunked framing, written (RFC 9112 §7.1).

/** The line before the data of a chunk; never for 0 bytes, which would end the body. */
export function chunkHeader(size: number): string {
  return `${size.toString(16)}\r\n`;
}

/** The end of a body; `trailers` are whole lines. */
export function lastChunk(trailers: string): string {
  return `0\r\n${trailers}\r\n`;
}
