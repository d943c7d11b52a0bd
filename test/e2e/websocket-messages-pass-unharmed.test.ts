// WebSocket through the tunnel, by a library at either end: every kind of message, of every size, cut anywhere, comes back
// as it was sent, and each side's close reaches the other.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { journalRecords } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { closedWith, nextMessage, opened, WebSocketWorld } from '../harness/websocket-world.ts';

interface JournalLine {
  readonly type: string;
  readonly decision_id: string;
  readonly decision?: string;
  readonly http?: { readonly path: string; readonly upgrade?: string };
  readonly outcome?: {
    readonly result: string;
    readonly status: number;
    readonly request_bytes: number;
    readonly response_bytes: number;
  };
}

const cleanups: (() => Promise<void> | void)[] = [];
let world: WebSocketWorld;

before(async () => {
  world = await WebSocketWorld.create({ after: (fn) => void cleanups.push(fn) });
  world.echo();
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

for (const deflate of [false, true]) {
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_048_576, ...(deflate ? [] : [16_777_216])]) {
    test(`a binary message of ${size} bytes comes back${deflate ? ', compressed on the way' : ''}`, async () => {
      const socket = world.connect({ deflate });
      await opened(socket);
      assert.equal(socket.extensions !== '', deflate, 'the extension is negotiated end to end');
      const bytes = randomBytes(size);
      socket.send(bytes);
      const got = await nextMessage(socket);
      assert.equal(got.isBinary, true);
      assert.ok(got.data.equals(bytes));
      socket.close();
      await closedWith(socket);
    });
  }
}

test('text comes back as text, characters beyond ASCII included', async () => {
  const socket = world.connect();
  await opened(socket);
  socket.send('Grüße, 世界 🌍');
  const got = await nextMessage(socket);
  assert.equal(got.isBinary, false);
  assert.equal(got.data.toString(), 'Grüße, 世界 🌍');
  socket.close(1000);
});

test('a message in fragments, with a ping between them, comes back whole', async () => {
  const socket = world.connect();
  await opened(socket);
  let pongs = 0;
  socket.on('pong', (data) => {
    if (data.toString() === 'between') pongs++;
  });
  const pieces = Array.from({ length: 50 }, () => randomBytes(1_000));
  for (const [at, piece] of pieces.entries()) {
    socket.send(piece, { fin: at === pieces.length - 1, binary: true });
    if (at === 25) socket.ping('between');
  }
  const got = await nextMessage(socket);
  assert.ok(got.data.equals(Buffer.concat(pieces)));
  assert.equal(pongs, 1);
  socket.close();
});

test('5,000 small messages come back in order', async () => {
  const socket = world.connect();
  await opened(socket);
  const got: string[] = [];
  socket.on('message', (data) => got.push(String(data)));
  for (let at = 0; at < 5_000; at++) socket.send(String(at));
  await waitFor('all of them', () => got.length === 5_000);
  assert.deepEqual(
    got,
    Array.from({ length: 5_000 }, (_, at) => String(at)),
  );
  socket.close();
});

test('frames cut at random places come back whole', async () => {
  const socket = world.connect();
  await opened(socket);
  const raw = (socket as unknown as { _socket: { write(bytes: Buffer): boolean } })._socket;
  const whole = raw.write.bind(raw);
  const got: Buffer[] = [];
  socket.on('message', (data) => got.push(data as Buffer));
  // Each piece is a TLS record of its own.
  raw.write = (bytes: Buffer) => {
    let more = true;
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + Math.floor(Math.random() * 700);
      more = whole(bytes.subarray(at, at + size));
      at += size;
    }
    return more;
  };
  const sent = Array.from({ length: 100 }, (_, at) => randomBytes(at * 37));
  for (const bytes of sent) socket.send(bytes);
  await waitFor('all of them', () => got.length === sent.length);
  assert.ok(Buffer.concat(got).equals(Buffer.concat(sent)));
  socket.close();
});

