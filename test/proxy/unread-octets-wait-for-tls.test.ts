// What comes first on a connection is left in the kernel until TLS reads it, and then read in large pieces.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { onUnreadOctets } from '../../src/proxy/unread-octets.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Pair {
  readonly client: net.Socket;
  readonly raw: net.Socket;
  /** How often it was told. */
  readonly told: () => number;
  readonly isWaited: boolean;
}

async function pair(t: TestContext): Promise<Pair> {
  let count = 0;
  const accepted = Promise.withResolvers<{ raw: net.Socket; isWaited: boolean }>();
  const server = net.createServer({ allowHalfOpen: true }, (raw) => {
    raw.on('error', () => {});
    accepted.resolve({ raw, isWaited: onUnreadOctets(raw, () => void count++) });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  const { raw, isWaited } = await accepted.promise;
  t.after(() => {
    client.destroy();
    raw.destroy();
    server.close();
  });
  return { client, raw, told: () => count, isWaited };
}

test('somebody who sends is told of once, and nothing is read', async (t) => {
  const { client, raw, told, isWaited } = await pair(t);
  assert.equal(isWaited, true, 'this Node can do it');
  client.write('some');
  await waitFor('the word', () => told() === 1);
  await new Promise((resolve) => client.write('more', resolve));
  await new Promise(setImmediate);
  assert.deepEqual([told(), raw.bytesRead, raw.readableLength], [1, 0, 0]);
});

test('somebody who says nothing is not told of, somebody who leaves is', async (t) => {
  const { client, told } = await pair(t);
  await new Promise(setImmediate);
  assert.equal(told(), 0);
  client.end();
  await waitFor('the word', () => told() === 1);
});

test('nobody is told of a socket that was closed meanwhile', async (t) => {
  const { client, raw, told } = await pair(t);
  raw.destroy();
  await once(client, 'close');
  assert.equal(told(), 0);
});

test('where something was read already, it cannot be done', async (t) => {
  const { client, raw } = await pair(t);
  raw.push(Buffer.from('ahead'));
  assert.equal(
    onUnreadOctets(raw, () => {}),
    false,
  );
  client.destroy();
});
