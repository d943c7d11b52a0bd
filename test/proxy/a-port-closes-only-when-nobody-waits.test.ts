// The kernel resets connections that are complete and not accepted when their socket closes; so nobody may wait then.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { test } from 'node:test';
import type { BindOptions } from '../../src/lib/bind-server.ts';
import { ListeningPort } from '../../src/proxy/listening-port.ts';
import { waitFor } from '../harness/wait-for.ts';

const options: BindOptions = {
  address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  who: 'a test',
  key: 'listen',
  reusePort: false,
  socketMode: 0o600,
};

async function openPort(onConnection: (socket: net.Socket) => void): Promise<{ port: ListeningPort; at: number }> {
  const port = new ListeningPort({ onConnection, onFault: () => {} });
  await port.bind(options);
  return { port, at: Number(port.address.split(':').at(-1)) };
}

test('connections that wait when a port stops are accepted before it closes', async () => {
  let accepted = 0;
  const { port, at } = await openPort((socket) => {
    accepted++;
    socket.on('error', () => {});
    socket.end('hello');
  });
  const faults: string[] = [];
  let greeted = 0;
  const first = Promise.withResolvers<void>();
  for (let count = 0; count < 100; count++) {
    const client = net.connect(at, '127.0.0.1', () => first.resolve());
    client.on('data', () => greeted++);
    client.on('error', (error: NodeJS.ErrnoException) => faults.push(error.code ?? error.message));
  }
  await first.promise;
  const before = accepted;
  await port.stop();
  assert.ok(before < 100, 'some waited, or this shows nothing');
  assert.equal(port.isListening, false);
  await waitFor('all to be served', () => greeted + faults.length === 100);
  assert.deepEqual(faults, []);
  await assert.rejects(new Promise((_, reject) => net.connect(at, '127.0.0.1').on('error', reject)), {
    code: 'ECONNREFUSED',
  });
});

test('a port that is closed at once does not wait, and may be stopped and closed again', async () => {
  const { port } = await openPort((socket) => socket.destroy());
  port.close();
  assert.equal(port.isListening, false);
  await port.stop();
  port.close();
  assert.equal(port.address, '');
});

/** Connects, says something, and resets the connection, all while nothing here runs: what it said can be read, but not who it was. */
const comesAndGoes = `const socket = require('net').connect(Number(process.argv[1]), '127.0.0.1', () => {
  socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n', () => socket.resetAndDestroy());
});`;

test('whoever left before being accepted, so that nobody can say who it was, is not let in', async (t) => {
  const met: (string | undefined)[] = [];
  const { port, at } = await openPort((socket) => {
    met.push(socket.remoteAddress);
    socket.destroy();
  });
  t.after(() => port.close());
  assert.equal(spawnSync(process.execPath, ['-e', comesAndGoes, String(at)]).status, 0);
  const next = net.connect(at, '127.0.0.1').on('error', () => {});
  await waitFor('the next one', () => met.includes('127.0.0.1'));
  next.destroy();
  assert.deepEqual(met, ['127.0.0.1']);
});
