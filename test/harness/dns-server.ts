// A DNS server of a test on loopback: answers A and AAAA from a table that the test changes, or keeps silent.

import dgram from 'node:dgram';

export interface DnsEntry {
  readonly addresses: readonly string[];
  /** Seconds. */
  readonly ttl: number;
}

const headerBytes = 12;
const typeA = 1;
const typeAaaa = 28;
const nameUnknown = 3;

export class DnsServer {
  /** By lower-case name. */
  readonly table = new Map<string, DnsEntry>();
  /** `NAME TYPE` of each question, in order. */
  readonly questions: string[] = [];
  isSilent = false;
  readonly #socket: dgram.Socket;

  private constructor(socket: dgram.Socket) {
    this.#socket = socket;
    socket.on('message', (query, from) => this.#answer(query, from));
  }

  static async start(): Promise<DnsServer> {
    const socket = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new DnsServer(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #answer(query: Buffer, from: dgram.RemoteInfo): void {
    const { name, type, end } = question(query);
    this.questions.push(`${name} ${type === typeA ? 'A' : 'AAAA'}`);
    if (this.isSilent) return;
    const entry = this.table.get(name);
    const fits = (address: string): boolean => (type === typeAaaa) === address.includes(':');
    const answers = (entry?.addresses ?? []).filter(fits).map((address) => record(address, type, entry!.ttl));
    const header = Buffer.alloc(headerBytes);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (entry === undefined ? nameUnknown : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    this.#socket.send(Buffer.concat([header, query.subarray(headerBytes, end), ...answers]), from.port, from.address);
  }
}

function question(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function record(address: string, type: number, ttl: number): Buffer {
  const data = type === typeA ? Buffer.from(address.split('.').map(Number)) : ipv6(address);
  const head = Buffer.alloc(headerBytes);
  // A pointer to the name of the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** `fd00::7`: one group, the gap, one group. */
function ipv6(address: string): Buffer {
  const [first = '', last = ''] = address.split('::');
  const data = Buffer.alloc(16);
  data.writeUInt16BE(Number.parseInt(first, 16), 0);
  data.writeUInt16BE(Number.parseInt(last, 16), 14);
  return data;
}
