// Direct reading leans on the inside of Node's sockets: that it works with the pinned Node, and that nothing is lost by it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import { before, describe, test } from 'node:test';
import tls from 'node:tls';
import { DirectReading } from '../../src/proxy/direct-reading.ts';
import { waitFor } from '../harness/wait-for.ts';
import { type Made, makeCa, makeLeaf } from '../identity/workshop.ts';

let leaf: Made;

before(async () => {
  leaf = await makeLeaf({ issuer: await makeCa(), uris: ['spiffe://a.example/ns/payments/api'] });
});

type Scope = { after(fn: () => void): void };

/** One that reads, and what it read. */
interface Reader {
  readonly socket: net.Socket;
  readonly buffers: Set<ArrayBufferLike>;
  readonly octets: Buffer[];
  readonly whole: () => Buffer;
  hasEnded: boolean;
}

/** A port whose connections are read by one `DirectReading`. */
async function openPort(t: Scope, isSecure: boolean) {
  const reading = new DirectReading();
  const readers: Reader[] = [];
  const read = (socket: net.Socket): void => {
    const octets: Buffer[] = [];
    const reader: Reader = { socket, buffers: new Set(), octets, whole: () => Buffer.concat(octets), hasEnded: false };
    reading.begin(socket, (view, count) => {
      reader.buffers.add(view.buffer);
      octets.push(Buffer.copyBytesFrom(view, 0, count));
    });
    socket
      .on('error', () => {})
      .on('end', () => {
        reader.hasEnded = true;
      });
    readers.push(reader);
  };
  const secureContext = tls.createSecureContext({ cert: leaf.pem, key: leaf.keyPem });
  const server = net.createServer({ allowHalfOpen: true }, (raw) => {
    if (!isSecure) return read(raw);
    const socket = new tls.TLSSocket(raw, { isServer: true, secureContext });
    socket.on('error', () => {}).once('secure', () => read(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const { socket } of readers) socket.destroy();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  const dial = (): net.Socket => {
    const socket = isSecure
      ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : net.connect(port, '127.0.0.1');
    t.after(() => void socket.destroy());
    return socket.on('error', () => {});
  };
  return { readers, dial };
}

for (const isSecure of [false, true]) {
  describe(isSecure ? 'over TLS' : 'in the clear', () => {
    test('all connections are read into one buffer, octet for octet, to their end', async (t) => {
      const { readers, dial } = await openPort(t, isSecure);
      const sent = [randomBytes(300_000), randomBytes(200_000)];
      // Before the handshake is over, so that the first octets come with its end.
      const sockets = sent.map((bytes) => dial().end(bytes));
      await waitFor('both ends', () => readers.length === 2 && readers.every(({ hasEnded }) => hasEnded));
      const got = readers.map(({ whole }) => whole().toString('hex')).sort();
      assert.ok(
        got.join() ===
          sent
            .map((bytes) => bytes.toString('hex'))
            .sort()
            .join(),
        'octet for octet',
      );
      const buffers = new Set(readers.flatMap((one) => [...one.buffers]));
      assert.equal(buffers.size, 1, 'this Node cannot read directly: is a name of its inside another one?');
      assert.equal(sockets.length, 2);
    });

    test('one that is paused reads no more than was on its way, and goes on where it was', async (t) => {
      const { readers, dial } = await openPort(t, isSecure);
      const peer = dial();
      peer.write('first');
      const reader = await waitFor('the first octets', () => readers.find(({ octets }) => octets.length > 0));
      reader.socket.pause();
      assert.equal(reader.socket.isPaused(), true);
      const rest = randomBytes(8_000_000);
      peer.write(rest);
      await waitFor('the sender to be held back', () => peer.writableLength > 0);
      const taken = reader.whole().length;
      assert.ok(taken <= 5 + 128 * 1024, `${taken} octets while paused`);
      reader.socket.resume();
      await waitFor('the rest', () => reader.whole().length === 5 + rest.length);
      assert.ok(reader.whole().subarray(5).equals(rest));
    });
  });
}

test('a stream without such an inside is read all the same', async () => {
  const stream = new PassThrough();
  const got: string[] = [];
  new DirectReading().begin(stream as unknown as net.Socket, (view, count) =>
    got.push(view.toString('latin1', 0, count)),
  );
  stream.end('as ever');
  await once(stream, 'end');
  assert.deepEqual(got, ['as ever']);
});
