// Connections before the end of their handshake: one hello a turn of the loop, no TLS before the first bytes, and who gives
// way to whom.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { PendingHandshakes } from '../../src/proxy/pending-handshakes.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Desk {
  readonly port: number;
  readonly pending: PendingHandshakes;
  /** Turn of the loop in which each hello was answered. */
  readonly helloTurns: number[];
  readonly failures: string[];
}

async function openDesk(t: { after(fn: () => void): void }, handshakeMs = 10_000): Promise<Desk> {
  const wheel = new TimerWheel({ clock: systemClock, tickMs: 20, onError: (error) => assert.ifError(error) });
  wheel.start();
  let turn = 0;
  let isCounting = true;
  const nextTurn = (): void => {
    turn++;
    if (isCounting) setImmediate(nextTurn);
  };
  nextTurn();
  const helloTurns: number[] = [];
  const failures: string[] = [];
  const context = tls.createSecureContext();
  const pending = new PendingHandshakes({
    wheel,
    clientCertificate: () => 'required',
    plaintext: () => false,
    isBalancer: () => false,
    alpn: () => 'http/1.1',
    context: () => {
      helloTurns.push(turn);
      return context;
    },
    onDone: () => assert.fail('nobody here has a certificate'),
    onFailed: (failure) => void failures.push(failure.kind),
  });
  const server = net.createServer({ allowHalfOpen: true }, (socket) => pending.admit(socket, handshakeMs));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    isCounting = false;
    wheel.stop();
    pending.close();
    server.close();
  });
  return { port: (server.address() as net.AddressInfo).port, pending, helloTurns, failures };
}

/** Opens connections that send `bytes`; they go with the test. */
function strangers(t: { after(fn: () => void): void }, port: number, bytes: readonly string[]): net.Socket[] {
  return bytes.map((text) => {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {});
    t.after(() => socket.destroy());
    if (text !== '') socket.write(text, 'latin1');
    return socket.resume();
  });
}

/** The begin of a record that OpenSSL waits to see the rest of. */
const half = '\x16\x03\x01\x02\x00\x01';

test('hellos that come together are answered one a turn', async (t) => {
  const desk = await openDesk(t);
  strangers(
    t,
    desk.port,
    Array.from({ length: 20 }, () => half),
  );
  await waitFor('all of them', () => desk.helloTurns.length === 20);
  assert.equal(new Set(desk.helloTurns).size, 20);
});

test('who says nothing costs no TLS, and ends by the limit of time', async (t) => {
  const desk = await openDesk(t, 200);
  const [silent] = strangers(t, desk.port, ['']);
  await once(silent!, 'close');
  assert.deepEqual([desk.failures, desk.helloTurns], [['timeout'], []]);
  assert.equal(desk.pending.count, 0);
});

test('who leaves is forgotten, whether before or after the hello', async (t) => {
  const desk = await openDesk(t);
  const [silent, halfway] = strangers(t, desk.port, ['', half]);
  await waitFor('the hello', () => desk.helloTurns.length === 1 && desk.pending.count === 2);
  silent!.end();
  halfway!.resetAndDestroy();
  await waitFor('both to be forgotten', () => desk.pending.count === 0);
  assert.deepEqual(desk.failures, ['aborted', 'aborted']);
});

test('what is no TLS is refused', async (t) => {
  const desk = await openDesk(t);
  const [plain] = strangers(t, desk.port, ['GET / HTTP/1.1\r\n\r\n']);
  await once(plain!, 'close');
  assert.deepEqual(desk.failures, ['refused']);
});

test('the silent give way in the order they came; whose hello was just answered keeps its place for a while', async (t) => {
  const desk = await openDesk(t);
  const [halfway] = strangers(t, desk.port, [half]);
  await waitFor('the hello', () => desk.helloTurns.length === 1);
  const [first, second] = strangers(t, desk.port, ['', '']);
  await waitFor('both', () => desk.pending.count === 3);
  assert.equal(desk.pending.dropOldest(), true);
  await once(first!, 'close');
  assert.equal(desk.pending.dropOldest(), true);
  await once(second!, 'close');
  assert.equal(desk.pending.dropOldest() || desk.pending.count !== 1, false);
  await waitFor('the grace to be over', () => desk.pending.dropOldest());
  await once(halfway!, 'close');
  assert.deepEqual(desk.failures, ['dropped', 'dropped', 'dropped']);
});
