// A workload that keeps the exact bytes it received, connection by connection, and answers what the test says.

import net from 'node:net';

/** One connection as the workload saw it. */
export interface RecordedConnection {
  readonly socket: net.Socket;
  bytes: Buffer;
}

/** Called with every piece that arrives; what it does with the socket is the workload's behaviour. */
export type Behaviour = (connection: RecordedConnection, piece: Buffer) => void;

const okAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Answers 200 to every complete head; bodies are not looked for. */
export const answerOk: Behaviour = (connection, piece) => {
  const heads = piece.toString('latin1').split('\r\n\r\n').length - 1;
  for (let at = 0; at < heads; at++) connection.socket.write(okAnswer);
};

export class RecordingWorkload {
  readonly connections: RecordedConnection[] = [];
  behave: Behaviour;
  readonly #server: net.Server;

  private constructor(behave: Behaviour) {
    this.behave = behave;
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Listens on a free port of loopback. */
  static async start(behave: Behaviour = answerOk, port = 0, host = '127.0.0.1'): Promise<RecordingWorkload> {
    const workload = new RecordingWorkload(behave);
    await new Promise<void>((resolve, reject) => {
      workload.#server.once('error', reject);
      workload.#server.listen(port, host, resolve);
    });
    return workload;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Everything received, all connections joined. */
  get received(): string {
    return this.connections.map((connection) => connection.bytes.toString('latin1')).join('');
  }

  /** Heads received, all connections joined. */
  get heads(): string[] {
    return this.received.split('\r\n\r\n').filter((head) => / HTTP\/1\.1\r\n/.test(head));
  }

  forget(): void {
    for (const connection of this.connections) connection.bytes = Buffer.alloc(0);
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: net.Socket): void {
    const connection: RecordedConnection = { socket, bytes: Buffer.alloc(0) };
    this.connections.push(connection);
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('data', (piece: Buffer) => {
      connection.bytes = Buffer.concat([connection.bytes, piece]);
      this.behave(connection, piece);
    });
  }
}
