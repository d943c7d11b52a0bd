// The own bundle endpoint (SPIFFE Federation §5.2): HTTPS to whoever asks, without client certificates, one document, one
// answer a connection. It is open to strangers, so every part of it is small and bounded.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { IdentitySnapshot, IdentitySource } from '../identity/source.ts';
import { bindServer } from '../lib/bind-server.ts';
import type { Clock } from '../lib/clock.ts';
import type { SocketAddress } from '../lib/socket-address.ts';
import type { BundleServerOptions } from './federation-options.ts';
import { documentKeys, ServedDocument } from './served-document.ts';
import { WebCertificate } from './web-certificate.ts';

export interface BundleServerParts {
  readonly identity: Pick<IdentitySource, 'current' | 'subscribe' | 'jwtBundles'>;
  readonly clock: Clock;
  /** Shares the port with other processes. */
  readonly reusePort: boolean;
  /** A certificate that cannot be used was refused, and the last good one stays. */
  readonly onRefused: (error: unknown) => void;
  readonly onError: (error: unknown) => void;
}

/** A bound bundle endpoint. */
export interface BundleServer {
  readonly address: SocketAddress;
  /** By the status of the answer, from the start. */
  readonly answers: ReadonlyMap<number, number>;
  close(): Promise<void>;
}

/** Strangers at once; more wait in the queue of the system or are turned away. */
const mostConnections = 128;
const patienceMs = 5_000;
const mostHeaderBytes = 8 * 1024;

/** @throws PosternError ERR_LISTEN, or for a web certificate that cannot be used */
export async function openBundleServer(options: BundleServerOptions, parts: BundleServerParts): Promise<BundleServer> {
  const endpoint = new BundleEndpointServer(options, parts);
  try {
    return await endpoint.open();
  } catch (error) {
    await endpoint.close();
    throw error;
  }
}

class BundleEndpointServer implements BundleServer {
  readonly answers = new Map<number, number>();
  readonly #options: BundleServerOptions;
  readonly #parts: BundleServerParts;
  readonly #document: ServedDocument;
  readonly #stops: (() => void)[] = [];
  readonly #sockets = new Set<Socket>();
  #web: WebCertificate | null = null;
  #server: Server | null = null;
  #address: SocketAddress;
  #shown = '';

  constructor(options: BundleServerOptions, parts: BundleServerParts) {
    this.#options = options;
    this.#parts = parts;
    this.#address = options.listen;
    this.#document = new ServedDocument(options.refreshHintMs);
  }

  get address(): SocketAddress {
    return this.#address;
  }

  async open(): Promise<BundleServer> {
    const { identity, reusePort, onRefused, onError } = this.#parts;
    const { profile, listen } = this.#options;
    if (profile.kind === 'https_web') {
      const onChange = (): void => this.#rotate();
      this.#web = await WebCertificate.open({ ...profile, onChange, onRefused, onListenerError: onError });
    }
    this.#write();
    const server = this.#createServer();
    this.#server = server;
    const who = 'the bundle endpoint';
    const key = 'identity.bundle_endpoint.listen';
    this.#address = await bindServer(server, { address: listen, who, key, reusePort, socketMode: 0o600 });
    server.on('error', onError);
    this.#stops.push(identity.subscribe(() => this.#onIdentity()));
    this.#stops.push(identity.jwtBundles.subscribe(() => this.#write()));
    this.#onIdentity();
    return this;
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#web?.close();
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    if (server === null || !server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    await promise;
  }

  #createServer(): Server {
    // Not `import`: see admin/admin-server.ts.
    const https = process.getBuiltinModule('node:https');
    const server = https.createServer(
      {
        ...this.#credentials(),
        minVersion: 'TLSv1.2',
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: patienceMs,
        maxHeaderSize: mostHeaderBytes,
        headersTimeout: patienceMs,
        requestTimeout: patienceMs,
        keepAliveTimeout: 1,
        connectionsCheckingInterval: 1_000,
        insecureHTTPParser: false,
      },
      (request, response) => this.#answer(request, response),
    );
    server.maxConnections = mostConnections;
    server.maxHeadersCount = 64;
    server.maxRequestsPerSocket = 1;
    server.setTimeout(patienceMs, (socket) => socket.destroy());
    server.on('connection', (socket: Socket) => this.#hold(socket));
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    server.on('clientError', (_error, socket) => socket.destroy());
    return server;
  }

  /** Nobody stays longer than an answer takes, however slowly they read or write. */
  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    const late = AbortSignal.timeout(4 * patienceMs);
    const end = (): void => void socket.destroy();
    late.addEventListener('abort', end, { once: true });
    socket.on('error', () => {});
    socket.once('close', () => {
      late.removeEventListener('abort', end);
      this.#sockets.delete(socket);
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.on('error', () => {});
    response.on('error', () => {});
    const status = statusFor(request);
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    const text = status === 200 ? this.#document.text : '';
    response.writeHead(status, {
      connection: 'close',
      'content-length': Buffer.byteLength(text),
      ...(status === 200 ? { 'content-type': 'application/json', 'cache-control': 'no-store' } : {}),
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    });
    response.end(request.method === 'HEAD' ? '' : text);
  }

  #onIdentity(): void {
    this.#write();
    this.#rotate();
  }

  #write(): void {
    const { identity, clock } = this.#parts;
    const { trustDomain } = identity.current.svid.id;
    const own = identity.current.bundles.get(trustDomain);
    if (own === undefined) return;
    this.#document.update(documentKeys(own, identity.jwtBundles.current.get(trustDomain.name)), clock.nowMs());
  }

  /** A new certificate serves new handshakes at once. */
  #rotate(): void {
    const credentials = this.#credentials();
    const shown = `${credentials.cert}`;
    if (shown === this.#shown) return;
    this.#server?.setSecureContext({ ...credentials, minVersion: 'TLSv1.2' });
    this.#shown = shown;
  }

  #credentials(): Pick<TlsOptions, 'cert' | 'key'> {
    return this.#web?.current ?? ownCredentials(this.#parts.identity.current);
  }
}

function ownCredentials({ svid }: IdentitySnapshot): { readonly cert: string; readonly key: string } {
  return { cert: svid.certChainPem, key: svid.keyPem };
}

/** One resource, at `/`; a body is never waited for. */
function statusFor({ method, url = '', headers }: IncomingMessage): number {
  if (method !== 'GET' && method !== 'HEAD') return 405;
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) return 400;
  return url === '/' || url.startsWith('/?') ? 200 : 404;
}
