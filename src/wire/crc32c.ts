// CRC-32C (Castagnoli, RFC 9260 Appendix A), as the checksum of PROXY headers. Short inputs only: bit by bit, without a table.

const polynomial = 0x82f63b78;

/** The checksum as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
