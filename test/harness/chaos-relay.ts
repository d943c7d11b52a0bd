// A way to a server that misbehaves as networks do: it resets connections, swallows what is sent, or cuts some of them anywhere.

import net from 'node:net';

/** `pass`; every connection is `reset`, those that are open too; or what is sent is swallowed (`swallow`), open ones included. */
export type RelayMode = 'pass' | 'reset' | 'swallow';

export interface RelayOptions {
  /** Port on loopback of whoever is behind it. */
  readonly target: number;
  /** 0 up to but without 1. */
  readonly random: () => number;
  /** Of all connections, those that are cut somewhere. */
  readonly cutShare: number;
}

/** A handshake takes some thousand bytes, so that some are cut within it. */
const mostBytesBeforeCut = 12_000;

export class ChaosRelay {
  readonly #options: RelayOptions;
  readonly #server: net.Server;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  #mode: RelayMode = 'pass';
  cuts = 0;

  private constructor(options: RelayOptions) {
    this.#options = options;
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  static async start(options: RelayOptions): Promise<ChaosRelay> {
    const relay = new ChaosRelay(options);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  set mode(mode: RelayMode) {
    this.#mode = mode;
    if (mode === 'reset') this.#resetAll();
  }

  async stop(): Promise<void> {
    this.#resetAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #resetAll(): void {
    for (const pair of [...this.#pairs]) this.#reset(pair);
  }

  #reset(pair: readonly [net.Socket, net.Socket]): void {
    this.#pairs.delete(pair);
    for (const socket of pair) socket.resetAndDestroy();
  }

  #accept(inner: net.Socket): void {
    inner.on('error', () => inner.destroy());
    if (this.#mode === 'reset') return void inner.resetAndDestroy();
    const { target, random, cutShare } = this.#options;
    const outer = net.connect({ port: target, host: '127.0.0.1', noDelay: true });
    outer.on('error', () => outer.destroy());
    const pair = [inner, outer] as const;
    this.#pairs.add(pair);
    let left = random() < cutShare ? Math.floor(random() * mostBytesBeforeCut) : Number.POSITIVE_INFINITY;
    const pass = (from: net.Socket, to: net.Socket): void => {
      from.on('data', (bytes: Buffer) => {
        if (this.#mode === 'swallow') return;
        left -= bytes.length;
        if (left >= 0) return void to.write(bytes);
        this.cuts++;
        // Some of the last piece arrives, and then nothing any more.
        to.write(bytes.subarray(0, bytes.length + left));
        setImmediate(() => this.#reset(pair));
      });
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroySoon();
      });
    };
    pass(inner, outer);
    pass(outer, inner);
  }
}
