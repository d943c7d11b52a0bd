// An agent that speaks the SPIFFE Workload API as SPIRE's does: gRPC over a real unix socket, with rotation, several
// SVIDs, federation, and the faults that agents have in the field.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type net from 'node:net';
import path from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { createDevCa, type DevCa } from '../../src/identity/dev-ca.ts';
import { temporaryFolder } from './sidecar-process.ts';

/** What a stream gets in place of an answer. */
export type AgentFault =
  | { readonly kind: 'status'; readonly code: number; readonly message: string }
  | {
      readonly kind: 'hang' | 'end' | 'reset' | 'not-grpc' | 'garbage' | 'huge' | 'compressed' | 'cut-short' | 'empty';
    };

/** An identity that the agent serves. */
export interface AgentEntry {
  readonly spiffeId: string;
  readonly hint?: string;
  /** Parts of the message that replace the right ones; an empty one is left out, as Protocol Buffers do. */
  readonly wrong?: { readonly id?: string; readonly key?: Uint8Array; readonly chain?: Uint8Array };
}

export interface FakeAgentOptions {
  readonly entries?: readonly AgentEntry[];
  /** Lifetime of its SVIDs, milliseconds. */
  readonly ttlMs?: number;
  /** Where it listens; a socket in a folder of its own when left out. */
  readonly socketPath?: string;
}

/** What it was asked. */
export interface AgentRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

type Lived = { after(fn: () => Promise<void> | void): void };

export class FakeAgent {
  readonly ca: DevCa;
  readonly socketPath: string;
  readonly requests: AgentRequest[] = [];
  /** Bundles of other trust domains, DER by the SPIFFE ID of the domain. */
  readonly federated = new Map<string, Uint8Array>();
  /** Revocation lists, DER. */
  crls: readonly Uint8Array[] = [];
  /** JWKS documents by the SPIFFE ID of the domain. */
  readonly jwtBundles = new Map<string, string>();
  entries: readonly AgentEntry[];
  ttlMs: number;
  /** DER of the own bundle; that of the CA unless changed. */
  bundle: Uint8Array;
  fault: AgentFault | null = null;
  #server: Http2Server | null = null;
  #streams = new Map<ServerHttp2Stream, string>();
  #sockets = new Set<net.Socket>();
  #last: Uint8Array = new Uint8Array(0);
  #timer: NodeJS.Timeout | undefined;
  rotations = 0;

  private constructor(ca: DevCa, socketPath: string, options: FakeAgentOptions) {
    this.ca = ca;
    this.socketPath = socketPath;
    this.entries = options.entries ?? [{ spiffeId: 'spiffe://prod.acme.com/ns/payments/server' }];
    this.ttlMs = options.ttlMs ?? 3_600_000;
    this.bundle = derOf(ca.bundlePem);
  }

  /** Listens when it resolves; ends with the test. */
  static async start(t: Lived, options: FakeAgentOptions = {}): Promise<FakeAgent> {
    const agent = await FakeAgent.prepare(t, options);
    await agent.listen();
    return agent;
  }

  /** Knows what it will serve and does not listen yet. */
  static async prepare(t: Lived, options: FakeAgentOptions = {}): Promise<FakeAgent> {
    const dir = temporaryFolder(t);
    const ca = await createDevCa({ dir: path.join(dir, 'ca'), trustDomain: 'prod.acme.com' });
    const agent = new FakeAgent(ca, options.socketPath ?? path.join(dir, 'agent.sock'), options);
    await agent.issue();
    t.after(() => agent.stop());
    return agent;
  }

  get endpoint(): string {
    return `unix://${this.socketPath}`;
  }

