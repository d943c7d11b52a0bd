// An accepted socket read into one buffer: on the pinned Node it is, nothing is lost or written over, and pausing pauses.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { readSteadily } from '../../src/proxy/steady-reading.ts';
import { waitFor } from '../harness/wait-for.ts';

test('views that are held stay as they were, views that are not share one buffer, and a pause holds', async (t) => {
  const server = net.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void server.close());
  const sender = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  t.after(() => void sender.destroy());
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  t.after(() => void socket.destroy());
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) & 255));
  const held: Buffer[] = [];
  const buffers = new Set<ArrayBufferLike>();
  let got = 0;
  readSteadily(socket, 4_096, (view) => {
    assert.ok(view.equals(sent.subarray(got, got + view.length)));
    got += view.length;
    buffers.add(view.buffer);
    const isHeld = buffers.size < 3;
    if (isHeld) held.push(view);
    if (got > 100_000 && !socket.isPaused() && held.length < 100) {
      held.length = 100;
      socket.pause();
    }
    return isHeld;
  });
  assert.equal(socket.listenerCount('data'), 0, 'this Node keeps other names: see src/proxy/steady-reading.ts');
  sender.write(sent);
  await waitFor('the pause', () => socket.isPaused());
  const whenPaused = got;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(got, whenPaused);
  socket.resume();
  sender.end();
  await once(socket, 'end');
  assert.equal(got, sent.length);
  const [first, second] = held;
  assert.ok(Buffer.concat([first!, second!]).equals(sent.subarray(0, first!.length + second!.length)));
  assert.equal(buffers.size, 3);
});
