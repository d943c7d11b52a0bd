// HOT PATH (npm run bench). A ring of lines, bounded by their number and by their size. They are copied into one piece of
// memory: as strings they would live just long enough for the garbage collector to copy each of them twice.

/** How much a ring may hold. */
export interface LineRingOptions {
  readonly lines: number;
  readonly bytes: number;
}

export class LineRing {
  readonly #memory: Buffer;
  /** Where each line begins and ends in the memory. */
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  /** Slot of the next line, and where it goes. */
  #next = 0;
  #at = 0;
  #size = 0;

  constructor(options: LineRingOptions) {
    this.#memory = Buffer.allocUnsafeSlow(options.bytes);
    this.#starts = new Uint32Array(options.lines);
    this.#ends = new Uint32Array(options.lines);
  }

  get size(): number {
    return this.#size;
  }

  /** Copies a line; the oldest go where there is no room. A line larger than the ring is not kept. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > this.#memory.length) return;
    if (this.#size === this.#starts.length) this.#size--;
    if (this.#at + length > this.#memory.length) this.#turn();
    // The line that begins next behind us is the oldest, or lies in front of us, and all of those are newer.
    while (this.#size > 0 && this.#oldestStart >= this.#at && this.#oldestStart < this.#at + length) this.#size--;
    this.#memory.set(bytes.subarray(start, end), this.#at);
    this.#starts[this.#next] = this.#at;
    this.#at += length;
    this.#ends[this.#next] = this.#at;
    this.#next = this.#next + 1 === this.#starts.length ? 0 : this.#next + 1;
    this.#size++;
  }

  *newestFirst(): Generator<string> {
    const count = this.#starts.length;
    for (let back = 1; back <= this.#size; back++) {
      const slot = (this.#next - back + count) % count;
      yield this.#memory.toString('latin1', this.#starts[slot], this.#ends[slot]);
    }
  }

  /** The newest line that holds `text`. */
  find(text: string): string | undefined {
    for (const line of this.newestFirst()) if (line.includes(text)) return line;
    return undefined;
  }

  get #oldestStart(): number {
    const count = this.#starts.length;
    return this.#starts[(this.#next - this.#size + count) % count]!;
  }

  /** Begins at the front again: what still lies behind is older than all there. */
  #turn(): void {
    while (this.#size > 0 && this.#oldestStart >= this.#at) this.#size--;
    this.#at = 0;
  }
}
