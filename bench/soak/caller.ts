// A peer on one TLS connection: sends whole requests, one or several at once, and waits for as many answers.

import tls from 'node:tls';

interface Waiting {
  left: number;
  readonly statuses: number[];
  readonly resolve: (statuses: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}

export class Caller {
  readonly socket: tls.TLSSocket;
  #received = '';
  #waiting: Waiting | null = null;
  #isClosed = false;

  private constructor(socket: tls.TLSSocket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      this.#waiting?.reject(new Error('the connection was closed'));
      this.#waiting = null;
    });
  }

  /** Resolves when the handshake is over. */
  static connect(port: number, secureContext: tls.SecureContext): Promise<Caller> {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host: '127.0.0.1', port, secureContext, checkServerIdentity: () => undefined });
      socket.once('secureConnect', () => resolve(new Caller(socket)));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before the handshake was over')));
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends `text`, which holds `count` requests; resolves with the status of each answer. */
  ask(text: string, count = 1): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error('the connection was closed'));
      this.#waiting = { left: count, statuses: [], resolve, reject };
      this.socket.write(text, 'latin1');
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    if (this.#waiting === null) return;
    this.#received += bytes.toString('latin1');
    for (let size = answerSize(this.#received); size > 0; size = answerSize(this.#received)) {
      this.#answered(Number(this.#received.slice(9, 12)));
      this.#received = this.#received.slice(size);
    }
  }

  #answered(status: number): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    waiting.statuses.push(status);
    waiting.left--;
    if (waiting.left > 0) return;
    this.#waiting = null;
    waiting.resolve(waiting.statuses);
  }
}

/** Octets of the first answer, or 0 while it is not whole. Every answer of the soak's workload has a length. */
function answerSize(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = /^content-length: *(\d+)\r?$/im.exec(text.slice(0, end));
  const size = end + 4 + Number(length?.[1] ?? 0);
  return text.length >= size ? size : 0;
}
