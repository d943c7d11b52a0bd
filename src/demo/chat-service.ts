// The workload of the gRPC demo: a chat room in plain HTTP/2 on loopback, without TLS and without a thought of who may do what.
// Its messages are JSON (`application/grpc+json`), so that they can be read on the wire; gRPC leaves that to the service.

import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { frameMessage, MessageFrames } from '../grpc/message-frames.ts';

/** What is said in the room; `who` is what Postern tells the service of the peer. */
export interface ChatLine {
  readonly who: string;
  readonly text: string;
}

export interface ChatService {
  readonly port: number;
  /** Calls that reached it. */
  readonly served: number;
  close(): Promise<void>;
}

/** Longest message that either side takes, in bytes. */
export const mostMessageBytes = 4_096;

/** Starts it on a free port of loopback. */
export async function startChatService(): Promise<ChatService> {
  const room = new ChatRoom();
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => room.take(stream as ServerHttp2Stream, headers));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get served() {
      return room.served;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

class ChatRoom {
  served = 0;
  #said: ChatLine[] = [];
  readonly #members = new Set<ServerHttp2Stream>();

  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.served++;
    stream.on('error', () => {}); // a caller that goes away is nothing to a room
    const answer = { ':status': 200, 'content-type': 'application/grpc+json' };
    const method = headers[':path'];
    const isKnown = method !== undefined && Object.hasOwn(this.#methods, method);
    if (!isKnown) return stream.respond({ ...answer, 'grpc-status': '12' }, { endStream: true });
    stream.respond(answer, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    this.#methods[method]!(stream, whoOf(headers));
  }

  readonly #methods: Readonly<Record<string, (stream: ServerHttp2Stream, who: string) => void>> = {
    '/chat.v1.Chat/Talk': (stream, who) => this.#talk(stream, who),
    '/chat.v1.Chat/History': (stream) => this.#history(stream),
    '/chat.v1.Chat/Clear': (stream) => this.#clear(stream),
  };

  /** Both ways at once: what one says, all hear. */
  #talk(stream: ServerHttp2Stream, who: string): void {
    const frames = new MessageFrames(mostMessageBytes);
    this.#members.add(stream);
    stream.on('close', () => this.#members.delete(stream));
    stream.on('data', (bytes: Buffer) => {
      for (const message of frames.push(bytes)) this.#say({ who, text: Buffer.from(message).toString() });
      if (frames.fault !== null) stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    stream.on('end', () => stream.end());
  }

  #say(line: ChatLine): void {
    this.#said.push(line);
    for (const member of this.#members) member.write(messageOf(line));
  }

  #history(stream: ServerHttp2Stream): void {
    stream.resume();
    for (const line of this.#said) stream.write(messageOf(line));
    stream.end();
  }

  #clear(stream: ServerHttp2Stream): void {
    stream.resume();
    this.#said = [];
    stream.end();
  }
}

function messageOf(line: ChatLine): Buffer {
  return frameMessage(Buffer.from(JSON.stringify(line)));
}

function whoOf(headers: IncomingHttpHeaders): string {
  return String(headers['x-postern-peer'] ?? 'somebody');
}
