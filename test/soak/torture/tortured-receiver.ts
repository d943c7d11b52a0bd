// A receiver process of the torture test, and what is done to it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { freePort } from '../../harness/free-port.ts';
import { waitFor } from '../../harness/wait-for.ts';

export type ReceiverKind = 'ndjson' | 'elastic' | 'syslog' | 'otlp';

export class TorturedReceiver {
  readonly kind: ReceiverKind;
  readonly port: number;
  /** What it has. */
  readonly file: string;
  kills = 0;
  outages = 0;
  #child: ChildProcess | null = null;

  private constructor(kind: ReceiverKind, port: number, file: string) {
    this.kind = kind;
    this.port = port;
    this.file = file;
  }

  static async start(kind: ReceiverKind, dir: string): Promise<TorturedReceiver> {
    const receiver = new TorturedReceiver(kind, await freePort(), path.join(dir, `${kind}.ndjson`));
    await receiver.start();
    return receiver;
  }

  /** Of `audit.sinks`. */
  get yaml(): string {
    if (this.kind === 'otlp') return `{ type: otlp, url: "http://127.0.0.1:${this.port}/v1/logs" }`;
    const shared = `name: ${this.kind}, encode: native`;
    if (this.kind === 'syslog') return `{ type: syslog, ${shared}, address: "tcp://127.0.0.1:${this.port}" }`;
    return `{ type: http, ${shared}, flavour: ${this.kind}, url: "http://127.0.0.1:${this.port}/_bulk" }`;
  }

  async start(): Promise<void> {
    const main = path.join(import.meta.dirname, '../torture-receiver.ts');
    const args = ['--no-warnings', main, this.kind, String(this.port), this.file];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    await waitFor(`${this.kind} to listen`, () => isOpen(this.port));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    this.kills++;
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async end(): Promise<void> {
    await this.kill();
  }

  mood(mood: string): void {
    if (mood !== 'good') this.outages++;
    this.#child?.stdin?.write(`${mood}\n`);
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
