// Length-prefixed messages of gRPC over HTTP/2 (gRPC protocol, "Length-Prefixed-Message"): one flag byte, four bytes of
// length, the message. Pure: bytes in, messages out, however they were cut.

const prefixBytes = 5;

/** Why the bytes are refused; the reader takes no more after it. */
export type FrameFault =
  | { readonly kind: 'compressed' }
  | { readonly kind: 'too-large'; readonly bytes: number; readonly mostBytes: number };

/** Puts messages together. Holds at most one message of `mostBytes`, and what came with its last piece. */
export class MessageFrames {
  readonly #mostBytes: number;
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  #neededBytes = prefixBytes;
  #fault: FrameFault | null = null;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The messages that `bytes` complete, in order. */
  push(bytes: Uint8Array): Uint8Array[] {
    if (this.#fault !== null) return [];
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
    // Joined only once there is enough: a message that comes byte by byte must not be copied each time.
    const messages: Uint8Array[] = [];
    while (this.#heldBytes >= this.#neededBytes && this.#fault === null) this.#step(messages);
    return messages;
  }

  get fault(): FrameFault | null {
    return this.#fault;
  }

  /** True within a message: the stream must not end here. */
  get isWithin(): boolean {
    return this.#heldBytes > 0;
  }

  #step(messages: Uint8Array[]): void {
    const held = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    const length = new DataView(held.buffer, held.byteOffset).getUint32(1);
    if (held[0] !== 0) this.#fault = { kind: 'compressed' };
    else if (length > this.#mostBytes) this.#fault = { kind: 'too-large', bytes: length, mostBytes: this.#mostBytes };
    if (this.#fault !== null) return this.#hold(new Uint8Array(0));
    const end = prefixBytes + length;
    if (held.length < end) {
      this.#hold(held);
      this.#neededBytes = end;
      return;
    }
    messages.push(held.subarray(prefixBytes, end));
    this.#hold(held.subarray(end));
  }

  #hold(rest: Uint8Array): void {
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#heldBytes = rest.length;
    this.#neededBytes = prefixBytes;
  }
}

/** A message with its prefix, uncompressed. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(prefixBytes + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}
