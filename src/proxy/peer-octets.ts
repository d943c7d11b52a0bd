// HOT PATH (npm run bench). The octets of a peer's connection: what is written to it, and when it is read.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Takes what is written to a peer; false asks to wait until the peer takes more. */
export interface OctetSink {
  writeText(text: string): boolean;
  /** Sends a view that is valid during the call only, between two texts. */
  writeView(before: string, view: Buffer, after: string): boolean;
  /** Sends no more than what is queued; the peer still may send. */
  end(): void;
}

/** What is read ahead of the request being served; above it reading stops. */
const readAheadBytes = 64 * 1024;

export class PeerOctets implements OctetSink {
  readonly #socket: Socket;
  readonly #encrypts: boolean;
  /** The workload does not take the body; reading waits for it. */
  #isHeld = false;
  #pendingAtLook = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#encrypts = socket instanceof TLSSocket;
  }

  /** Bytes that the kernel has not taken yet. */
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  writeText(text: string): boolean {
    return this.#socket.destroyed || this.#socket.write(text, 'latin1');
  }

  writeView(before: string, view: Buffer, after: string): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return true;
    // While nothing is queued, a write is encrypted before it returns, and the view needs no copy; else, and in the clear,
    // it may wait in a queue, and the next read would write over it.
    const bytes = this.#encrypts && socket.writableLength === 0 ? view : Buffer.from(view);
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    let more = socket.write(bytes);
    if (after !== '') more = socket.write(after, 'latin1');
    socket.uncork();
    return more;
  }

  end(): void {
    this.#socket.end();
  }

  /** Reads no more until the workload takes what there is. */
  hold(): void {
    this.#isHeld = true;
    this.#socket.pause();
  }

  /** The workload takes bytes again; `aheadBytes` were read and are not used yet. */
  release(aheadBytes: number): void {
    this.#isHeld = false;
    this.readOn(aheadBytes);
  }

  /** Nobody takes a body any more, so nothing waits for it. */
  free(): void {
    this.#isHeld = false;
  }

  /** Reads on where neither the workload nor what was read ahead stands against it. */
  readOn(aheadBytes: number): void {
    if (this.#isHeld || !this.#socket.isPaused()) return;
    if (aheadBytes <= readAheadBytes) this.#socket.resume();
  }

  /** Stops reading where too much was read ahead. */
  bound(aheadBytes: number): void {
    if (aheadBytes > readAheadBytes) this.#socket.pause();
  }

  /** The peer took none of what is left since the last look, or there is nothing. */
  isStuck(): boolean {
    const pending = this.#socket.writableLength;
    if (pending === 0 || pending === this.#pendingAtLook) return true;
    this.#pendingAtLook = pending;
    return false;
  }
}
