// Apache Kafka's own broker in the torture test: killed like the other receivers, or stopped, so that it is there and never answers.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createOpensslPki } from '../../harness/openssl-pki.ts';
import { temporaryFolder } from '../../harness/sidecar-process.ts';
import { KafkaBroker } from '../kafka/kafka-broker.ts';

const topic = 'torture';

export class TorturedBroker {
  readonly kind = 'kafka';
  readonly file: string;
  kills = 0;
  outages = 0;
  readonly #broker: KafkaBroker;

  private constructor(broker: KafkaBroker, file: string) {
    this.#broker = broker;
    this.file = file;
  }

  /** Null where there is no Java or no Maven. */
  static async start(t: { after(fn: () => void): void }, dir: string): Promise<TorturedBroker | null> {
    if (!isThere('java', '-version') || !isThere('mvn', '-version')) return null;
    const pki = createOpensslPki(temporaryFolder(t), 'prod.acme.com');
    const tools = { java: 'java', mvn: 'mvn' };
    const broker = await KafkaBroker.start(tools, path.join(temporaryFolder(t), 'kafka'), pki);
    await broker.makeTopic(topic);
    return new TorturedBroker(broker, path.join(dir, 'kafka.ndjson'));
  }

  get yaml(): string {
    return `{ type: kafka, encode: native, brokers: ["tcp://127.0.0.1:${this.#broker.port}"], topic: ${topic} }`;
  }

  async start(): Promise<void> {
    await this.#broker.run();
  }

  async kill(): Promise<void> {
    this.kills++;
    await this.#broker.kill();
  }

  async end(): Promise<void> {
    await this.#broker.kill();
  }

  /** It has one mood: none of the others is a broker's. */
  mood(mood: string): void {
    if (mood !== 'good') this.outages++;
    this.#broker.signal(mood === 'good' ? 'SIGCONT' : 'SIGSTOP');
  }

  /** Writes down what it has, as Kafka's own consumer reads it. The order of records is that of their partition. */
  async collect(): Promise<void> {
    const messages = await this.#broker.read(topic);
    const lines = messages.map(({ partition, value }) => `${value.slice(0, -1)},"partition":${partition}}\n`);
    writeFileSync(this.file, lines.join(''));
  }
}

function isThere(program: string, word: string): boolean {
  try {
    execFileSync(program, [word], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
