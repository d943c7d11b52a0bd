// HOT PATH (npm run bench -- --only h2). Writes the frames of one connection: what one turn of the event loop makes is one write, and one
// TLS record where it is short. Large pieces of data are copied together, as they come in a buffer that the next read writes over.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FrameSink } from '../../wire/http2/stream-sender.ts';

/** Data up to this size is joined to the text around it; above it the copies cost more than a second write. */
const smallBytes = 8 * 1024;
/** What is gathered as text at most. */
const textBytes = 64 * 1024;
/** Room for the frames of one read from a workload, with what was gathered before them. */
const scratchBytes = 192 * 1024;

/** One for all connections of a process: a writer that has octets in it writes them before another has it. */
export class FrameScratch {
  #buffer: Buffer | null = null;
  #holder: FrameWriter | null = null;

  /** For `writer`, until another asks. */
  take(writer: FrameWriter): Buffer {
    if (this.#holder !== writer) {
      this.#holder?.flush();
      this.#holder = writer;
    }
    this.#buffer ??= Buffer.allocUnsafeSlow(scratchBytes);
    return this.#buffer;
  }

  /** Nothing of it is in use. */
  release(): void {
    this.#holder = null;
  }

  /** What was written of it waits: the next one is another. */
  leave(): void {
    this.#buffer = null;
  }
}

export class FrameWriter implements FrameSink {
  readonly #socket: Socket;
  readonly #scratch: FrameScratch;
  readonly #encrypts: boolean;
  #text = '';
  /** Octets in the scratch. */
  #filled = 0;
  #isAsked = false;

  constructor(socket: Socket, scratch: FrameScratch) {
    this.#socket = socket;
    this.#scratch = scratch;
    this.#encrypts = socket instanceof TLSSocket;
  }

  /** The peer does not take what was written. */
  get isBusy(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Octets that the kernel has not taken. */
  get pendingBytes(): number {
    return this.#socket.writableLength + this.#filled + this.#text.length;
  }

  text(frames: string): void {
    this.#text += frames;
    if (this.#text.length > textBytes) this.flush();
    else this.#ask();
  }

  data(head: string, view: Buffer): void {
    if (this.#filled === 0 && view.length <= smallBytes) return this.text(head + view.toString('latin1'));
    const needed = this.#text.length + head.length + view.length;
    if (this.#filled + needed > scratchBytes) this.flush();
    const buffer = this.#scratch.take(this);
    this.#filled += buffer.write(this.#text + head, this.#filled, 'latin1');
    this.#text = '';
    this.#filled += view.copy(buffer, this.#filled);
    this.#ask();
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#filled > 0) this.#flushData();
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    if (!this.#socket.destroyed) this.#socket.write(text, 'latin1');
  }

  #flushData(): void {
    const socket = this.#socket;
    const buffer = this.#scratch.take(this);
    if (this.#text !== '' && this.#filled + this.#text.length <= scratchBytes) {
      this.#filled += buffer.write(this.#text, this.#filled, 'latin1');
      this.#text = '';
    }
    const frames = buffer.subarray(0, this.#filled);
    this.#filled = 0;
    this.#scratch.release();
    if (socket.destroyed) return;
    if (socket.writableLength > 0) return void socket.write(Buffer.from(frames));
    socket.write(frames);
    // TLS encrypts before a write returns; in the clear, the kernel has mostly taken all of it by then.
    if (!this.#encrypts && socket.writableLength > 0) this.#scratch.leave();
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    setImmediate(() => {
      this.#isAsked = false;
      this.flush();
    });
  }
}
