// HOT PATH (npm run bench -- --only upload). The body of a request on its way to the workload. TLS gives 16 KiB at a time; a write of
// that size costs the kernel, and the waking of the workload, nearly as much as one of four times as much. So large pieces of
// one turn of the event loop go in one write.

import { chunkHeader } from '../wire/chunk.ts';

/** Where the body goes. */
export interface BodyTarget {
  /** Bytes that were written and not yet taken by the kernel. */
  readonly pendingBytes: number;
  /** False asks to wait. */
  write(data: string | Buffer): boolean;
  cork(): void;
  uncork(): void;
}

/** What is gathered at most. */
const gatherBytes = 64 * 1024;
/** A smaller piece goes at once where nothing waits: copying it into a large buffer would cost more than it saves. */
const largeBytes = 8 * 1024;

/** A write that the kernel takes at once leaves its buffer to the next, so one is enough for nearly all bodies of a pool. */
export class BodyBuffers {
  #spare: Buffer | null = null;

  take(): Buffer {
    const buffer = this.#spare ?? Buffer.allocUnsafeSlow(gatherBytes);
    this.#spare = null;
    return buffer;
  }

  giveBack(buffer: Buffer): void {
    this.#spare = buffer;
  }
}

export class GatheredBody {
  readonly #target: BodyTarget;
  readonly #buffers: BodyBuffers;
  readonly #isChunked: boolean;
  readonly #onBusy: () => void;
  #buffer: Buffer | null = null;
  #filled = 0;
  #isAsked = false;
  #isOver = false;

  /** `onBusy` is called where the target asks to wait after `add` has returned. */
  constructor(
    target: BodyTarget,
    options: { readonly buffers: BodyBuffers; readonly isChunked: boolean; readonly onBusy: () => void },
  ) {
    this.#target = target;
    this.#buffers = options.buffers;
    this.#isChunked = options.isChunked;
    this.#onBusy = options.onBusy;
  }

  /** Takes a piece, which may be written over afterwards; false asks to wait until the target drains. */
  add(piece: Buffer): boolean {
    if (this.#filled === 0 && piece.length < largeBytes) return this.#write(Buffer.from(piece));
    let more = true;
    let taken = 0;
    while (taken < piece.length) {
      this.#buffer ??= this.#buffers.take();
      const count = piece.copy(this.#buffer, this.#filled, taken);
      this.#filled += count;
      taken += count;
      if (this.#filled === gatherBytes) more = this.flush();
    }
    if (this.#filled > 0) this.#askTurn();
    return more;
  }

  /** Writes what was gathered; false asks to wait until the target drains. */
  flush(): boolean {
    const buffer = this.#buffer;
    if (buffer === null || this.#isOver) return true;
    const more = this.#write(buffer.subarray(0, this.#filled));
    this.#buffer = null;
    this.#filled = 0;
    if (this.#target.pendingBytes === 0) this.#buffers.giveBack(buffer);
    return more;
  }

  /** What was gathered goes nowhere. */
  stop(): void {
    this.#isOver = true;
    this.#buffer = null;
  }

  #askTurn(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    setImmediate(() => {
      this.#isAsked = false;
      if (!this.flush()) this.#onBusy();
    });
  }

  #write(bytes: Buffer): boolean {
    const target = this.#target;
    if (!this.#isChunked) return target.write(bytes);
    target.cork();
    target.write(chunkHeader(bytes.length));
    target.write(bytes);
    const more = target.write('\r\n');
    target.uncork();
    return more;
  }
}
