// Requests over kept connections, each answer looked at: what fails under a reload or a drain shows here.

import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import type { PeerCredentials } from './raw-peer.ts';

export interface SteadyLoadOptions {
  readonly port: number;
  readonly credentials: PeerCredentials;
  /** Requests in flight at once. */
  readonly concurrency: number;
  readonly path?: string;
}

/** Of random length between two requests of one sender: requests meet every moment, and leave the machine to the test. */
const longestPauseMs = 12;

export class SteadyLoad {
  readonly statuses = new Map<number, number>();
  readonly failures: string[] = [];
  /** New connections that were made. */
  connections = 0;
  readonly #agent: https.Agent;
  readonly #options: SteadyLoadOptions;
  #sending = true;
  #senders: Promise<void>[] = [];

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.#agent = new https.Agent({
      ...options.credentials,
      keepAlive: true,
      maxSockets: options.concurrency,
      checkServerIdentity: () => undefined,
    });
  }

  get answered(): number {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
  }

  start(): this {
    this.#senders = Array.from({ length: this.#options.concurrency }, () => this.#send());
    return this;
  }

  /** Lets every request in flight end. */
  async stop(): Promise<void> {
    this.#sending = false;
    await Promise.all(this.#senders);
    this.#agent.destroy();
  }

  async #send(): Promise<void> {
    while (this.#sending) {
      try {
        const status = await this.#one();
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
        await pause(Math.random() * longestPauseMs);
      } catch (error) {
        const failure = error as NodeJS.ErrnoException & { reusedSocket?: boolean };
        // A client may meet a kept connection that is just being closed, and repeats then: no request was lost.
        if (failure.reusedSocket === true && (failure.code === 'ECONNRESET' || failure.code === 'EPIPE')) continue;
        this.failures.push(failure.code ?? failure.message);
        if (failure.code === 'ECONNREFUSED') return;
      }
    }
  }

  #one(): Promise<number> {
    return new Promise((resolve, reject) => {
      const { port, path } = this.#options;
      const request = https.get({ host: '127.0.0.1', port, path: path ?? '/x', agent: this.#agent }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
        answer.on('error', reject);
      });
      request.on('socket', (socket) => {
        if (!request.reusedSocket && socket.connecting) this.connections++;
      });
      request.on('error', (error) => reject(Object.assign(error, { reusedSocket: request.reusedSocket })));
    });
  }
}
