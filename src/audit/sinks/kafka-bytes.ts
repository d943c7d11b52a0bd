// Primitives of the Kafka protocol, in the form of before "flexible" versions: big-endian numbers, strings and arrays
// behind their length; and the varints of records.

/** Writes into a buffer that grows. */
export class KafkaWriter {
  #bytes = Buffer.allocUnsafe(4096);
  #end = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  int8(value: number): this {
    this.#room(1).writeInt8(value, this.#end);
    return this.#past(1);
  }

  int16(value: number): this {
    this.#room(2).writeInt16BE(value, this.#end);
    return this.#past(2);
  }

  int32(value: number): this {
    this.#room(4).writeInt32BE(value, this.#end);
    return this.#past(4);
  }

  uint32(value: number): this {
    this.#room(4).writeUInt32BE(value, this.#end);
    return this.#past(4);
  }

  int64(value: bigint): this {
    this.#room(8).writeBigInt64BE(value, this.#end);
    return this.#past(8);
  }

  /** Null is a string that is not there. */
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value);
    return this.int16(bytes.length).raw(bytes);
  }

  /** Behind their length. */
  block(bytes: Buffer): this {
    return this.int32(bytes.length).raw(bytes);
  }

  /** Zigzag, base 128; of a safe integer. */
  varint(value: number): this {
    let rest = value >= 0 ? value * 2 : -value * 2 - 1;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.int8(((rest % 128) | 128) - 256);
    return this.int8(rest);
  }

  raw(bytes: Buffer): this {
    bytes.copy(this.#room(bytes.length), this.#end);
    return this.#past(bytes.length);
  }

  #room(count: number): Buffer {
    const needed = this.#end + count;
    if (needed > this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(bytes, 0, 0, this.#end);
      this.#bytes = bytes;
    }
    return this.#bytes;
  }

  #past(count: number): this {
    this.#end += count;
    return this;
  }
}

/** Reads what a broker says; throws a RangeError where that is cut off. */
export class KafkaReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  boolean(): boolean {
    return this.#bytes.readInt8(this.#pass(1)) !== 0;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#pass(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#pass(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#pass(8));
  }

  string(): string {
    const length = this.int16();
    if (length < 0) return '';
    const start = this.#pass(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** One that is not there is an empty one. */
  array<T>(read: (reader: KafkaReader) => T): T[] {
    const count = this.int32();
    // Each item takes a byte at least, so that a number alone takes no memory.
    if (count > this.#bytes.length - this.#at) throw new RangeError('an array is longer than the message');
    const items: T[] = [];
    for (let index = 0; index < count; index += 1) items.push(read(this));
    return items;
  }

  #pass(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) throw new RangeError('the message is cut off');
    this.#at += count;
    return start;
  }
}
