// The brokers of a topic: who leads which partition, and a connection to each that is asked.

import type { KafkaReader } from './kafka-bytes.ts';
import { KafkaConnection, type KafkaRequest } from './kafka-connection.ts';
import { kafkaFault } from './kafka-errors.ts';
import { metadataRequest, readMetadata, type TopicMap } from './kafka-requests.ts';
import type { HostPort, TlsMaterial } from './sink-options.ts';

export interface KafkaClusterOptions {
  /** Those asked first. */
  readonly brokers: readonly HostPort[];
  readonly topic: string;
  /** Null for connections in the clear; else asked for each new one. */
  readonly tls: (() => Promise<TlsMaterial>) | null;
}

export class KafkaCluster {
  readonly #options: KafkaClusterOptions;
  readonly #connections = new Map<string, KafkaConnection>();
  #topic: TopicMap | null = null;

  constructor(options: KafkaClusterOptions) {
    this.#options = options;
  }

  /** Rejects where no broker tells. */
  async topic(signal: AbortSignal): Promise<TopicMap> {
    if (this.#topic !== null) return this.#topic;
    const topic = readMetadata(await this.askAny(metadataRequest(this.#options.topic), signal));
    if (topic.error !== 0) throw new Error(kafkaFault(topic.error));
    if (topic.leaders.length === 0) throw new Error('the topic has no partition');
    this.#topic = topic;
    return topic;
  }

  /** The first broker that answers; rejects as the last one does. */
  async askAny(request: KafkaRequest, signal: AbortSignal): Promise<KafkaReader> {
    let fault: unknown;
    for (const address of this.#options.brokers) {
      try {
        return await this.#ask(address, request, signal);
      } catch (error) {
        fault = error;
      }
    }
    throw fault;
  }

  /** The broker of a number. */
  async askLeader(number: number, request: KafkaRequest, signal: AbortSignal): Promise<KafkaReader> {
    const address = this.#topic?.brokers.get(number);
    if (address === undefined) throw new Error(kafkaFault(5));
    return this.#ask(address, request, signal);
  }

  /** Who leads what is asked anew. */
  forget(): void {
    this.#topic = null;
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    this.forget();
  }

  async #ask(address: HostPort, request: KafkaRequest, signal: AbortSignal): Promise<KafkaReader> {
    const name = `${address.host}:${address.port}`;
    let connection = this.#connections.get(name);
    if (connection?.isOpen !== true) {
      const tls = this.#options.tls === null ? null : await this.#options.tls();
      connection = await KafkaConnection.open(address, tls, signal);
      this.#connections.set(name, connection);
    }
    return connection.ask(request, signal);
  }
}
