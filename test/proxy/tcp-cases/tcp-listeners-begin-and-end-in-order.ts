// What a TCP listener lets in, and what becomes of its relays when it drains, when the process ends, and when a trust bundle is withdrawn.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { createDevCa, type DevCa } from '../../../src/identity/dev-ca.ts';
import { put } from '../../harness/sidecar-process.ts';
import { broken, call, serve, type TcpRecord, TcpWorld, textOf } from '../../harness/tcp-world.ts';
import { waitFor } from '../../harness/wait-for.ts';

async function echoWorld(t: TestContext, more: { readonly inbound?: string; readonly outbound?: string } = {}) {
  const server = await serve(t, (socket) => socket.pipe(socket));
  return TcpWorld.open(t, { server, ...more });
}

/** One that is open from end to end. */
async function opened(socket: net.Socket): Promise<net.Socket> {
  await answered(socket, 'hello');
  return socket;
}

async function answered(socket: net.Socket, word: string): Promise<void> {
  socket.write(word);
  assert.equal(String((await once(socket, 'data'))[0]), word);
}

for (const side of ['inbound', 'outbound'] as const) {
  test(`${side} \`limits.connections\` sends away who is too much, and nobody who is there`, async (t) => {
    const world = await echoWorld(t, { [side]: '    limits: { connections: 1 }\n' });
    const first = await opened(call(world.port));
    await broken(call(world.port));
    await answered(first, 'still here');
    first.end();
    await textOf(first);
    const one = side === 'inbound' ? world.database : world.front;
    await waitFor('the first to have gone', () => one.sidecar.parts.listeners.connectionCount === 0);
    await waitFor('the first to have gone', () => one.sidecar.parts.outbound.connectionCount === 0);
    const next = await opened(call(world.port));
    next.destroy();
  });
}

test('a drain lets what is open go on and end, and takes nobody new at its end', async (t) => {
  const world = await echoWorld(t);
  const socket = await opened(call(world.port));
  const patience = new AbortController();
  const stopped = world.database.sidecar.stop(60_000, patience.signal);
  await answered(socket, 'while it drains');
  socket.end();
  await textOf(socket);
  const { end } = await world.ended(world.database);
  assert.deepEqual([end.outcome?.result, end.outcome?.request_bytes], ['closed', 20]);
  patience.abort();
  assert.equal(await stopped, true);
  await broken(call(world.port));
});

test('what has not ended when the drain is over is cut off, with that on record', async (t) => {
  const world = await echoWorld(t);
  const socket = await opened(call(world.port));
  const cut = broken(socket);
  assert.equal(await world.database.sidecar.stop(0, AbortSignal.abort()), false);
  await cut;
  const { end } = await world.ended(world.database);
  assert.deepEqual([end.outcome?.result, end.outcome?.detail], ['drained', 'the sidecar stopped']);
});

async function direct(ca: DevCa, world: TcpWorld): Promise<net.Socket> {
  const svid = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/shop/front' });
  const shown = { cert: svid.certChainPem, key: svid.keyPem, ca: world.ca.bundlePem };
  const options = { ...shown, port: world.serverPort, host: '127.0.0.1', checkServerIdentity: () => undefined };
  return opened(tls.connect(options));
}

test('a bundle that is withdrawn ends the relays that rested on it, and no others', async (t) => {
  const world = await echoWorld(t);
  const second = await createDevCa({ dir: path.join(world.dir, 'second'), trustDomain: 'prod.acme.com' });
  put(world.database.dir, 'bundle.pem', world.ca.bundlePem + second.bundlePem);
  await world.database.sidecar.reload();
  const [lost, kept] = [await direct(second, world), await direct(world.ca, world)];
  const cut = broken(lost);
  put(world.database.dir, 'bundle.pem', world.ca.bundlePem);
  await world.database.sidecar.reload();
  await cut;
  await answered(kept, 'still here');
  const isEnd = (one: TcpRecord): boolean => one.reason === 'reauth_revoked';
  await waitFor('the end on record', () => world.database.records().find(isEnd));
  kept.destroy();
});
