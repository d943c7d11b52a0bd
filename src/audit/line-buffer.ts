// HOT PATH (bench/audit.bench.ts). The lines of a batch as the bytes that will be written, one behind the other: a line
// that is first a string of its own is copied twice more, and costs the garbage collector as much again.

/** Room to begin with, and how much is kept after a burst, bytes. */
const firstBytes = 256 * 1024;
const mostKeptBytes = 2 * 1024 * 1024;

export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #end = 0;

  /** Where the next byte goes. */
  get end(): number {
    return this.#end;
  }

  /** Appends ASCII text. */
  text(ascii: string): void {
    const end = this.#end + ascii.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.write(ascii, this.#end, 'latin1');
    this.#end = end;
  }

  /** Appends text that was encoded before. */
  copy(encoded: Uint8Array): void {
    const end = this.#end + encoded.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(encoded, this.#end);
    this.#end = end;
  }

  /** Drops everything from `end` on. */
  cut(end: number): void {
    this.#end = end;
  }

  /** The bytes from `start` on, until the next change. */
  view(start: number): Buffer {
    return this.#bytes.subarray(start, this.#end);
  }

  /** Begins anew; gives back what a burst took. */
  clear(): void {
    this.#end = 0;
    if (this.#bytes.length > mostKeptBytes) this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
  }

  #grow(end: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(end + firstBytes, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

/** The bytes of ASCII text, in memory of their own, for `copy`. */
export function encodedOnce(ascii: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(ascii.length);
  bytes.write(ascii, 'latin1');
  return bytes;
}
