// Peers and strangers that hold on to what they get, for as long as the process lives. At fixed rates: what is asked is how
// others fare beside a given attack, not who burns more of the machine.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import type { Target } from './load-job.ts';
import { bulkGet, bulkPost, smallGet } from './requests.ts';

/** What each does; `handshakes` and `half-handshakes` are of strangers without a certificate. */
export const attackNames = [
  'silent',
  'half-handshakes',
  'handshakes',
  'slow-heads',
  'slow-bodies',
  'slow-readers',
  'pipeliners',
] as const;

export type AttackName = (typeof attackNames)[number];

/** One attacker's life, over and over: says when it is there, and resolves when it was cut off. */
type Life = (target: Target, arrived: () => void) => Promise<void>;

interface Attack {
  readonly attackerCount: number;
  /** Pause of an attacker before it comes again, milliseconds. */
  readonly restMs: number;
  readonly life: Life;
}

const trickleMs = 1_000;
/** The first bytes of all of them are a load of their own kind, which is not what is measured. */
const settleMs = 1_000;
/** A dial that takes longer has failed: a step without an end would keep an attack from ever being complete. */
const dialMs = 5_000;

const attacks: Readonly<Record<AttackName, Attack>> = {
  silent: { attackerCount: 2000, restMs: 2_000, life: silent },
  'half-handshakes': { attackerCount: 400, restMs: 2_000, life: halfHandshake },
  handshakes: { attackerCount: 100, restMs: 1_000, life: strangersHandshake },
  'slow-heads': { attackerCount: 300, restMs: 1_000, life: trickling(smallGet.subarray(0, -2)) },
  'slow-bodies': { attackerCount: 300, restMs: 1_000, life: trickling(bulkPost(1_000_000)) },
  'slow-readers': { attackerCount: 100, restMs: 1_000, life: notReading(bulkGet(8 * 1024 * 1024)) },
  pipeliners: { attackerCount: 20, restMs: 1_000, life: notReading(repeated(bulkGet(65_536), 400)) },
};

/** Runs until the process ends; `onReady` once every attacker has come and what they ask for at first is over. */
export async function runAttack(name: AttackName, target: Target, onReady: () => void): Promise<void> {
  const { attackerCount, restMs, life } = attacks[name];
  let toCome = attackerCount;
  const attacker = async (at: number): Promise<void> => {
    // Spread over the time that each rests, so that they do not come together.
    await pause((at * restMs) / attackerCount);
    let isNew = true;
    const arrived = (): void => {
      if (isNew && --toCome === 0) setTimeout(onReady, settleMs);
      isNew = false;
    };
    for (;;) {
      await life(target, arrived).catch(arrived);
      await pause(restMs);
    }
  };
  await Promise.all(Array.from({ length: attackerCount }, (_, at) => attacker(at)));
}

function gone(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', resolve));
}

async function dialPlain({ host, port }: Target): Promise<net.Socket> {
  const socket = net.connect({ host, port });
  await reached(socket, 'connect');
  return socket;
}

let credentials: tls.SecureContext | undefined;

/** A peer whose certificate is good. */
async function dialPeer({ host, port, tls: files }: Target): Promise<tls.TLSSocket> {
  const { ca, cert, key } = files ?? { ca: '', cert: '', key: '' };
  credentials ??= tls.createSecureContext({ ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) });
  const socket = tls.connect({ host, port, secureContext: credentials, checkServerIdentity: () => undefined });
  await reached(socket, 'secureConnect');
  return socket;
}

/** Rejects for a socket that fails, or gets nowhere in `dialMs`. */
async function reached(socket: net.Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  try {
    await once(socket, event, { signal: AbortSignal.timeout(dialMs) });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.on('error', () => {});
  }
}

let hello: Promise<Buffer> | undefined;

/** The first bytes that a client sends. */
async function clientHello(): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = tls.connect({ host: '127.0.0.1', port, ecdhCurve: 'X25519' }).on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return bytes;
}

async function silent(target: Target, arrived: () => void): Promise<void> {
  const socket = await dialPlain(target);
  arrived();
  await gone(socket);
}

async function halfHandshake(target: Target, arrived: () => void): Promise<void> {
  hello ??= clientHello();
  const bytes = await hello;
  const socket = await dialPlain(target);
  socket.write(bytes);
  socket.resume();
  arrived();
  await gone(socket);
}

async function strangersHandshake({ host, port }: Target, arrived: () => void): Promise<void> {
  const options = { host, port, rejectUnauthorized: false, ecdhCurve: 'X25519' };
  const socket = tls.connect(options).on('error', () => {});
  socket.resume();
  socket.setTimeout(dialMs, () => socket.destroy());
  await gone(socket);
  arrived();
}

function trickling(begin: Buffer): Life {
  return async (target, arrived) => {
    const socket = await dialPeer(target);
    socket.resume();
    socket.write(begin);
    arrived();
    const timer = setInterval(() => socket.write('x'), trickleMs);
    await gone(socket);
    clearInterval(timer);
  };
}

function notReading(bytes: Buffer): Life {
  return async (target, arrived) => {
    const socket = await dialPeer(target);
    socket.pause();
    socket.write(bytes);
    arrived();
    await gone(socket);
  };
}

function repeated(bytes: Buffer, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}
