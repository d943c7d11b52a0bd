// A receiver over HTTP that notes what it took, and misbehaves as it is told.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** A document that came, in the order of coming. */
export interface Taken {
  readonly id: string;
  readonly record: Readonly<Record<string, unknown>>;
}

/** What it does with a request: an answer, or no answer at all. */
export type Mood = (documents: readonly Taken[], response: ServerResponse) => boolean;

export class BulkReceiver {
  readonly taken: Taken[] = [];
  readonly url: string;
  /** Asked before a request is taken; true where it has answered itself. */
  mood: Mood = () => false;
  requests = 0;

  private constructor(url: string) {
    this.url = url;
  }

  static async start(t: TestContext, tls?: ServerOptions): Promise<BulkReceiver> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const receiver = new BulkReceiver(
      `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${(server.address() as AddressInfo).port}/postern/_bulk`,
    );
    server.on('request', (request, response) => void receiver.#serve(request, response));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return receiver;
  }

  /** Numbers of the records of a stream that are here, gap records left out. */
  seqs(streamId: string): number[] {
    const own = this.taken.filter(({ record }) => record['stream_id'] === streamId && !isMade(record));
    return own.map(({ record }) => record['seq'] as number);
  }

  /** Gap records that the shipper made. */
  gaps(): unknown[] {
    return this.taken.filter(({ record }) => isMade(record)).map(({ record }) => record['gap']);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    try {
      for await (const piece of request.setEncoding('utf8')) text += piece as string;
    } catch {
      return;
    }
    this.requests += 1;
    const lines = text.trimEnd().split('\n');
    const documents: Taken[] = [];
    for (let at = 0; at < lines.length; at += 2) {
      const { create } = JSON.parse(lines[at]!) as { create: { _id: string } };
      documents.push({ id: create._id, record: JSON.parse(lines[at + 1]!) as Record<string, unknown> });
    }
    if (this.mood(documents, response)) return;
    this.taken.push(...documents);
    answerItems(
      response,
      documents.map(() => 201),
    );
  }
}

/** The answer of _bulk with a state for each document. */
export function answerItems(response: ServerResponse, states: readonly number[]): void {
  const items = states.map((status) => ({ create: { status } }));
  response.end(JSON.stringify({ errors: states.some((status) => status > 299), items }));
}

function isMade(record: Readonly<Record<string, unknown>>): boolean {
  return record['type'] === 'gap' && (record['gap'] as { cause: string }).cause !== 'unwritten';
}
