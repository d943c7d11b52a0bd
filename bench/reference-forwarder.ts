// The built-in references, so that a bench means something on a machine without other proxies. Process entry:
// `node-https` is what one writes in an afternoon with Node's own modules: https.createServer, http.request, a log line a
// request; `tcp-relay` ends TLS and copies bytes, the floor of what any proxy must cost.

import { createWriteStream, readFileSync, type WriteStream } from 'node:fs';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';

/** The first argument, as JSON. */
export interface ReferenceOptions {
  readonly kind: 'node-https' | 'tcp-relay';
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly listenPort: number;
  readonly workloadPort: number;
  readonly logFile: string;
  readonly callerId: string;
}

const options: ReferenceOptions = JSON.parse(process.argv[2] ?? 'null');
const log = createWriteStream(options.logFile, { flags: 'a' });
const tls: TlsOptions = {
  ca: readFileSync(options.ca),
  cert: readFileSync(options.cert),
  key: readFileSync(options.key),
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: 'TLSv1.3',
};

if (options.kind === 'tcp-relay') serveRelay();
else serveHttp(log);

function serveHttp(out: WriteStream): void {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 1024 });
  const server = createHttpsServer(tls, (incoming, answer) => forward(incoming, answer, { agent, out }));
  server.keepAliveTimeout = 60_000;
  server.listen({ port: options.listenPort, host: '127.0.0.1', backlog: 4096 });
}

interface Means {
  readonly agent: Agent;
  readonly out: WriteStream;
}

function forward(incoming: IncomingMessage, answer: ServerResponse, means: Means): void {
  const peer = peerId(incoming.socket as TLSSocket);
  if (peer !== `URI:${options.callerId}`) {
    answer.writeHead(403).end();
    return;
  }
  const { method = 'GET', url = '/', headers } = incoming;
  means.out.write(
    `${JSON.stringify({ time: new Date().toISOString(), decision: 'allow', peer, method, url, id: headers['x-request-id'] })}\n`,
  );
  const upstream = request(
    {
      agent: means.agent,
      host: '127.0.0.1',
      port: options.workloadPort,
      method,
      path: url,
      headers: { ...headers, 'x-forwarded-client-cert': peer },
    },
    (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    },
  );
  upstream.on('error', () => answer.destroy());
  incoming.pipe(upstream);
}

const peerIds = new WeakMap<TLSSocket, string>();

function peerId(socket: TLSSocket): string {
  const known = peerIds.get(socket);
  if (known !== undefined) return known;
  const id = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  peerIds.set(socket, id);
  return id;
}

function serveRelay(): void {
  const server = createTlsServer({ ...tls, noDelay: true }, (caller) => {
    log.write(`${JSON.stringify({ time: new Date().toISOString(), peer: peerId(caller) })}\n`);
    const workload = connect({ port: options.workloadPort, host: '127.0.0.1', noDelay: true });
    caller.on('error', () => workload.destroy());
    workload.on('error', () => caller.destroy());
    caller.pipe(workload).pipe(caller);
  });
  server.listen({ port: options.listenPort, host: '127.0.0.1', backlog: 4096 });
}
