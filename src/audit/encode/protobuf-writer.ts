// Writes protobuf into one buffer that is used again: a list of pieces for each message, as Buf's writer has it, costs
// several times as much.

const ascii = 0x7f;
/** Strings up to here are copied faster by ourselves than by Node. */
const shortText = 64;
const longestVarint = 10;
const lengthDelimited = 2;

export class ProtobufWriter {
  #bytes: Buffer;
  #end = 0;

  /** `room` for so many bytes to begin with. */
  constructor(room: number) {
    this.#bytes = Buffer.allocUnsafe(room);
  }

  /** What was written, until the next `clear`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  clear(): void {
    this.#end = 0;
  }

  /** A safe integer; a negative one as the two's complement of 64 bits. */
  varint(value: number): void {
    this.#room(longestVarint);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.#bytes[this.#end++] = Number(rest & 127n) | 128;
      this.#bytes[this.#end++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#end++] = (rest % 128) | 128;
    this.#bytes[this.#end++] = rest;
  }

  fixed32(value: number): void {
    this.#room(4);
    this.#end = this.#bytes.writeUInt32LE(value, this.#end);
  }

  fixed64(value: bigint): void {
    this.#room(8);
    this.#end = this.#bytes.writeBigUInt64LE(value, this.#end);
  }

  double(value: number): void {
    this.#room(8);
    this.#end = this.#bytes.writeDoubleLE(value, this.#end);
  }

  /** As they are. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Behind its length. */
  string(text: string): void {
    if (text.length <= shortText && this.#shortAscii(text)) return;
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.#room(length);
    this.#end += this.#bytes.write(text, this.#end);
  }

  /** A field of bytes or of a message that is ready. */
  block(field: number, bytes: Uint8Array): void {
    this.varint(field * 8 + lengthDelimited);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** A field of text. */
  text(field: number, text: string): void {
    this.varint(field * 8 + lengthDelimited);
    this.string(text);
  }

  /** Begins a field of a message: what is written up to `close` of the answer is in it. */
  open(field: number): number {
    this.varint(field * 8 + lengthDelimited);
    this.#room(1);
    return ++this.#end;
  }

  /** Ends it. Its length stands before it: most take one byte, and what is longer is moved. */
  close(start: number): void {
    const length = this.#end - start;
    if (length < 128) {
      this.#bytes[start - 1] = length;
      return;
    }
    const extra = lengthOfVarint(length) - 1;
    this.#room(longestVarint);
    this.#bytes.copyWithin(start + extra, start, this.#end);
    this.#end = start - 1;
    this.varint(length);
    this.#end += length;
  }

  #shortAscii(text: string): boolean {
    this.#room(shortText + 1);
    const bytes = this.#bytes;
    const start = this.#end + 1;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > ascii) return false;
      bytes[start + index] = code;
    }
    bytes[start - 1] = text.length;
    this.#end = start + text.length;
    return true;
  }

  #room(count: number): void {
    const needed = this.#end + count;
    if (needed <= this.#bytes.length) return;
    const bytes = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(bytes, 0, 0, this.#end);
    this.#bytes = bytes;
  }
}

function lengthOfVarint(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1;
  return length;
}
