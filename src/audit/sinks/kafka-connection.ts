// One connection to a broker, with one request at a time: order needs no more, and a second one has nothing to wait for.

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { KafkaReader, KafkaWriter } from './kafka-bytes.ts';
import type { HostPort, TlsMaterial } from './sink-options.ts';

/** A request in a version that brokers from 2.1 to 4 know. */
export interface KafkaRequest {
  readonly apiKey: number;
  readonly version: number;
  readonly body: Buffer;
}

const clientId = 'postern';
const longestAnswerBytes = 16 * 1024 * 1024;

export class KafkaConnection {
  readonly #socket: Socket;
  #isOpen = true;
  #correlation = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.once('close', () => {
      this.#isOpen = false;
    });
    // Heard by whoever waits; between requests it only ends the connection.
    socket.on('error', () => socket.destroy());
  }

  /** Rejects where there is no connection before `signal`. */
  static async open(address: HostPort, tls: TlsMaterial | null, signal: AbortSignal): Promise<KafkaConnection> {
    const { host, port } = address;
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = tls === null ? connect({ host, port }) : connectTls({ host, port, ...name, ...tls });
    await eventOf(socket, tls === null ? 'connect' : 'secureConnect', signal);
    return new KafkaConnection(socket.setNoDelay(true));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The answer behind its header; where it rejects, the connection is closed. */
  async ask({ apiKey, version, body }: KafkaRequest, signal: AbortSignal): Promise<KafkaReader> {
    this.#correlation += 1;
    const correlation = this.#correlation;
    const head = new KafkaWriter().int16(apiKey).int16(version).int32(correlation).string(clientId);
    const request = new KafkaWriter().block(Buffer.concat([head.bytes, body]));
    try {
      if (!this.#isOpen) throw new Error('closed');
      this.#socket.write(request.bytes);
      const answer = await this.#answer(signal);
      if (answer.readInt32BE(0) !== correlation) throw new Error('an answer that nobody asked for');
      return new KafkaReader(answer.subarray(4));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  async #answer(signal: AbortSignal): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let length = 0;
    for (;;) {
      const piece = this.#socket.read() as Buffer | null;
      if (piece === null) {
        await eventOf(this.#socket, 'readable', signal);
        continue;
      }
      pieces.push(piece);
      length += piece.length;
      if (length < 4) continue;
      const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces);
      const wanted = bytes.readInt32BE(0);
      if (wanted < 4 || wanted > longestAnswerBytes || length > wanted + 4) throw new Error('no answer of Kafka');
      if (length === wanted + 4) return bytes.subarray(4);
    }
  }
}

/** Rejects where the connection ends, or `signal` comes, first. */
async function eventOf(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(new Error('timeout'));
  const closed = (): void => reject(new Error('closed'));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  socket.once(event, resolve).once('error', reject).once('close', closed).once('end', closed);
  try {
    if (socket.destroyed || socket.readableEnded) closed();
    await promise;
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    socket.off(event, resolve).off('error', reject).off('close', closed).off('end', closed);
  }
}
