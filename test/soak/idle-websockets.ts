// `npm run soak:sockets [COUNT]`: 5,000 WebSockets that are open and idle, through two Posterns: plain callers, their sidecar, mutual TLS,
// the sidecar of the workload. Says what one costs either sidecar in resident memory, and what stays when all have gone. Each gets a
// message through after the rest, octet by octet; none may end by itself. Needs 4 descriptors a socket; Node itself raises `ulimit -n` to the
// hard limit.

import { once } from 'node:events';
import net from 'node:net';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { CallingWorld } from '../harness/calling-world.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import type { SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { handshake, websocketAccept } from '../harness/websocket-world.ts';

const socketCount = Number(process.argv[2] ?? 5_000);
const openAtOnce = 25;
/** A quiet process collects its garbage within seconds; then its memory stands still. */
const restMs = 15_000;
/** Some 50 KB of it are the TLS state of OpenSSL with the certificates of the other side, and the buffers of Node before it. */
const mostSocketBytes = 96 * 1024;
/** What may stay of a socket that is gone. */
const mostKeptBytes = 8 * 1024;

const answer = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${websocketAccept}\r\n\r\n`;
/** A masked ping with 4 octets (RFC 6455 §5.5.2); the workload sends back what it gets, so that it is seen unharmed. */
const ping = Buffer.from([0x89, 0x84, 1, 2, 3, 4, 0x60, 0x61, 0x62, 0x63]);

const cleanups: (() => Promise<void> | void)[] = [];
const lived = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };

interface Caller {
  readonly socket: net.Socket;
  received: Buffer;
}

async function soak(): Promise<string[]> {
  const workload = await RecordingWorkload.start((connection, piece) => {
    connection.bytes = Buffer.alloc(0);
    connection.socket.write(piece.toString('latin1').startsWith('GET /') ? answer : piece);
  });
  lived.after(() => workload.stop());
  const limits = `limits: { connections: ${socketCount + 10}, connect: 20s, handshake: 20s }`;
  const world = await CallingWorld.create(lived, { workloadPort: workload.port }, (server) => ({
    sockets: `to: [${server}], accept: ["spiffe://prod.acme.com/ns/payments/*"], ${limits}`,
  }));
  const sides = { 'of the callers': world.client, 'of the workload': world.server! };
  const port = world.ports['sockets']!;
  // The first of a kind loads code, and grows buffers that all share.
  await leave(await openAll(port, 100));
  await pause(restMs);
  const before = residentOf(sides);
  const callers = await openAll(port, socketCount);
  await pause(restMs);
  const open = residentOf(sides);
  const faults = await faultsOf(callers, sides);
  await leave(callers);
  await waitFor('everybody to have gone', async () => (await openOf(sides)).every((count) => count === 0), 60_000);
  await pause(restMs);
  const after = residentOf(sides);
  for (const [at, name] of Object.keys(sides).entries()) {
    const each = (open[at]! - before[at]!) / socketCount;
    const kept = (after[at]! - before[at]!) / socketCount;
    console.log(
      `sidecar ${name}: ${mb(before[at]!)} MB idle, ${mb(open[at]!)} MB with ${socketCount} idle WebSockets, ${mb(after[at]!)} MB after them: ` +
        `${(each / 1024).toFixed(1)} KB a socket, of which ${(kept / 1024).toFixed(1)} KB stay`,
    );
    if (each > mostSocketBytes) faults.push(`${name}: a socket costs more than ${mostSocketBytes} bytes`);
    if (kept > mostKeptBytes) faults.push(`${name}: more than ${mostKeptBytes} bytes of a socket stay`);
  }
  return faults;
}

/** Of the sockets that are open: each has to be there still, and to pass on what is sent. */
async function faultsOf(callers: readonly Caller[], sides: Sides): Promise<string[]> {
  const faults: string[] = [];
  for (const [at, count] of (await openOf(sides)).entries()) {
    if (count !== callers.length) faults.push(`side ${at} has ${count} tunnels open, not ${callers.length}`);
  }
  for (const caller of callers) {
    caller.received = Buffer.alloc(0);
    caller.socket.write(ping);
  }
  const isBack = ({ received }: Caller): boolean => received.equals(ping);
  await waitFor('every ping to be back', () => callers.every(isBack), 120_000).catch(() => {});
  const lost = callers.filter((one) => !isBack(one)).length;
  if (lost > 0) faults.push(`${lost} pings did not come back as they were`);
  return faults;
}

type Sides = Readonly<Record<string, SidecarProcess>>;

function residentOf(sides: Sides): readonly number[] {
  return Object.values(sides).map((side) => side.residentBytes);
}

function openOf(sides: Sides): Promise<readonly number[]> {
  return Promise.all(Object.values(sides).map((side) => side.metric('postern_websockets_open')));
}

async function openAll(port: number, count: number): Promise<readonly Caller[]> {
  const opened: Caller[] = [];
  while (opened.length < count) {
    const next = Array.from({ length: Math.min(openAtOnce, count - opened.length) }, () => openOne(port));
    opened.push(...(await Promise.all(next)));
  }
  return opened;
}

async function openOne(port: number): Promise<Caller> {
  const socket = net.connect(port, '127.0.0.1');
  const caller: Caller = { socket, received: Buffer.alloc(0) };
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    caller.received = Buffer.concat([caller.received, bytes]);
  });
  socket.write(handshake('/ws'));
  await waitFor('a tunnel', () => socket.destroyed || caller.received.includes('\r\n\r\n'));
  if (!caller.received.toString('latin1').startsWith('HTTP/1.1 101')) {
    throw new Error(`no tunnel: ${caller.received.toString('latin1').slice(0, 200)}`);
  }
  return caller;
}

async function leave(callers: readonly Caller[]): Promise<void> {
  await Promise.all(callers.map(({ socket }) => once(socket.destroy(), 'close')));
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

try {
  const faults = await soak();
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup();
}
