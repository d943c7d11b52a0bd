// HOT PATH (npm run bench -- --only h2). Writes the frames of one connection: what one turn of the event loop makes is one write, and one
// TLS record where it is short. Large pieces of data do not wait: they come in a buffer that the next read writes over.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FrameSink } from '../../wire/http2/stream-sender.ts';

/** Data up to this size is joined to the text around it; above it the copies cost more than a second write. */
const smallBytes = 8 * 1024;
/** What is gathered as text at most. */
const textBytes = 64 * 1024;
/** Room for the frames of one read from a workload, with what was gathered before them. */
const scratchBytes = 192 * 1024;

/** One for all connections of a process: it is used within a call only. */
export class FrameScratch {
  #buffer: Buffer | null = null;

  get buffer(): Buffer {
    this.#buffer ??= Buffer.allocUnsafeSlow(scratchBytes);
    return this.#buffer;
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
    return this.#socket.writableLength + this.#text.length;
  }

  text(frames: string): void {
    this.#text += frames;
    if (this.#text.length > textBytes) this.flush();
    else this.#ask();
  }

  data(head: string, view: Buffer): void {
    if (this.#filled === 0 && view.length <= smallBytes) return this.text(head + view.toString('latin1'));
    const needed = this.#text.length + head.length + view.length;
    if (this.#filled + needed > scratchBytes) this.dataDone();
    const { buffer } = this.#scratch;
    this.#filled += buffer.write(this.#text + head, this.#filled, 'latin1');
    this.#text = '';
    this.#filled += view.copy(buffer, this.#filled);
  }

  dataDone(): void {
    const count = this.#filled;
    if (count === 0) return;
    this.#filled = 0;
    const socket = this.#socket;
    if (socket.destroyed) return;
    const frames = this.#scratch.buffer.subarray(0, count);
    // While nothing is queued, TLS encrypts before a write returns; else, and in the clear, it may wait.
    socket.write(this.#encrypts && socket.writableLength === 0 ? frames : Buffer.from(frames));
  }

  /** Writes what was gathered. */
  flush(): void {
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    if (!this.#socket.destroyed) this.#socket.write(text, 'latin1');
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
