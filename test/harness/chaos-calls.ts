// Calls of which each is told from every other, so that a wrong answer, a second sending and a hang are seen: the workload that
// answers them and keeps count, and the callers that judge the answers.

import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** A DELETE without a body is what may be taken for repeatable most easily. */
const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'DELETE', 'DELETE'] as const;
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const mostBodyBytes = 20_000;

/** What a workload does with a call; it misbehaves now and then. */
export class CountingWorkload {
  /** How often each call arrived. */
  readonly arrivals = new Map<string, number>();
  /** Of all calls, those of which it breaks off the connection: before an answer, and within it. */
  brokenShare = 0;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  readonly answer = (request: http.IncomingMessage, answer: http.ServerResponse): void => {
    const id = request.url ?? '';
    this.arrivals.set(id, (this.arrivals.get(id) ?? 0) + 1);
    let received = 0;
    request.on('error', () => answer.destroy());
    request.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    request.on('end', () => {
      const fate = this.#random();
      if (fate < this.brokenShare) return void request.socket.destroy();
      const body = `${id} ${request.method} ${received} ${'x'.repeat(Math.floor(this.#random() * mostBodyBytes))} end`;
      answer.setHeader('x-call', id);
      if (fate > this.brokenShare * 2) return void answer.end(body);
      answer.write(body.slice(0, body.length / 2));
      setImmediate(() => request.socket.destroy());
    });
  };
}

/** How a call ended, as far as it may: answered by the workload, told by Postern, or cut within an answer. */
export type CallEnd = 'answered' | 'told' | 'cut';

export interface CallsOptions {
  readonly port: number;
  readonly senders: number;
  readonly random: () => number;
  /** No call may take longer, milliseconds. */
  readonly limitMs: number;
}

export class ChaosCalls {
  readonly ends: Record<CallEnd, number> = { answered: 0, told: 0, cut: 0 };
  /** By code of what Postern told. */
  readonly codes = new Map<string, number>();
  readonly faults: string[] = [];
  longestMs = 0;
  readonly #options: CallsOptions;
  readonly #agent: http.Agent;
  readonly #run = randomBytes(4).toString('hex');
  readonly #unsafe: string[] = [];
  #count = 0;
  #isOver = false;
  #senders: Promise<unknown> = Promise.resolve();

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: options.senders });
  }

  start(): this {
    this.#senders = Promise.all(Array.from({ length: this.#options.senders }, () => this.#send()));
    return this;
  }

  /** Calls that have ended. */
  get count(): number {
    return this.ends.answered + this.ends.told + this.ends.cut + this.faults.length;
  }

  /** Ends when every call has, and looks at what arrived. */
  async stop(arrivals: ReadonlyMap<string, number>): Promise<void> {
    this.#isOver = true;
    await this.#senders;
    this.#agent.destroy();
    for (const id of this.#unsafe) {
      const times = arrivals.get(id) ?? 0;
      if (times > 1) this.faults.push(`${id} arrived ${times} times`);
    }
  }

  async #send(): Promise<void> {
    while (!this.#isOver) {
      const method = methods[Math.floor(this.#options.random() * methods.length)]!;
      const id = `/${this.#run}/${this.#count++}`;
      if (!safe.has(method)) this.#unsafe.push(id);
      const startedMs = performance.now();
      const end = await this.#call(method, id);
      const tookMs = performance.now() - startedMs;
      this.longestMs = Math.max(this.longestMs, tookMs);
      if (tookMs > this.#options.limitMs) this.faults.push(`${method} ${id} took ${Math.round(tookMs)} ms`);
      if (end in this.ends) this.ends[end as CallEnd]++;
      else this.faults.push(`${method} ${id}: ${end}`);
      await pause(Math.floor(this.#options.random() * 5));
    }
  }

  /** Resolves with how it ended, or with what is wrong with that. */
  #call(method: string, id: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { random, port } = this.#options;
    const bytes = safe.has(method) || random() < 0.5 ? 0 : Math.floor(random() * mostBodyBytes);
    const options = { host: '127.0.0.1', port, path: id, method, agent: this.#agent };
    const patience = setTimeout(() => {
      resolve('no end');
      request.destroy();
    }, this.#options.limitMs * 2);
    const headers = bytes > 0 ? { 'content-length': bytes } : {};
    const request = http.request({ ...options, headers }, (answer) => {
      let body = '';
      answer.setEncoding('latin1');
      answer.on('data', (piece: string) => {
        body += piece;
      });
      answer.on('end', () => resolve(answer.complete ? this.#judge(answer, { method, id, bytes, body }) : 'cut'));
      answer.on('error', () => resolve('cut'));
    });
    request.on('error', (error) => resolve(`broke off without an answer: ${error.message}`));
    request.end(bytes > 0 ? Buffer.alloc(bytes, 'b') : undefined);
    return promise.finally(() => clearTimeout(patience));
  }

  #judge(
    answer: http.IncomingMessage,
    call: { readonly method: string; readonly id: string; readonly bytes: number; readonly body: string },
  ): string {
    const { method, id, bytes, body } = call;
    const status = answer.statusCode ?? 0;
    if (status === 200) {
      if (answer.headers['x-call'] !== id) return `the answer of ${answer.headers['x-call']}`;
      if (method === 'HEAD') return 'answered';
      return body.startsWith(`${id} ${method} ${bytes} `) && body.endsWith(' end')
        ? 'answered'
        : `not its answer: ${body.slice(0, 80)}`;
    }
    // Of a workload that breaks off its own sidecar tells, without a code: it does not know the caller.
    const { code = `none ${status}` } = method === 'HEAD' ? {} : (JSON.parse(body) as { code?: string });
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    const isOwn = answer.headers['x-postern-decision-id'] !== undefined;
    const isTold = status >= 502 && status <= 504 && isOwn && /^(ERR_OUTBOUND_|none)/.test(code);
    return isTold ? 'told' : `status ${status} ${code}`;
  }
}

/** Numbers that are the same each time for a seed (mulberry32), 0 up to but without 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