  /** Streams open now, of a method. */
  openStreams(method = 'FetchX509SVID'): number {
    return [...this.#streams.values()].filter((name) => name === method).length;
  }

  async listen(): Promise<void> {
    rmSync(this.socketPath, { force: true });
    const server = createServer();
    server.on('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('sessionError', () => {});
    server.on('stream', (stream: ServerHttp2Stream, headers) => this.#serve(stream, headers));
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
    this.#server = server;
  }

  /** Goes away as a killed process does: the socket file stays. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Issues anew and tells every stream. */
  async rotate(): Promise<void> {
    await this.issue();
    this.push();
  }

  rotateEvery(ms: number): void {
    this.#timer = setInterval(() => void this.rotate(), ms);
  }

  /** Sends the last message again, or the fault that is set. */
  push(): void {
    for (const [stream, method] of this.#streams) this.#answer(stream, method);
  }

  /** Issues without telling anybody. */
  async issue(): Promise<void> {
    const svids = await Promise.all(this.entries.map((entry) => this.#svid(entry)));
    const writer = new BinaryWriter();
    for (const svid of svids) writer.tag(1, WireType.LengthDelimited).bytes(svid);
    for (const crl of this.crls) writer.tag(2, WireType.LengthDelimited).bytes(crl);
    for (const [key, value] of this.federated) writer.tag(3, WireType.LengthDelimited).bytes(entryOf(key, value));
    // A field of a later version of the standard.
    writer.tag(99, WireType.Varint).uint32(7);
    this.#last = writer.finish();
    this.rotations++;
  }

  async #svid({ spiffeId, hint, wrong }: AgentEntry): Promise<Uint8Array> {
    const svid = await this.ca.issue({ spiffeId, ttlMs: this.ttlMs });
    return new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string(wrong?.id ?? spiffeId)
      .tag(2, WireType.LengthDelimited)
      .bytes(wrong?.chain ?? Buffer.concat(svid.certificates.map((one) => one.raw)))
      .tag(3, WireType.LengthDelimited)
      .bytes(wrong?.key ?? createPrivateKey(svid.keyPem).export({ type: 'pkcs8', format: 'der' }))
      .tag(4, WireType.LengthDelimited)
      .bytes(this.bundle)
      .tag(5, WireType.LengthDelimited)
      .string(hint ?? '')
      .finish();
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const method = String(headers[':path']).replace('/SpiffeWorkloadAPI/', '');
    this.requests.push({ method, headers });
    stream.on('error', () => {});
    stream.on('close', () => this.#streams.delete(stream));
    stream.resume();
    if (headers['workload.spiffe.io'] !== 'true') return refuse(stream, 3, 'security header missing from request');
    this.#streams.set(stream, method);
    this.#answer(stream, method);
  }

  #answer(stream: ServerHttp2Stream, method: string): void {
    if (stream.destroyed) return;
    if (this.fault !== null) return this.#fail(stream, this.fault);
    if (method === 'FetchX509SVID') return send(stream, frame(this.#last));
    if (method !== 'FetchJWTBundles' || this.jwtBundles.size === 0) return refuse(stream, 12, 'unknown method');
    const writer = new BinaryWriter();
    for (const [key, text] of this.jwtBundles) {
      writer.tag(1, WireType.LengthDelimited).bytes(entryOf(key, Buffer.from(text)));
    }
    send(stream, frame(writer.finish()));
  }

  #fail(stream: ServerHttp2Stream, fault: AgentFault): void {
    switch (fault.kind) {
      case 'status':
        return refuse(stream, fault.code, fault.message);
      case 'hang':
        return;
      case 'end':
        return refuse(stream, 0, '');
      case 'reset':
        return stream.close(2);
      case 'not-grpc':
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        return void stream.end('<html>');
      case 'garbage':
        return send(stream, frame(Buffer.from('ffffffffffffffffffff', 'hex')));
      case 'huge':
        return send(stream, Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]));
      case 'compressed':
        return send(stream, Buffer.concat([Buffer.from([1]), frame(this.#last).subarray(1)]));
      case 'cut-short':
        return send(stream, frame(this.#last.subarray(0, this.#last.length - 20)));
      case 'empty':
        return send(stream, frame(new Uint8Array(0)));
    }
  }
}

/** Concatenated DER of a PEM text. */
export function derOf(pem: string): Uint8Array {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return Buffer.concat(blocks.map((block) => new X509Certificate(block).raw));
}

function entryOf(key: string, value: Uint8Array): Uint8Array {
  return new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(key)
    .tag(2, WireType.LengthDelimited)
    .bytes(value)
    .finish();
}

function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function send(stream: ServerHttp2Stream, bytes: Uint8Array): void {
  if (!stream.headersSent) stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.write(bytes);
}

/** Trailers-only where nothing was sent yet, as grpc-go does. */
function refuse(stream: ServerHttp2Stream, code: number, message: string): void {
  const status = { 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message) };
  if (!stream.headersSent) {
    return stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
  }
  // Sent headers announced no trailers, so the stream can only be cut.
  stream.close(8);
}
