// HOT PATH (npm run bench). What request and response parsers share: when to go on, and the body (RFC 9112 §6, §7). A
// state machine over unread input; every state takes what it can and says whether more could be done.
//
// States: `head` waits for a whole head; `length`, `chunk-size`, `chunk-data`, `chunk-end`, `trailers`, `until-close`
// are parts of a body; `complete` waits for `resume()`; `stopped` takes nothing any more.

import { parseFieldLines } from './field-lines.ts';
import type { FieldList } from './field-list.ts';
import { isFramingTwin } from './folded-key.ts';
import type { HeadLimits } from './head-limits.ts';
import { MessageBuffer } from './message-buffer.ts';
import { isHexOctet } from './octets.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

type State =
  | 'head'
  | 'length'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailers'
  | 'until-close'
  | 'complete'
  | 'stopped';

/** Digits of a chunk size, zeros in front included: 14 hex digits could pass 2^53. */
const chunkDigits = 13;

export abstract class MessageReader {
  protected readonly limits: HeadLimits;
  protected readonly buffer = new MessageBuffer();
  #state: State = 'head';
  #left = 0;
  #paused = false;
  #running = false;
  #inputEnded = false;

  constructor(limits: HeadLimits) {
    this.limits = limits;
  }

  /** Octets that arrived and were not read yet. */
  get bufferedBytes(): number {
    return this.buffer.length;
  }

