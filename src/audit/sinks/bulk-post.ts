// One POST to a receiver, with an end in time whatever the receiver does.

import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../../lib/clock.ts';

/** Where records go, and who we are there. */
export interface BulkTarget {
  readonly url: URL;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM, for `https:`. */
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  };
  /** For a request and its whole answer, milliseconds. */
  readonly timeoutMs: number;
}

export interface PostAnswer {
  readonly status: number;
  /** Text of `bytes`. */
  readonly body: string;
  readonly bytes: Buffer;
  /** What `content-type` says, without parameters and in lower case; empty where it says nothing. */
  readonly type: string;
  /** What `retry-after` says, milliseconds; null where it says nothing (RFC 9110 §10.2.3). */
  readonly retryAfterMs: number | null;
}

const longestAnswerBytes = 8 * 1024 * 1024;
const longestRetryAfterMs = 600_000;

/** Posts over one kept connection. */
export class BulkPost {
  readonly #load: () => Promise<BulkTarget>;
  readonly #clock: Clock;
  #target: BulkTarget;
  #agent: HttpAgent | HttpsAgent;

  private constructor(load: () => Promise<BulkTarget>, target: BulkTarget, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
    this.#target = target;
    this.#agent = agentOf(target);
  }

  /** Rejects as `load` does, which is called again where an old certificate or secret may be the trouble. */
  static async open(load: () => Promise<BulkTarget>, clock: Clock): Promise<BulkPost> {
    return new BulkPost(load, await load(), clock);
  }

  /** Takes certificates and secrets anew; those at hand stay where that fails. */
  async renew(): Promise<void> {
    const target = await this.#load().catch(() => null);
    if (target === null) return;
    this.#agent.destroy();
    this.#target = target;
    this.#agent = agentOf(target);
  }

  /** Rejects where there is no whole answer in time. */
  post(body: string | Uint8Array, fields: Readonly<Record<string, string>>, ending: AbortSignal): Promise<PostAnswer> {
    const { url, headers, timeoutMs } = this.#target;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const signal = AbortSignal.any([ending, AbortSignal.timeout(timeoutMs)]);
    const sent = { ...headers, ...fields, 'content-length': bytes.length };
    return new Promise((resolve, reject) => {
      const request: ClientRequest = send(url, { method: 'POST', agent: this.#agent, headers: sent, signal });
      request.on('error', reject);
      request.on('response', (response) => void readAnswer(response, this.#clock).then(resolve, reject));
      request.end(bytes);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** One connection: the order within a stream must not depend on which of two requests is faster. */
function agentOf({ url, tls }: BulkTarget): HttpAgent | HttpsAgent {
  const options = { keepAlive: true, maxSockets: 1 };
  return url.protocol === 'https:' ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
}

async function readAnswer(response: IncomingMessage, clock: Clock): Promise<PostAnswer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response) {
    length += (piece as Buffer).length;
    if (length > longestAnswerBytes) throw new Error('the answer is too long');
    pieces.push(piece as Buffer);
  }
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], clock.nowMs());
  const bytes = Buffer.concat(pieces);
  const type = (response.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  return { status: response.statusCode ?? 0, body: bytes.toString('utf8'), bytes, type, retryAfterMs };
}

function parseRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), longestRetryAfterMs);
}
