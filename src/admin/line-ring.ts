// HOT PATH (npm run bench). A ring of lines, bounded by their number and by their size.

/** How much a ring may hold. */
export interface LineRingOptions {
  readonly lines: number;
  readonly chars: number;
}

export class LineRing {
  readonly #slots: (string | undefined)[];
  readonly #mostChars: number;
  /** Slot of the next line. */
  #next = 0;
  #size = 0;
  #chars = 0;

  constructor(options: LineRingOptions) {
    this.#slots = new Array<string | undefined>(options.lines).fill(undefined);
    this.#mostChars = options.chars;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a line; the oldest go where there is no room. A line larger than the ring is not kept. */
  add(line: string): void {
    if (line.length > this.#mostChars) return;
    if (this.#size === this.#slots.length) this.#dropOldest();
    while (this.#chars + line.length > this.#mostChars) this.#dropOldest();
    this.#slots[this.#next] = line;
    this.#next = this.#next + 1 === this.#slots.length ? 0 : this.#next + 1;
    this.#size++;
    this.#chars += line.length;
  }

  *newestFirst(): Generator<string> {
    const count = this.#slots.length;
    for (let back = 1; back <= this.#size; back++) yield this.#slots[(this.#next - back + count) % count]!;
  }

  /** The newest line that holds `text`. */
  find(text: string): string | undefined {
    for (const line of this.newestFirst()) if (line.includes(text)) return line;
    return undefined;
  }

  #dropOldest(): void {
    const count = this.#slots.length;
    const oldest = (this.#next - this.#size + count) % count;
    this.#chars -= this.#slots[oldest]!.length;
    this.#slots[oldest] = undefined;
    this.#size--;
  }
}
