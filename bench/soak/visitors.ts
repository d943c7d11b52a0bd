// New connections as a sidecar sees them in a day: most ask once and go, some break off, dawdle, or speak rubbish.

import net from 'node:net';
import tls from 'node:tls';
import { handshake } from '../../test/harness/websocket-world.ts';
import { Caller } from './caller.ts';

/** What visitors need to know. */
export interface VisitorWorld {
  readonly port: number;
  readonly caBundle: string;
  /** A context with the certificate of one caller or another. */
  readonly context: () => tls.SecureContext;
  readonly stranger: tls.SecureContext;
  /** Counts an answer that nobody should get. */
  readonly unexpected: (what: string) => void;
}

type Visit = (world: VisitorWorld) => Promise<void>;

/** How often each kind comes among a hundred. */
export const visits: readonly { readonly name: string; readonly share: number; readonly visit: Visit }[] = [
  { name: 'one request', share: 62, visit: askOnce },
  { name: 'denied', share: 4, visit: askAsStranger },
  { name: 'websocket', share: 3, visit: openTunnel },
  { name: 'gone within an upload', share: 8, visit: breakOffUpload },
  { name: 'gone within an answer', share: 7, visit: breakOffAnswer },
  { name: 'bad bytes', share: 6, visit: sendRubbish },
  { name: 'no TLS', share: 3, visit: speakPlainly },
  { name: 'no certificate', share: 3, visit: comeWithoutCertificate },
  { name: 'silent', share: 2, visit: saySomeBytes('') },
  { name: 'half a head', share: 2, visit: sendHalfHead },
];

/** Answers of the sidecar while the workload is restarted. */
const whileRestarting = [502, 503];

async function askAsStranger(world: VisitorWorld): Promise<void> {
  const caller = await Caller.connect(world.port, world.stranger);
  const statuses = await caller.ask('GET /once HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3), 3);
  for (const status of statuses) if (status !== 403) world.unexpected(`a stranger got ${status}`);
  caller.close();
}

async function askOnce(world: VisitorWorld): Promise<void> {
  const caller = await Caller.connect(world.port, world.context());
  const [status] = await caller.ask('GET /once HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  if (status !== 200 && !whileRestarting.includes(status!)) world.unexpected(`a visitor got ${status}`);
  caller.close();
}

async function openTunnel(world: VisitorWorld): Promise<void> {
  const caller = await Caller.connect(world.port, world.context());
  const [status] = await caller.ask(handshake('/tunnel'));
  if (status !== 101 && !whileRestarting.includes(status!)) world.unexpected(`a tunnel was answered with ${status}`);
  caller.socket.write('echo');
  await onceOrClosed(caller.socket, 'data');
  caller.close();
}

async function breakOffUpload(world: VisitorWorld): Promise<void> {
  const caller = await Caller.connect(world.port, world.context());
  const head = 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n';
  await new Promise((resolve) => caller.socket.write(head + 'x'.repeat(20_000), resolve));
  caller.close();
}

async function breakOffAnswer(world: VisitorWorld): Promise<void> {
  const caller = await Caller.connect(world.port, world.context());
  caller.socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
  await onceOrClosed(caller.socket, 'data');
  caller.close();
}

async function sendRubbish(world: VisitorWorld): Promise<void> {
  const caller = await Caller.connect(world.port, world.context());
  const [status] = await caller.ask(
    'GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  if (status !== 400) world.unexpected(`rubbish was answered with ${status}`);
  caller.close();
}

async function speakPlainly(world: VisitorWorld): Promise<void> {
  await saySomeBytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n')(world);
}

async function comeWithoutCertificate(world: VisitorWorld): Promise<void> {
  const socket = tls.connect({ host: '127.0.0.1', port: world.port, ca: world.caBundle, checkServerIdentity });
  socket.on('error', () => {});
  await onceOrClosed(socket, 'close');
}

async function sendHalfHead(world: VisitorWorld): Promise<void> {
  const caller = await Caller.connect(world.port, world.context());
  caller.socket.write('GET /half HTTP/1.1\r\nHo');
  await onceOrClosed(caller.socket, 'close');
}

/** Until the sidecar closes the connection: it must not wait for ever. */
function saySomeBytes(text: string): Visit {
  return async ({ port }) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    if (text !== '') socket.write(text);
    socket.resume();
    await onceOrClosed(socket, 'close');
  };
}

function checkServerIdentity(): undefined {
  return undefined;
}

function onceOrClosed(socket: net.Socket, event: 'data' | 'close'): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.once(event, () => resolve());
    if (event !== 'close') socket.once('close', () => resolve());
  });
}
