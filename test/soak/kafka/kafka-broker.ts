// Apache Kafka on this machine: one node that is broker and controller (KRaft), in the clear for its own tools and over
// TLS with certificates asked for, by which it knows who may write. Its jars are fetched by Maven, checked by its sums, and kept in the cache of the checkout.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../harness/free-port.ts';
import type { OpensslPki } from '../../harness/openssl-pki.ts';
import { waitFor } from '../../harness/wait-for.ts';

const run = promisify(execFile);
const lib = path.resolve(import.meta.dirname, '../../../node_modules/.cache/kafka-4.1.0');
const patienceMs = 120_000;

/** A message as Kafka's own consumer reads it. */
export interface Message {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

export class KafkaBroker {
  readonly port: number;
  readonly tlsPort: number;
  readonly #java: string;
  readonly #config: string;
  #child: ChildProcess | null = null;

  private constructor(java: string, config: string, ports: { readonly port: number; readonly tlsPort: number }) {
    this.#java = java;
    this.#config = config;
    this.port = ports.port;
    this.tlsPort = ports.tlsPort;
  }

  /** Fetches it where needed, and starts it on a folder of its own. */
  static async start(tools: { java: string; mvn: string }, dir: string, pki: OpensslPki): Promise<KafkaBroker> {
    if (!existsSync(lib)) {
      const words = ['-q', '-B', '-f', path.join(import.meta.dirname, 'pom.xml'), 'dependency:copy-dependencies'];
      await run(tools.mvn, [...words, `-DoutputDirectory=${lib}.part`]);
      renameSync(`${lib}.part`, lib);
    }
    const [port, tlsPort, controllerPort] = [await freePort(), await freePort(), await freePort()];
    mkdirSync(dir, { recursive: true });
    const config = path.join(dir, 'server.properties');
    writeFileSync(config, configText({ dir, port, tlsPort, controllerPort }, pki));
    const broker = new KafkaBroker(tools.java, config, { port, tlsPort });
    const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '--standalone', '-c', config];
    await broker.#tool(...format);
    await broker.run();
    return broker;
  }

  /** Starts it, the first time or after `kill`. */
  async run(): Promise<void> {
    const words = ['-Xmx512m', '-cp', `${lib}/*`, 'kafka.Kafka', this.#config];
    this.#child = spawn(this.#java, words, { stdio: 'ignore' });
    const list = ['org.apache.kafka.tools.TopicCommand', ...this.#address(), '--list'];
    await waitFor('the broker', () => this.#tool(...list).then(() => true), patienceMs);
  }

  /** As a power switch would, but for what the kernel has. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await waitFor('its end', () => child.exitCode !== null || child.signalCode !== null, patienceMs);
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async makeTopic(name: string, ...words: readonly string[]): Promise<void> {
    const create = ['--create', '--topic', name, '--partitions', '3', '--replication-factor', '1', ...words];
    await this.#tool('org.apache.kafka.tools.TopicCommand', ...this.#address(), ...create);
  }

  /** Lets only who shows a certificate of this subject (`O=name`) write to a topic over TLS. */
  async letOnly(subject: string, topic: string): Promise<void> {
    const acls = ['org.apache.kafka.tools.AclCommand', ...this.#address(), '--topic', topic];
    await this.#tool(...acls, '--remove', '--force');
    const rights = ['Write', 'Describe'].flatMap((right) => ['--operation', right]);
    await this.#tool(...acls, '--add', '--allow-principal', `User:${subject}`, ...rights);
  }

  /** Everything of a topic, by partition and offset. */
  async read(topic: string): Promise<Message[]> {
    const shown = ['print.key', 'print.partition', 'print.offset'].flatMap((name) => ['--property', `${name}=true`]);
    const words = ['--topic', topic, '--from-beginning', '--timeout-ms', '8000', ...shown];
    const text = await this.#tool('org.apache.kafka.tools.consumer.ConsoleConsumer', ...this.#address(), ...words);
    const messages = text.split('\n').flatMap((line) => {
      const match = /^Partition:(\d+)\tOffset:(\d+)\t([^\t]*)\t(.*)$/.exec(line);
      if (match === null) return [];
      return [{ partition: Number(match[1]), offset: Number(match[2]), key: match[3]!, value: match[4]! }];
    });
    return messages.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }

  #address(): readonly string[] {
    return ['--bootstrap-server', `127.0.0.1:${this.port}`];
  }

  async #tool(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#java, ['-cp', `${lib}/*`, ...words], { maxBuffer: 256 * 1024 * 1024 });
    return stdout;
  }
}

function configText(
  place: { readonly dir: string; readonly port: number; readonly tlsPort: number; readonly controllerPort: number },
  pki: OpensslPki,
): string {
  const { cert, key } = pki.issue('broker', 'spiffe://prod.acme.com/ns/kafka/sa/broker');
  const store = path.join(place.dir, 'broker.pem');
  const pkcs8 = createPrivateKey(readFileSync(key)).export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(store, `${pkcs8}${readFileSync(cert, 'utf8')}`);
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${place.controllerPort}
listeners=PLAINTEXT://127.0.0.1:${place.port},SSL://127.0.0.1:${place.tlsPort},CONTROLLER://127.0.0.1:${place.controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${place.port},SSL://localhost:${place.tlsPort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=${place.dir}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location=${store}
ssl.truststore.type=PEM
ssl.truststore.location=${pki.caFile}
`;
}
