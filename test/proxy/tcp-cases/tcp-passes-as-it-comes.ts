// A TCP connection through two sidecars: judged and recorded before anybody is dialled, relayed as it comes both ways.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { call, serve, TcpWorld, textOf } from '../../harness/tcp-world.ts';
import { waitFor } from '../../harness/wait-for.ts';

test('a server who speaks first is heard, both sides may end by themselves, and both ends are on record', async (t) => {
  const seen: string[] = [];
  const server = await serve(t, (socket) => {
    socket.write('220 ready\r\n');
    socket.on('data', (bytes) => seen.push(String(bytes)));
    socket.on('end', () => socket.end(`got ${seen.join('')}, bye`));
  });
  const world = await TcpWorld.open(t, { server });
  const socket = call(world.port);
  assert.equal(String((await once(socket, 'data'))[0]), '220 ready\r\n');
  socket.end('HELO');
  assert.equal(await textOf(socket), 'got HELO, bye');

  for (const [side, direction, id] of [
    [world.front, 'outbound', 'spiffe://prod.acme.com/ns/shop/front'],
    [world.database, 'inbound', 'spiffe://prod.acme.com/ns/shop/front'],
  ] as const) {
    const { begin, end } = await world.ended(side);
    assert.deepEqual(
      [begin.decision, begin.principal?.workload_id, begin.network?.direction, begin.resource?.name],
      ['allow', id, direction, 'orders'],
    );
    assert.deepEqual([begin.action?.required, begin.action?.protocol], [['read', 'write'], 'tcp']);
    assert.deepEqual(
      [end.outcome?.result, end.outcome?.request_bytes, end.outcome?.response_bytes],
      ['closed', 4, 11 + 13],
    );
  }
});

test('megabytes both ways at once arrive as they were sent, also to a side that reads slowly', async (t) => {
  const server = await serve(t, (socket) => {
    socket.pipe(socket);
  });
  const world = await TcpWorld.open(t, { server });
  const socket = call(world.port);
  const piece = Buffer.alloc(65_536, 'abcdefghijklmnop');
  const total = 8 * 1024 * 1024;
  let sent = 0;
  const fill = (): void => {
    while (sent < total) {
      sent += piece.length;
      if (!socket.write(piece)) return;
    }
    socket.end();
  };
  socket.on('drain', fill);
  fill();
  // Nobody reads for a while: what is on its way has to wait, in bounded buffers.
  await waitFor('back-pressure to reach the sender', () => socket.writableLength > 0 && sent < total);
  let got = 0;
  for await (const bytes of socket) {
    const expected = Buffer.from(piece.subarray(got % 16, (got % 16) + (bytes as Buffer).length));
    assert.ok(expected.length < (bytes as Buffer).length || expected.equals(bytes as Buffer));
    got += (bytes as Buffer).length;
  }
  assert.equal(got, total);
  const { end } = await world.ended(world.database);
  assert.deepEqual([end.outcome?.request_bytes, end.outcome?.response_bytes], [total, total]);
});

test('what is cut off at one end is cut off at the other, never ended as if it were whole', async (t) => {
  const server = await serve(t, (socket) => {
    socket.write('half of it');
    socket.on('data', () => socket.resetAndDestroy());
  });
  const world = await TcpWorld.open(t, { server });
  const socket = call(world.port);
  await once(socket, 'data');
  socket.write('x');
  const [error] = await once(socket, 'error');
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
  const { end } = await world.ended(world.database);
  assert.equal(end.outcome?.result, 'upstream_failed');
});