test('60 MB to a workload that is slow to read stay out of the sidecar’s memory', async () => {
  const stalled = new Promise<import('ws').WebSocket>((resolve) => world.server.once('connection', resolve));
  const socket = world.connect({ path: '/slow' });
  await opened(socket);
  const held = await stalled;
  held.removeAllListeners('message');
  held.pause();
  let received = 0;
  held.on('message', (data) => {
    received += (data as Buffer).length;
  });
  const before = world.sidecar.residentBytes;
  const piece = randomBytes(1_000_000);
  for (let at = 0; at < 60; at++) socket.send(piece);
  let waiting = { bytes: -1, sinceMs: 0 };
  await waitFor('the sender to be held back', () => {
    if (socket.bufferedAmount !== waiting.bytes) waiting = { bytes: socket.bufferedAmount, sinceMs: performance.now() };
    return performance.now() - waiting.sinceMs > 500;
  });
  assert.ok(waiting.bytes > 20_000_000, `what waits at the sender: ${waiting.bytes}`);
  assert.ok(world.sidecar.residentBytes - before < 25_000_000, 'what is not taken waits at the sender');
  held.resume();
  await waitFor('all bytes', () => received === 60_000_000, 20_000);
  socket.close();
});

test('a close by the caller reaches the workload, and its answer the caller', async () => {
  const accepted = new Promise<import('ws').WebSocket>((resolve) => world.server.once('connection', resolve));
  const socket = world.connect();
  await opened(socket);
  const atWorkload = closedWith(await accepted);
  const atCaller = closedWith(socket);
  socket.close(4001, 'enough');
  assert.deepEqual(await atWorkload, { code: 4001, reason: 'enough' });
  assert.equal((await atCaller).code, 4001);
});

test('a close by the workload reaches the caller', async () => {
  const accepted = new Promise<import('ws').WebSocket>((resolve) => world.server.once('connection', resolve));
  const socket = world.connect();
  await opened(socket);
  const atCaller = closedWith(socket);
  (await accepted).close(1012, 'restart');
  assert.deepEqual(await atCaller, { code: 1012, reason: 'restart' });
});

test('a workload that breaks off takes the caller’s connection with it', async () => {
  const accepted = new Promise<import('ws').WebSocket>((resolve) => world.server.once('connection', resolve));
  const socket = world.connect();
  await opened(socket);
  const atCaller = closedWith(socket);
  (await accepted).terminate();
  assert.equal((await atCaller).code, 1006);
});

test('a caller that breaks off takes the workload’s connection with it', async () => {
  const accepted = new Promise<import('ws').WebSocket>((resolve) => world.server.once('connection', resolve));
  const socket = world.connect();
  await opened(socket);
  const atWorkload = closedWith(await accepted);
  socket.terminate();
  assert.equal((await atWorkload).code, 1006);
});

test('the decision says that it is a WebSocket, and the outcome how much passed', async () => {
  const before = journalRecords(world.mesh.journalDir).length;
  const socket = world.connect({ path: '/recorded' });
  await opened(socket);
  socket.send(randomBytes(10_000));
  await nextMessage(socket);
  socket.close();
  await closedWith(socket);
  const { decision, end } = await waitFor('the outcome', () => {
    const fresh = journalRecords(world.mesh.journalDir).slice(before) as unknown as JournalLine[];
    const found = fresh.find((one) => one.http?.path === '/recorded');
    const outcome = fresh.find((one) => one.type === 'outcome' && one.decision_id === found?.decision_id)?.outcome;
    return found === undefined || outcome === undefined ? null : { decision: found, end: outcome };
  });
  assert.equal(decision.http?.upgrade, 'websocket');
  assert.equal(decision.decision, 'allow');
  assert.deepEqual([end.result, end.status], ['answered', 101]);
  assert.ok(end.request_bytes > 10_000 && end.request_bytes < 10_100, `towards the workload: ${end.request_bytes}`);
  assert.ok(end.response_bytes > 10_000 && end.response_bytes < 10_100, `towards the caller: ${end.response_bytes}`);
});

test('all that were opened are closed, and what passed is counted', async () => {
  await waitFor('no open WebSocket', async () => (await world.sidecar.metric('postern_websockets_open')) === 0);
  assert.ok((await world.sidecar.metric('postern_websocket_bytes_total', { direction: 'in' })) > 60_000_000);
  assert.ok((await world.sidecar.metric('postern_websockets_ended_total', { result: 'answered' })) > 10);
  assert.equal(await world.sidecar.metric('postern_upstream_connections_open'), 0, 'none went back to the pool');
});
