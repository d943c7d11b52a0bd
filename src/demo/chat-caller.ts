// A caller of the gRPC demo: an ordinary HTTP/2 client with a certificate. It learns how its call ended as any gRPC client does.

import http2 from 'node:http2';
import { frameMessage, MessageFrames } from '../grpc/message-frames.ts';
import { type ChatLine, mostMessageBytes } from './chat-service.ts';
import type { DemoCaller } from './demo-world.ts';

/** How a call ended: with a status of gRPC, or cut off without one. */
export type ChatEnd =
  | { readonly kind: 'status'; readonly code: number; readonly message: string }
  | { readonly kind: 'cut'; readonly what: string };

/** A call under way. */
export interface ChatCall {
  /** What came, in order. */
  readonly heard: readonly ChatLine[];
  /** Of the answer; null where none came. */
  readonly decisionId: string | null;
  readonly ended: Promise<ChatEnd>;
  say(text: string): void;
  /** Ends what the caller says; the service ends the call. */
  hangUp(): void;
}

/** Calls `/chat.v1.Chat/<method>` over a connection of its own, which ends with the call. */
export function openChatCall(caller: DemoCaller, port: number, method: string): ChatCall {
  const { id: _, ...credentials } = caller;
  // The sidecar's name is its SPIFFE ID, not a host name.
  const session = http2.connect(`https://127.0.0.1:${port}`, { ...credentials, checkServerIdentity: () => undefined });
  const stream = session.request({
    ':method': 'POST',
    ':path': `/chat.v1.Chat/${method}`,
    'content-type': 'application/grpc+json',
    te: 'trailers',
  });
  const frames = new MessageFrames(mostMessageBytes);
  const heard: ChatLine[] = [];
  let decisionId: string | null = null;
  const ended = new Promise<ChatEnd>((resolve) => {
    const statusFrom = (fields: http2.IncomingHttpHeaders): void => {
      if (fields['grpc-status'] === undefined) return;
      const message = decodeURIComponent(String(fields['grpc-message'] ?? ''));
      resolve({ kind: 'status', code: Number(fields['grpc-status']), message });
    };
    stream.on('response', (fields) => {
      decisionId = String(fields['x-postern-decision-id'] ?? '') || null;
      statusFrom(fields);
    });
    stream.on('trailers', statusFrom);
    stream.on('close', () => {
      resolve({ kind: 'cut', what: `reset with code ${stream.rstCode}` });
      session.close();
    });
    for (const one of [stream, session]) one.on('error', (error) => resolve({ kind: 'cut', what: error.message }));
  });
  stream.on('data', (bytes: Buffer) => {
    for (const message of frames.push(bytes)) heard.push(JSON.parse(Buffer.from(message).toString()) as ChatLine);
  });
  return {
    heard,
    get decisionId() {
      return decisionId;
    },
    ended,
    say: (text) => void stream.write(frameMessage(Buffer.from(text))),
    hangUp: () => void stream.end(),
  };
}
