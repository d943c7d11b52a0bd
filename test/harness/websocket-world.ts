// A sidecar before a workload that speaks WebSocket by a library of its own, and callers that do.

import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { type ClientOptions, type RawData, WebSocket, WebSocketServer } from 'ws';
import { Mesh, type MeshOptions } from './mesh.ts';
import type { PeerCredentials } from './raw-peer.ts';
import type { SidecarProcess } from './sidecar-process.ts';

/** A frame may be this long at either library. */
const maxPayload = 64 * 1024 * 1024;

export const websocketKey = 'dGhlIHNhbXBsZSBub25jZQ==';
/** The answer to `websocketKey` (RFC 6455 §1.3). */
export const websocketAccept = createHash('sha1')
  .update(`${websocketKey}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  .digest('base64');

/** A valid handshake for a raw peer, with further lines. */
export function handshake(path = '/ws', lines = ''): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
    `Sec-WebSocket-Key: ${websocketKey}\r\n${lines}\r\n`
  );
}

type Scope = { after(fn: () => Promise<void> | void): void };

export class WebSocketWorld {
  readonly mesh: Mesh;
  readonly sidecar: SidecarProcess;
  readonly server: WebSocketServer;
  readonly caller: PeerCredentials;

  private constructor(parts: Pick<WebSocketWorld, 'mesh' | 'sidecar' | 'server' | 'caller'>) {
    this.mesh = parts.mesh;
    this.sidecar = parts.sidecar;
    this.server = parts.server;
    this.caller = parts.caller;
  }

  static async create(scope: Scope, options: Omit<MeshOptions, 'workloadPort'> = {}): Promise<WebSocketWorld> {
    const workload = http.createServer((_request, response) => void response.end('ordinary'));
    const server = new WebSocketServer({ server: workload, maxPayload, perMessageDeflate: true });
    await new Promise<void>((resolve) => workload.listen(0, '127.0.0.1', resolve));
    scope.after(() => {
      for (const client of server.clients) client.terminate();
      workload.close();
    });
    const workloadPort = (workload.address() as AddressInfo).port;
    const audit = 'audit:\n  journal: { dir: journal }\n  stdout: off\n  outcomes: all\n';
    const mesh = await Mesh.create(scope, { ...options, workloadPort, sections: { audit, ...options.sections } });
    const sidecar = await mesh.start(scope);
    return new WebSocketWorld({ mesh, sidecar, server, caller: await mesh.caller() });
  }

  /** Begins a WebSocket through the sidecar. */
  connect(
    options: { readonly path?: string; readonly credentials?: PeerCredentials; readonly deflate?: boolean } = {},
  ) {
    const settings: ConnectionOptions & Pick<ClientOptions, 'perMessageDeflate' | 'maxPayload'> = {
      ...(options.credentials ?? this.caller),
      checkServerIdentity: () => undefined,
      perMessageDeflate: options.deflate ?? false,
      maxPayload,
    };
    return new WebSocket(
      `wss://127.0.0.1:${this.mesh.port}${options.path ?? '/ws'}`,
      settings as unknown as ClientOptions,
    );
  }

  /** The workload sends every message back as it came. */
  echo(): void {
    this.server.on('connection', (socket) => {
      socket.on('error', () => socket.terminate());
      socket.on('message', (data: RawData, isBinary) => socket.send(data, { binary: isBinary }));
    });
  }
}

/** Resolves when it is open; rejects with what the caller got in place of a 101. */
export function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
}

/** The next message. */
export function nextMessage(socket: WebSocket): Promise<{ readonly data: Buffer; readonly isBinary: boolean }> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data: RawData, isBinary) => resolve({ data: data as Buffer, isBinary }));
    socket.once('close', (code) => reject(new Error(`closed with ${code} before a message`)));
  });
}

/** How it closed. */
export function closedWith(socket: WebSocket): Promise<{ readonly code: number; readonly reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}
