// Each conversation of websocket-cases.ts, with an echo server of the library `ws`: once without a sidecar, once through it.
// The octets that come back are the same, to the last one, and so is the end.

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { RawPeer } from '../harness/raw-peer.ts';
import { waitFor } from '../harness/wait-for.ts';
import { handshake, WebSocketWorld } from '../harness/websocket-world.ts';
import { type WebSocketCase, websocketCases } from './websocket-cases.ts';

const cleanups: (() => Promise<void> | void)[] = [];
let world: WebSocketWorld;
let directPort: number;

before(async () => {
  world = await WebSocketWorld.create({ after: (fn) => void cleanups.push(fn) });
  world.echo();
  directPort = ((world.server.options.server as net.Server).address() as AddressInfo).port;
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** What comes back until the server closes, behind the head of its 101. */
async function conversation(socket: net.Socket, one: WebSocketCase): Promise<Buffer> {
  const received: Buffer[] = [];
  let size = 0;
  let isOver = false;
  socket.on('data', (bytes: Buffer) => {
    received.push(bytes);
    size += bytes.length;
  });
  // A server that closes for a fault may leave octets of ours unread: then its kernel resets.
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    isOver = true;
  });
  socket.write(handshake('/cases', one.deflate ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : ''));
  await waitFor('the 101', () => isOver || (size > 0 && Buffer.concat(received).includes('\r\n\r\n')));
  for (const piece of one.pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitFor('the end', () => isOver);
  const all = Buffer.concat(received);
  assert.equal(all.subarray(0, 12).toString(), 'HTTP/1.1 101');
  return all.subarray(all.indexOf('\r\n\r\n') + 4);
}

/** The code in the last frame, which is a close; null for one without. */
function closeCode(octets: Buffer): number | null {
  let last: { opcode: number; payload: Buffer } = { opcode: -1, payload: Buffer.alloc(0) };
  for (let at = 0; at < octets.length; ) {
    const short = octets[at + 1]! & 0x7f;
    const size =
      short === 126 ? octets.readUInt16BE(at + 2) : short === 127 ? Number(octets.readBigUInt64BE(at + 2)) : short;
    const start = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    last = { opcode: octets[at]! & 0x0f, payload: octets.subarray(start, start + size) };
    at = start + size;
  }
  assert.equal(last.opcode, 8, 'the last frame is a close');
  return last.payload.length === 0 ? null : last.payload.readUInt16BE(0);
}

/** How many at once: each waits for its peer most of the time. */
const abreast = 8;

async function compare(one: WebSocketCase): Promise<void> {
  const direct = net.connect({ port: directPort, host: '127.0.0.1', noDelay: true });
  const peer = RawPeer.connect(world.mesh.port, world.caller);
  const [plain, tunnelled] = await Promise.all([conversation(direct, one), conversation(peer.socket, one)]);
  assert.equal(closeCode(plain), one.endsWith, `${one.name}: the server itself`);
  assert.ok(tunnelled.equals(plain), `${one.name}: ${tunnelled.length} octets through the tunnel, not ${plain.length}`);
}

test(`${websocketCases.length} conversations end as without a tunnel, octet for octet`, async () => {
  assert.ok(websocketCases.length > 100);
  const left = [...websocketCases];
  const lane = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await compare(one);
  };
  await Promise.all(Array.from({ length: abreast }, lane));
  await waitFor('no open WebSocket', async () => (await world.sidecar.metric('postern_websockets_open')) === 0);
});