  /** Takes no more input until `resume()`; effective at once, within a callback too. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on with what was kept. Within a callback it only clears the pause: the loop above goes on. */
  resume(): void {
    this.#paused = false;
    if (this.#state === 'complete') this.#state = 'head';
    this.run();
  }

  /** Ends for good; nothing is reported any more. */
  stop(): void {
    this.#state = 'stopped';
    this.buffer.clear();
  }

  /** Takes what was not read, for whoever goes on with the connection after an upgrade. */
  takeRemainder(): Buffer {
    const rest = Buffer.from(this.buffer.takeView(this.buffer.length));
    this.stop();
    return rest;
  }

  /**
   * The sender closed its side. `complete`: a body that ends with the connection did. `pending`: the parser is paused;
   * what waits is read at `resume()`, and reported as truncated if it proves to be.
   */
  protected endInput(): 'idle' | 'complete' | 'truncated' | 'pending' {
    this.#inputEnded = true;
    if (this.#state === 'stopped' || this.isBetweenMessages) return 'idle';
    if (this.#paused || this.#state === 'complete') return 'pending';
    if (this.#state !== 'until-close') return 'truncated';
    this.#end(null);
    return 'complete';
  }

  protected abstract readHead(): boolean;
  protected abstract emitBody(bytes: Buffer): void;
  protected abstract emitEnd(trailers: FieldList | null): void;
  protected abstract emitFault(fault: WireFault): void;

  protected get state(): State {
    return this.#state;
  }

  /** Between messages, or before the first octet of one. */
  protected get isBetweenMessages(): boolean {
    return (this.#state === 'head' || this.#state === 'complete') && this.buffer.length === 0;
  }

  protected get isWithinBody(): boolean {
    return this.#state !== 'head' && this.#state !== 'complete' && this.#state !== 'stopped';
  }

  protected enterBody(framing: 'none' | 'length' | 'chunked' | 'close', length: number): void {
    this.#left = length;
    if (framing === 'chunked') this.#state = 'chunk-size';
    else if (framing === 'close') this.#state = 'until-close';
    else this.#state = 'length';
  }

  protected fail(fault: WireFault): false {
    if (this.#state === 'stopped') return false;
    this.stop();
    this.emitFault(fault);
    return false;
  }

  /** True when a section is longer than `limit`, or will be: 3 octets of its end may have come already. */
  protected exceeds(limit: number, length: number): boolean {
    return length < 0 ? this.buffer.length - 3 > limit : length > limit;
  }

  /** Fails with the fault of a whole section, or with what it would have failed with had it come in pieces. */
  protected failSection(text: string, fault: WireFault): false {
    return this.fail(/\r(?!\n)|(?<!\r)\n/.test(text) ? strayLineEnd() : fault);
  }

  /** An unfinished head or trailer section with a bare CR or LF would never end: it is refused without a wait. */
  protected refuseStrayLineEnd(): false {
    if (!this.buffer.hasStrayLineEnd()) return false;
    return this.fail(strayLineEnd());
  }

  protected run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (!this.#paused && this.#step());
    } finally {
      this.#running = false;
    }
    if (this.#inputEnded && !this.#paused) this.#finishInput();
  }

  /** What waited was read, and no more will come. */
  #finishInput(): void {
    if (this.#state === 'until-close') this.#end(null);
    else if (this.isWithinBody || (this.#state === 'head' && this.buffer.length > 0)) {
      this.fail(new WireFault('ERR_WIRE_TRUNCATED', 'the sender closed within a message'));
    }
  }

  /** One state's work; false when it needs more input. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.readHead();
      case 'length':
        return this.#readLength();
      case 'chunk-size':
        return this.#readChunkSize();
      case 'chunk-data':
        return this.#readChunkData();
      case 'chunk-end':
        return this.#readChunkEnd();
      case 'trailers':
        return this.#readTrailers();
      case 'until-close':
        return this.#readUntilClose();
      default:
        return false;
    }
  }

  #end(trailers: FieldList | null): boolean {
    this.#state = 'complete';
    this.emitEnd(trailers);
    return this.state === 'head';
  }

  #readLength(): boolean {
    if (this.#left === 0) return this.#end(null);
    if (this.buffer.length === 0) return false;
    const bytes = this.buffer.takeView(this.#left);
    this.#left -= bytes.length;
    this.emitBody(bytes);
    return true;
  }

  #readUntilClose(): boolean {
    if (this.buffer.length === 0) return false;
    this.emitBody(this.buffer.takeView(this.buffer.length));
    return true;
  }

  /** `chunk-size CRLF`, without extensions: nobody between services uses them, and they were smuggled through before. */
  #readChunkSize(): boolean {
    let digits = 0;
    while (digits <= chunkDigits && isHexOctet(this.buffer.at(digits))) digits++;
    const after = this.buffer.at(digits);
    if (digits > chunkDigits) return this.#badChunk('chunk size that is too long', digits);
    if (after === -1) return false;
    if (digits === 0 || after !== 0x0d) return this.#badChunk('chunk line that is not `size CRLF`', digits + 1);
    const next = this.buffer.at(digits + 1);
    if (next === -1) return false;
    if (next !== 0x0a) return this.#badChunk('chunk line that does not end in CRLF', digits + 2);
    this.#left = Number.parseInt(this.buffer.takeText(digits, 2), 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
    return true;
  }

  #readChunkData(): boolean {
    if (this.buffer.length === 0) return false;
    const bytes = this.buffer.takeView(this.#left);
    this.#left -= bytes.length;
    if (this.#left === 0) this.#state = 'chunk-end';
    this.emitBody(bytes);
    return true;
  }

  #readChunkEnd(): boolean {
    const first = this.buffer.at(0);
    const second = this.buffer.at(1);
    if (first === -1) return false;
    if (first !== 0x0d || (second !== -1 && second !== 0x0a))
      return this.#badChunk('octets after the data of a chunk', 2);
    if (second === -1) return false;
    this.buffer.takeView(2);
    this.#state = 'chunk-size';
    return true;
  }

  /** An empty section is a lone CRLF; else it ends like a head. */
  #readTrailers(): boolean {
    if (this.buffer.at(0) === 0x0d) {
      if (this.buffer.at(1) === -1) return false;
      if (this.buffer.at(1) !== 0x0a) return this.#badChunk('carriage return after the last chunk', 2);
      this.buffer.takeView(2);
      return this.#end(null);
    }
    const length = this.buffer.findHeadEnd();
    if (this.exceeds(this.limits.trailerBytes, length)) {
      return this.fail(new WireFault('ERR_WIRE_HEAD_TOO_LARGE', 'the trailer section is too large', 431));
    }
    if (length < 0) return this.refuseStrayLineEnd();
    const text = this.buffer.takeText(length + 2, 2);
    const trailers = parseFieldLines(text, 0, this.limits.fieldCount);
    if (trailers instanceof WireFault) return this.failSection(text, trailers);
    const twin = trailers.keys.find(isFramingTwin);
    if (twin !== undefined) return this.fail(new WireFault('ERR_WIRE_FIELD_INVALID', `trailer ${shownBytes(twin)}`));
    return this.#end(trailers);
  }

  #badChunk(what: string, count: number): false {
    const shown = this.buffer.takeText(Math.min(count, this.buffer.length), 0);
    return this.fail(new WireFault('ERR_WIRE_CHUNK_INVALID', `${what}: ${shownBytes(shown)}`));
  }
}

function strayLineEnd(): WireFault {
  return new WireFault('ERR_WIRE_FIELD_INVALID', 'a CR or LF that is not part of a CRLF');
}
