// Syslog (RFC 5424) over UDP (RFC 5426), TCP (RFC 6587 §3.4.1: octet counting) and TLS (RFC 5425).

import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import { syslogHead } from '../encode/rfc5424.ts';
import { faultCode } from '../fault-code.ts';
import type { EncodedRecord } from './encoded-record.ts';
import { allTaken, type Receiver, type Reception } from './receiver.ts';
import { sendAndClose } from './send-and-close.ts';
import type { SyslogAddress, TlsMaterial } from './sink-options.ts';

/** Where messages go. */
export interface SyslogTarget extends SyslogAddress {
  /** True where the text of a record is a whole message. */
  readonly isWhole: boolean;
  readonly timeoutMs: number;
}

export class SyslogReceiver implements Receiver {
  readonly #target: SyslogTarget;
  readonly #tls: () => Promise<TlsMaterial>;
  readonly #clock: Clock;

  constructor(target: SyslogTarget, tls: () => Promise<TlsMaterial>, clock: Clock) {
    this.#target = target;
    this.#tls = tls;
    this.#clock = clock;
  }

  async send(group: readonly EncodedRecord[], ending: AbortSignal): Promise<Reception> {
    const messages = group.flatMap((record) => this.#message(record));
    try {
      if (messages.length > 0) await this.#deliver(messages, ending);
      return allTaken;
    } catch (error) {
      return { answer: { kind: 'later', why: faultCode(error) }, retryAfterMs: null };
    }
  }

  /** Each delivery has a connection of its own, and so the certificate of the day. */
  renew(): void {}

  close(): void {}

  /** None for what syslog has no use for. */
  #message({ source, text }: EncodedRecord): readonly Buffer[] {
    if (this.#target.isWhole) return [Buffer.from(text)];
    const head = syslogHead(source.record);
    return head === null ? [] : [Buffer.from(`${head} - ${text}`)];
  }

  async #deliver(messages: readonly Buffer[], ending: AbortSignal): Promise<void> {
    const { transport, host, port, timeoutMs } = this.#target;
    if (transport === 'udp') return sendDatagrams(messages, host, port);
    const framed = Buffer.concat(messages.flatMap((message) => [Buffer.from(`${message.length} `), message]));
    const shared = { timeoutMs, clock: this.#clock };
    if (transport === 'tcp') {
      const delivery = { ...shared, connect: () => connect({ host, port }), connectedEvent: 'connect' };
      return sendAndClose(delivery, framed, ending);
    }
    const name = isIP(host) === 0 ? { servername: host } : {};
    const options = { host, port, ...name, ...(await this.#tls()) };
    const delivery = { ...shared, connect: () => connectTls(options), connectedEvent: 'secureConnect' };
    return sendAndClose(delivery, framed, ending);
  }
}

/** Nobody says that they came; an ICMP error is heard of with the next one. */
async function sendDatagrams(messages: readonly Buffer[], host: string, port: number): Promise<void> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  const failure = new Promise<never>((_, reject) => socket.once('error', reject));
  failure.catch(() => {});
  try {
    await Promise.race([failure, new Promise<void>((resolve) => socket.connect(port, host, () => resolve()))]);
    for (const message of messages) {
      const sent = new Promise<void>((resolve, reject) =>
        socket.send(message, (error) => (error === null ? resolve() : reject(error))),
      );
      await Promise.race([failure, sent]);
    }
  } finally {
    socket.close();
  }
}
