// Rows for COPY, made as they are read, and the digest of what came: a table of any size needs no memory of its size.

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** `bytes` of rows `number<TAB>text`, in pieces of some 64 KiB, whole rows each. */
export function rowsOf(bytes: number): Readable {
  let row = 0;
  let made = 0;
  return new Readable({
    read() {
      if (made >= bytes) return void this.push(null);
      let piece = '';
      while (piece.length < 65_536 && made + piece.length < bytes) {
        piece += `${row}\t${String(row * 7919).padEnd(118, 'abcdefghijklm')}\n`;
        row++;
      }
      made += piece.length;
      this.push(piece);
    },
  });
}

/** Bytes and SHA-256 of all that a stream gives. */
export async function digestOf(
  stream: AsyncIterable<unknown>,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of stream) {
    const octets = Buffer.from(piece as Buffer);
    bytes += octets.length;
    hash.update(octets);
  }
  return { bytes, sha256: hash.digest('hex') };
}
