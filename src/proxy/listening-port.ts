// The socket that a listener accepts on. Closing a socket resets the connections that the kernel has completed and nobody
// has accepted yet, so stopping first accepts what waits: it closes after a turn of the loop in which none came.

import net from 'node:net';
import { type BindOptions, bindServer } from '../lib/bind-server.ts';
import { formatAddress } from '../lib/socket-address.ts';

export interface ListeningPortParts {
  readonly onConnection: (socket: net.Socket) => void;
  readonly onFault: (error: unknown) => void;
}

/** A peer that vanished without a word is found by the kernel after some 40 s of silence, also where no limit applies. */
const socketOptions = Object.freeze({
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
});
/** Under a flood there is always somebody who waits; milliseconds. */
const mostStopMs = 500;

export class ListeningPort {
  readonly #parts: ListeningPortParts;
  #server: net.Server;
  #accepted = 0;
  #stopping: Promise<void> | null = null;

  constructor(parts: ListeningPortParts) {
    this.#parts = parts;
    this.#server = net.createServer(socketOptions);
    this.#attach();
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** As bound: a port of 0 has become a real one. Empty while not bound. */
  get address(): string {
    const address = this.#server.address();
    if (address === null) return '';
    if (typeof address === 'string') return formatAddress({ kind: 'unix', path: address });
    return formatAddress({ kind: 'tcp', host: address.address, port: address.port });
  }

  /** @throws PosternError ERR_LISTEN naming the address and the mend */
  async bind(options: BindOptions): Promise<void> {
    await bindServer(this.#server, options);
  }

  /** Goes on where `from` accepted until now, which then listens no more: there is no moment in which nobody does. */
  takeOver(from: ListeningPort): void {
    const server = from.#server;
    server.removeAllListeners('connection').removeAllListeners('error');
    from.#server = net.createServer(socketOptions);
    this.#server = server;
    this.#attach();
  }

  /** Accepts what waits, then closes; resolves when it is closed. A second call joins the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Closes at once. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }

  #attach(): void {
    const { onConnection, onFault } = this.#parts;
    this.#server.on('connection', (socket: net.Socket) => {
      this.#accepted++;
      if (this.#isLost(socket)) socket.destroy();
      else onConnection(socket);
    });
    // Descriptors running out, or a peer that left before it was accepted, must not end the loop.
    this.#server.on('error', onFault);
  }

  /**
   * Who reset a connection before it was accepted: the kernel says no more from where it came, but still gives what was sent.
   * Without an address policy would take it for somebody on this machine.
   */
  #isLost(socket: net.Socket): boolean {
    return socket.remoteAddress === undefined && typeof this.#server.address() !== 'string';
  }

  async #stop(): Promise<void> {
    const untilMs = performance.now() + mostStopMs;
    // What follows may run before the loop looks at the socket once more.
    await nextTurn();
    // libuv accepts one connection a turn (since 1.45).
    for (let seen = -1; seen !== this.#accepted && performance.now() < untilMs; ) {
      seen = this.#accepted;
      await nextTurn();
    }
    this.close();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
