// Reads the body of an admin request, bounded.

import type { IncomingMessage } from 'node:http';
import { type AdminAnswer, problem } from './admin-http.ts';

/** A body, or the reason why there is none. */
export type BodyResult =
  | { readonly kind: 'body'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly answer: AdminAnswer };

const mostExcess = 16;

/** Parses the body as JSON; an empty one is undefined. Rejects when the connection breaks. */
export async function readJsonBody(message: IncomingMessage, mostBytes: number): Promise<BodyResult> {
  const chunks: Buffer[] = [];
  let size = 0;
  const reader = message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of reader) {
    size += chunk.length;
    // A little too much is still read: an answer that meets unread data is lost in the reset of the connection.
    if (size > mostBytes * mostExcess) break;
    if (size <= mostBytes) chunks.push(chunk);
  }
  if (size > mostBytes) return refused(413, `a body may have ${mostBytes} bytes`);
  if (size === 0) return { kind: 'body', value: undefined };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return { kind: 'body', value: JSON.parse(text) as unknown };
  } catch {
    return refused(400, 'the body is not JSON in UTF-8');
  }
}

function refused(status: number, detail: string): BodyResult {
  return { kind: 'refused', answer: problem(status, detail) };
}
