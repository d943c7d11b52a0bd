// HOT PATH (npm run bench). Unread input of a parser. What arrives whole is read in place; what arrives in pieces
// gathers in a buffer that doubles, so that a head sent byte by byte costs no more than its length.

const none = Buffer.alloc(0);
const crlf = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

export class MessageBuffer {
  #bytes: Buffer = none;
  #start = 0;
  #end = 0;
  /** The bytes are our own, and there may be room behind `#end`. */
  #isOwn = false;
  /** How far the search for the end of a head has looked, relative to `#start`. */
  #searched = 0;
  /** How far the search for a CR or LF out of place has looked. */
  #checked = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Appends the first `count` octets; `bytes` is not copied while nothing waits. */
  push(bytes: Buffer, count: number): void {
    if (this.#start === this.#end) {
      this.#bytes = bytes;
      this.#start = 0;
      this.#end = count;
      this.#isOwn = false;
      return;
    }
    this.#reserve(count);
    bytes.copy(this.#bytes, this.#end, 0, count);
    this.#end += count;
  }

  /** Copies what waits, where it is a view of somebody else's buffer that will be written over. */
  keep(): void {
    if (!this.#isOwn && this.#start !== this.#end) this.#reserve(0);
  }

  /** Octets before the next CRLFCRLF, or -1. Looks only at what is new since it last said -1. */
  findHeadEnd(): number {
    const from = this.#start + Math.max(0, this.#searched - headEnd.length + 1);
    const at = this.#bytes.indexOf(headEnd, from);
    // The buffer may hold old bytes behind the end.
    if (at >= 0 && at + headEnd.length <= this.#end) return at - this.#start;
    this.#searched = this.length;
    return -1;
  }

  /** True when a whole line begins at the start and is not longer than `limit`, without its CRLF. */
  hasLineWithin(limit: number): boolean {
    const at = this.#bytes.indexOf(crlf, this.#start);
    return at >= 0 && at + crlf.length <= this.#end && at - this.#start <= limit;
  }

  /** True when a CR or LF stands outside a CRLF; a CR at the very end may yet be completed. Looks only at what is new. */
  hasStrayLineEnd(): boolean {
    for (let at = this.#start + this.#checked; at < this.#end; at++) {
      const isAfterReturn = at > this.#start && this.#bytes[at - 1] === carriageReturn;
      if ((this.#bytes[at] === lineFeed) !== isAfterReturn) return true;
    }
    this.#checked = this.length;
    return false;
  }

  /** The octet at `index`, or -1 beyond the end. */
  at(index: number): number {
    return this.#start + index < this.#end ? this.#bytes[this.#start + index]! : -1;
  }

  /** Takes `count` octets as latin1 text and drops `skip` after them. */
  takeText(count: number, skip: number): string {
    const text = this.#bytes.toString('latin1', this.#start, this.#start + count);
    this.#advance(count + skip);
    return text;
  }

  /** Takes up to `count` octets as a view. */
  takeView(count: number): Buffer {
    const size = Math.min(count, this.length);
    const view = this.#bytes.subarray(this.#start, this.#start + size);
    this.#advance(size);
    return view;
  }

  clear(): void {
    this.#bytes = none;
    this.#start = 0;
    this.#end = 0;
    this.#searched = 0;
    this.#checked = 0;
    this.#isOwn = false;
  }

  #advance(count: number): void {
    this.#start += count;
    this.#searched = 0;
    this.#checked = 0;
    if (this.#start === this.#end) this.clear();
  }

  #reserve(more: number): void {
    const length = this.length;
    if (this.#isOwn && this.#end + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(1024, 2 * (length + more)));
    this.#bytes.copy(grown, 0, this.#start, this.#end);
    this.#bytes = grown;
    this.#start = 0;
    this.#end = length;
    this.#isOwn = true;
  }
}
