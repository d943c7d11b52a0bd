// Each limit of a listener: its answer, and that the next good request works.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
let workload: RecordingWorkload;
let mesh: Mesh;
let caller: PeerCredentials;

before(async () => {
  workload = await RecordingWorkload.start();
  scope.after(() => workload.stop());
  mesh = await Mesh.create(scope, {
    workloadPort: workload.port,
    inbound: `    limits: { header: 500ms, idle: 700ms, handshake: 500ms, request: 3s, header_bytes: 4KiB, headers: 20,
              body_bytes: 10KiB }
`,
  });
  await mesh.start(scope);
  caller = await mesh.caller();
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function open(): Promise<RawPeer> {
  return RawPeer.connect(mesh.port, caller).secured();
}

async function goodRequestWorks(): Promise<void> {
  const peer = await open();
  peer.send('GET /good HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(await peer.expect('ok'), /^HTTP\/1.1 200 /);
  peer.close();
}

const rows: readonly [name: string, bytes: string, status: number][] = [
  ['a head above header_bytes', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(5000)}\r\n\r\n`, 431],
  ['more field lines than headers', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(30)}\r\n`, 431],
  ['a body longer than body_bytes', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n', 413],
  [
    'a chunked body that grows beyond body_bytes',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n${'x'.repeat(0x5000)}\r\n`,
    413,
  ],
  [
    'trailers that grow and do not end',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(2_000)}`,
    431,
  ],
  ['a head that does not end', 'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n', 408],
];
for (const [name, bytes, status] of rows) {
  test(`${name} gets ${status} and the connection ends`, async () => {
    const peer = await open();
    peer.send(bytes);
    assert.match(await peer.ended(), new RegExp(`^HTTP/1.1 ${status} `));
    await goodRequestWorks();
  });
}

test('a head that trickles is ended by its whole time, not by the pause between bytes', async () => {
  const peer = await open();
  const started = performance.now();
  const bytes = 'GET / HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy';
  let at = 0;
  const timer = setInterval(() => !peer.closed && peer.send(bytes[at++ % bytes.length]!), 50);
  try {
    assert.match(await peer.ended(), /^HTTP\/1.1 408 /);
  } finally {
    clearInterval(timer);
  }
  assert.ok(performance.now() - started < 15_000);
});

test('an idle connection is closed quietly', async () => {
  const peer = await open();
  assert.equal(await peer.ended(), '');
});

test('a handshake that is never finished is ended, and a plain-text caller is refused', async () => {
  const silent = net.connect(mesh.port, '127.0.0.1');
  const closed = new Promise((resolve) => silent.on('close', resolve));
  silent.on('error', () => {});
  silent.resume();
  await closed;
  const plain = net.connect(mesh.port, '127.0.0.1');
  const ended = new Promise((resolve) => plain.on('close', resolve));
  plain.on('error', () => {});
  plain.resume();
  plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await ended;
  await goodRequestWorks();
});

test('a request that takes too long as a whole is ended', async () => {
  workload.behave = () => {};
  const peer = await open();
  peer.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(await peer.expect('}'), /^HTTP\/1.1 504 /);
  peer.close();
  workload.behave = answerOk;
  await goodRequestWorks();
});

test('what a peer sends far ahead of its answer is left in the kernel', async () => {
  workload.behave = () => {};
  const peer = await open();
  peer.send('GET /silent HTTP/1.1\r\nHost: a\r\n\r\n');
  const ahead = Buffer.from('GET /ahead HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(30_000));
  let taken = 0;
  const send = (): void => {
    if (!peer.closed && taken < 300_000_000) peer.socket.write(ahead, send);
    taken += ahead.length;
  };
  send();
  await peer.expect('HTTP/1.1 504');
  peer.close();
  workload.behave = answerOk;
  // What the kernel holds on both sides, and little more.
  assert.ok(taken < 48_000_000, `${taken} bytes taken`);
  await goodRequestWorks();
});

test('a peer that vanished without a word is looked for by the kernel', async () => {
  const peer = await open();
  const port = mesh.port.toString(16).toUpperCase().padStart(4, '0');
  // Fields of /proc/net/tcp: number, local address, remote address, state (01: established), queues, timer (02: keep-alive).
  const timers = (): string[] =>
    readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(`:${port}`) && fields[3] === '01')
      .map((fields) => fields[5]!.slice(0, 2));
  await waitFor('its keep-alive timer', () => timers().length > 0 && timers().every((timer) => timer === '02'), 600);
  peer.close();
});

test('connections above the limit are closed at once and those below go on', async (t) => {
  const inbound = '    limits: { connections: 30 }\n';
  const crowded = await Mesh.create(t, { workloadPort: workload.port, inbound });
  const process = await crowded.start(t);
  const credentials = await crowded.caller();
  const peers = await Promise.all(
    Array.from({ length: 30 }, () => RawPeer.connect(crowded.port, credentials).secured()),
  );
  const surplus = Array.from({ length: 10 }, () => net.connect(crowded.port, '127.0.0.1'));
  const closed = surplus.map(
    (socket) =>
      new Promise<void>((resolve) => {
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      }),
  );
  await Promise.all(closed);
  peers[0]!.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await peers[0]!.expect('ok');
  for (const peer of peers) peer.close();
  await waitFor('room again', async () => {
    const peer = await RawPeer.connect(crowded.port, credentials).secured();
    peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('an answer or the end', () => peer.received !== '' || peer.closed);
    peer.close();
    return peer.received.startsWith('HTTP/1.1 200');
  });
  // Those who asked for room may have been too early.
  assert.ok((await process.metric('postern_limits_met_total', { limit: 'connections' })) >= 10);
});

test('a peer that pipelines is served in order', async () => {
  const peer = await open();
  // In the order in which they came, whichever kept connection brought them.
  const order: number[] = [];
  workload.behave = (connection, piece) => {
    for (const [, at] of piece.toString('latin1').matchAll(/GET \/p(\d+) /g)) order.push(Number(at));
    answerOk(connection, piece);
  };
  peer.send(Array.from({ length: 20 }, (_, at) => `GET /p${at} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  await waitFor('twenty answers', () => peer.received.split('HTTP/1.1 200').length === 21);
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, at) => at),
  );
  workload.behave = answerOk;
  peer.close();
});
