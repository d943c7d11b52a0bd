// What a TCP listener lets in, and what becomes of its relays when it drains, when the process ends, and when a trust bundle is withdrawn.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import type { PosternConfig } from '../../../src/config/postern-config.ts';
import { createDevCa, type DevCa } from '../../../src/identity/dev-ca.ts';
import { refuseFixed } from '../../../src/runtime/fixed-settings.ts';
import { parse, smallest } from '../../config/sample-config.ts';
import { put } from '../../harness/sidecar-process.ts';
import { broken, call, serve, type TcpRecord, type TcpSide, TcpWorld, textOf } from '../../harness/tcp-world.ts';
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

async function reconfigure(side: TcpSide, from: string, to: string): Promise<void> {
  const file = path.join(side.dir, 'postern.yaml');
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(from));
  put(side.dir, 'postern.yaml', text.replace(from, to));
  await side.sidecar.reload();
}

test('an address goes over to another name by a reload: it always takes callers, and those who are there stay', async (t) => {
  const world = await echoWorld(t);
  const staying = await opened(call(world.port));
  let isOver = false;
  const callers = (async () => {
    while (!isOver) (await opened(call(world.port))).destroy();
  })();
  await reconfigure(world.database, '- name: orders', '- name: renamed');
  await reconfigure(world.front, '- name: to-orders', '- name: to-renamed');
  isOver = true;
  await callers;
  (await opened(call(world.port))).destroy();
  for (const [side, name] of [
    [world.database, 'renamed'],
    [world.front, 'to-renamed'],
  ] as const) {
    const isThere = (one: TcpRecord): boolean => one.type === 'decision' && one.listener === name;
    await waitFor(`a connection to ${name}`, () => side.records().find(isThere));
  }
  await answered(staying, 'still here');
  staying.destroy();
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

test('an address that goes over to the other direction needs a start, and so does another mode of its socket', () => {
  const inbound = (name: string, more = '') =>
    parse(smallest.replace('name: api', `name: ${name}`).replace('0.0.0.0:8443', `unix:/run/x${more}`));
  const outbound = parse(
    smallest.replace(
      /inbound:.*?(?=policy:)/s,
      'outbound:\n  - { name: out, listen: "unix:/run/x", to: ["o:1"], accept: ["spiffe://a.example/x"] }\n',
    ),
  );
  const inboundTcp = parse(
    smallest.replace('0.0.0.0:8443', 'unix:/run/x').replace('forward: http', 'protocol: tcp\n    forward: tcp'),
  );
  refuseFixed(inbound('api'), inbound('other'));
  const refusals: readonly (readonly [from: PosternConfig, to: PosternConfig, message: RegExp])[] = [
    [inbound('api'), outbound, /`outbound out\.listen \(unix:\/run\/x was of the other direction\)`/],
    [outbound, inbound('api'), /`inbound api\.listen \(unix:\/run\/x was of the other direction\)`/],
    [inbound('api'), inbound('other', '\n    socket_mode: "0660"'), /`inbound other\.socket_mode`/],
    [inbound('api'), inboundTcp, /`inbound api\.protocol`/],
  ];
  for (const [from, to, message] of refusals) assert.throws(() => refuseFixed(from, to), message);
});
