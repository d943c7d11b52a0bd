// A peer that speaks TLS and raw bytes: what it sends is what the test wrote, and what it got is kept as text.

import tls from 'node:tls';
import { waitFor } from './wait-for.ts';

/** Certificates of a peer, PEM. */
export interface PeerCredentials {
  readonly cert?: string;
  readonly key?: string;
  readonly ca: string;
}

export class RawPeer {
  readonly socket: tls.TLSSocket;
  received = '';
  closed = false;
  error: NodeJS.ErrnoException | null = null;

  private constructor(socket: tls.TLSSocket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Begins a connection; `secured` tells when the handshake is over. */
  static connect(port: number, credentials: PeerCredentials, options: tls.ConnectionOptions = {}): RawPeer {
    return new RawPeer(
      tls.connect({
        host: '127.0.0.1',
        port,
        // The server's name is its SPIFFE ID, which the tests of identity check; here only the bytes matter.
        checkServerIdentity: () => undefined,
        ...credentials,
        ...options,
      }),
    );
  }

  async secured(): Promise<this> {
    if (this.socket.getProtocol() === null || this.socket.connecting) {
      await waitFor('handshake', () => this.closed || this.socket.getPeerX509Certificate() !== undefined);
    }
    return this;
  }

  send(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  /** Waits for text in what was received. */
  async expect(part: string, deadlineMs = 10_000): Promise<string> {
    await waitFor(
      `\`${part}\` in the answer (got: ${JSON.stringify(this.received.slice(0, 300))})`,
      () => this.received.includes(part),
      deadlineMs,
    );
    return this.received;
  }

  /** Waits until the connection is closed; gives what was received. */
  async ended(deadlineMs = 10_000): Promise<string> {
    await waitFor(
      `the end of the connection (got: ${JSON.stringify(this.received.slice(0, 300))})`,
      () => this.closed,
      deadlineMs,
    );
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }
}
