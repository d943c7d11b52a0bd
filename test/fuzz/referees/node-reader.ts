// Node's own parser (llhttp) by way of node:http, over streams in memory: what most workloads behind Postern use.

import http from 'node:http';
import { Duplex } from 'node:stream';
import { linesOf, type Reading, type ReadMessage } from './read-message.ts';

interface Collected {
  readonly message: http.IncomingMessage;
  readonly pieces: Buffer[];
  isComplete: boolean;
}

/** Requests of one connection, read by `http.Server`. */
export class NodeRequestReader {
  #collected: Collected[] = [];
  #refusal: string | null = null;
  readonly #server: http.Server;

  constructor() {
    const take = (message: http.IncomingMessage): void => {
      this.#collected.push(collect(message));
    };
    this.#server = http.createServer({ maxHeaderSize: 1024 * 1024, requestTimeout: 0 }, take);
    this.#server.maxHeadersCount = 0;
    // With listeners, so that the server reads on where it would answer by itself.
    this.#server.on('checkContinue', take).on('checkExpectation', take);
    this.#server.on('clientError', (error: NodeJS.ErrnoException) => {
      this.#refusal = error.code ?? error.message;
    });
  }

  async read(bytes: Buffer): Promise<Reading> {
    this.#collected = [];
    this.#refusal = null;
    const socket = memorySocket(bytes);
    this.#server.emit('connection', socket);
    await settled(socket);
    const reading = { messages: this.#collected.filter(isComplete).map(requestOf), refusal: this.#refusal };
    socket.destroy();
    return reading;
  }
}

/** The first final answer to `method`, read by `http.request`. */
export async function readAnswerByNode(bytes: Buffer, method: string): Promise<Reading> {
  const socket = memorySocket(bytes);
  let collected: Collected | null = null;
  let refusal: string | null = null;
  const request = http.request({ method, createConnection: () => socket, maxHeaderSize: 1024 * 1024 });
  request.maxHeadersCount = 0;
  request.on('response', (message) => {
    collected = collect(message);
  });
  request.on('error', (error: NodeJS.ErrnoException) => {
    refusal = error.code ?? error.message;
  });
  request.end();
  await settled(socket);
  const messages = collected !== null && isComplete(collected) ? [answerOf(collected)] : [];
  request.destroy();
  socket.destroy();
  return { messages, refusal: messages.length > 0 ? null : refusal };
}

function collect(message: http.IncomingMessage): Collected {
  const collected: Collected = { message, pieces: [], isComplete: false };
  message.on('data', (piece: Buffer) => collected.pieces.push(piece));
  message.on('end', () => {
    collected.isComplete = true;
  });
  message.on('error', () => {});
  return collected;
}

function isComplete(collected: Collected): boolean {
  return collected.isComplete && collected.message.complete;
}

function requestOf({ message, pieces }: Collected): ReadMessage {
  return { start: `${message.method} ${message.url}`, ...partsOf(message, pieces) };
}

function answerOf({ message, pieces }: Collected): ReadMessage {
  return { start: String(message.statusCode), ...partsOf(message, pieces) };
}

function partsOf(message: http.IncomingMessage, pieces: readonly Buffer[]): Omit<ReadMessage, 'start'> {
  return {
    fields: linesOf(message.rawHeaders),
    body: Buffer.concat(pieces).toString('latin1'),
    trailers: linesOf(message.rawTrailers),
  };
}

/** Gives `bytes` and then the end; takes everything. */
function memorySocket(bytes: Buffer): Duplex {
  const socket = new Duplex({ read() {}, write: (_piece, _encoding, done) => done(), allowHalfOpen: true });
  socket.on('error', () => {});
  socket.push(bytes);
  socket.push(null);
  return socket;
}

/** The octets were read to their end, or the reader gave up, and what follows from either has happened. */
async function settled(socket: Duplex): Promise<void> {
  for (let turns = 0; turns < 20 && !socket.readableEnded && !socket.destroyed; turns++) await turn();
  await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
