// The cheapest HTTP/1.1 client connection that Node can make: prepared bytes out, just enough framing in. The load must
// cost less than what it measures, so there are no streams, no header objects and no buffers of its own but one.

import { readFileSync } from 'node:fs';
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import type { Target } from './load-job.ts';

const endOfHead = Buffer.from('\r\n\r\n');
const lengthField = Buffer.from('ontent-');
const ok = 0x32; // "2" of "HTTP/1.1 2xx"

/** One credential for all connections of a process: reading and parsing it is not what is measured. */
export interface Dialer {
  open(readBufferBytes?: number): Promise<RawConnection>;
}

/** Everybody gets the same cipher and group, so that nobody is measured on other mathematics than his peer. */
export function createDialer(target: Target): Dialer {
  const context = target.tls === null ? null : contextOf(target.tls);
  return { open: (readBufferBytes = 16 * 1024) => open(target, context, readBufferBytes) };
}

/** A connection with at most one request in flight. */
export class RawConnection {
  readonly #socket: Socket;
  readonly #buffer: Buffer;
  #held: Buffer | null = null;
  #bodyLeft = 0;
  #inHead = true;
  /** Called when an answer has come whole. */
  onAnswer: () => void = () => {};
  /** Called once when the connection fails, or ends while not closed from here. */
  onFailure: (error: Error) => void = () => {};

  constructor(socket: Socket, buffer: Buffer) {
    this.#socket = socket;
    this.#buffer = buffer;
  }

  get socket(): Socket {
    return this.#socket;
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.onFailure = () => {};
    this.#socket.end();
  }

  /** Takes the first `byteCount` bytes of the read buffer. */
  received(byteCount: number): void {
    if (!this.#inHead) {
      this.#takeBody(byteCount);
      return;
    }
    const fresh = this.#buffer.subarray(0, byteCount);
    const bytes = this.#held === null ? fresh : Buffer.concat([this.#held, fresh]);
    const end = bytes.indexOf(endOfHead);
    if (end < 0) {
      this.#held = Buffer.from(bytes);
      return;
    }
    this.#held = null;
    if (bytes[9] !== ok) return this.#refuse(bytes.toString('latin1', 0, end));
    this.#bodyLeft = contentLength(bytes, end);
    if (Number.isNaN(this.#bodyLeft)) return this.#refuse(bytes.toString('latin1', 0, end));
    this.#inHead = false;
    this.#takeBody(bytes.length - end - endOfHead.length);
  }

  #takeBody(byteCount: number): void {
    this.#bodyLeft -= byteCount;
    if (this.#bodyLeft > 0) return;
    if (this.#bodyLeft < 0) return this.#refuse(`${-this.#bodyLeft} bytes after the body`);
    this.#inHead = true;
    this.onAnswer();
  }

  /** A bench that measures refusals would show splendid figures: any answer but the expected ends the run. */
  #refuse(what: string): void {
    const fail = this.onFailure;
    this.close();
    fail(new Error(`unexpected answer: ${what}`));
  }
}

function contentLength(bytes: Buffer, end: number): number {
  for (let at = bytes.indexOf(lengthField); at > 0 && at < end; at = bytes.indexOf(lengthField, at + 1)) {
    if (bytes.toString('latin1', at + 7, at + 14).toLowerCase() !== 'length:') continue;
    return Number.parseInt(bytes.toString('latin1', at + 14, bytes.indexOf(0x0d, at)), 10);
  }
  return Number.NaN;
}

/** Everybody gets the same cipher and group. */
export function contextOf(tls: NonNullable<Target['tls']>): SecureContext {
  return createSecureContext({
    ca: readFileSync(tls.ca),
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    ecdhCurve: 'X25519',
  });
}

function open(target: Target, context: SecureContext | null, readBufferBytes: number): Promise<RawConnection> {
  const buffer = Buffer.allocUnsafeSlow(readBufferBytes);
  return new Promise((resolve, reject) => {
    const onread: OnReadOpts = {
      buffer,
      callback: (byteCount) => {
        connection.received(byteCount);
        return true;
      },
    };
    const address = { host: target.host, port: target.port, noDelay: true, onread };
    const ready = (): void => resolve(connection);
    const socket: Socket =
      context === null
        ? connectTcp(address, ready)
        : connectTls({ ...address, secureContext: context, checkServerIdentity: () => undefined }, ready);
    const connection = new RawConnection(socket, buffer);
    const fail = (error: Error): void => {
      connection.onFailure(error);
      reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the connection was closed')));
  });
}
