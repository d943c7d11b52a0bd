// What a plain caller speaks, by its first octets: HTTP/2 begins with a preface that no request of HTTP/1.1 begins with (RFC 9113 §3.4).
// What was looked at goes back into the socket, for whoever reads next.

import type { Socket } from 'node:net';
import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';

export interface SpokenProtocolParts {
  readonly wheel: TimerWheel;
  /** Time for a caller to say something, milliseconds. */
  readonly patienceMs: number;
  /** Called once, unless the caller goes before. */
  readonly onSpoken: (isHttp2: boolean) => void;
  /** The caller went, said nothing for too long, or was ended; its socket is closed. */
  readonly onGone: () => void;
}

const preface = Buffer.from('PRI ');

export class SpokenProtocol {
  readonly #socket: Socket;
  readonly #parts: SpokenProtocolParts;
  readonly #timer = new WheelEntry(() => this.end());
  #held: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(socket: Socket, parts: SpokenProtocolParts) {
    this.#socket = socket;
    this.#parts = parts;
    socket.on('readable', this.#onReadable);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onEnd);
    socket.on('close', this.#onEnd);
    parts.wheel.schedule(this.#timer, parts.patienceMs);
  }

  /** Ends the caller's connection. */
  end(): void {
    if (this.#isOver) return;
    this.#settle();
    this.#socket.on('error', () => {});
    this.#socket.destroy();
    this.#parts.onGone();
  }

  readonly #onReadable = (): void => {
    const bytes: Buffer | null = this.#socket.read();
    if (bytes === null) return;
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const begin = this.#held.subarray(0, preface.length);
    const isHttp2 = begin.equals(preface.subarray(0, begin.length));
    if (isHttp2 && begin.length < preface.length) return;
    this.#settle();
    this.#socket.unshift(this.#held);
    this.#parts.onSpoken(isHttp2);
  };

  readonly #onEnd = (): void => this.end();

  #settle(): void {
    this.#isOver = true;
    this.#parts.wheel.cancel(this.#timer);
    const socket = this.#socket;
    socket.off('readable', this.#onReadable);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onEnd);
    socket.off('close', this.#onEnd);
  }
}
