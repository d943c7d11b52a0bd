// Over TLS a write counts as under way for a turn after the kernel took it; an answer that is there by then must not cost the
// connection. The server has a thread of its own, and the loop here stands still until it has answered.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import { unsafeShadowPermit as permit } from '../../src/authz/engine.ts';
import { PosternError } from '../../src/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { DescriptorRoom } from '../../src/proxy/descriptor-room.ts';
import type { UpstreamConnection } from '../../src/proxy/upstream-connection.ts';
import { UpstreamPool } from '../../src/proxy/upstream-pool.ts';
import type { UpstreamTarget } from '../../src/proxy/upstream-target.ts';
import type { UpstreamUser } from '../../src/proxy/upstream-user.ts';
import { ListenerCounters } from '../../src/telemetry/listener-counters.ts';
import { headLimitsDefaults } from '../../src/wire/head-limits.ts';

/** A key that both sides know in place of certificates. */
const secret = { ciphers: 'PSK-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;

const serverCode = `
const tls = require('node:tls');
const { parentPort, workerData } = require('node:worker_threads');
const server = tls.createServer({ ...workerData.secret, pskCallback: () => Buffer.alloc(16, 1) }, (socket) => {
  socket.on('error', () => {});
  socket.on('data', () => {
    socket.write('HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok');
    Atomics.add(workerData.answers, 0, 1);
    Atomics.notify(workerData.answers, 0);
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

function targetAt(port: number): UpstreamTarget {
  return {
    scheme: 'https',
    readyEvent: 'secureConnect',
    handshakeMs: 20_000,
    open: (onread) => {
      const options = { ...secret, host: '127.0.0.1', port, onread, checkServerIdentity: () => undefined };
      return tls.connect({ ...options, pskCallback: () => ({ psk: Buffer.alloc(16, 1), identity: 'a' }) });
    },
    admit: () => ({ isOver: () => false }),
    error: ({ what }) => new PosternError('ERR_UPSTREAM_FAILED', what),
  };
}

/** One exchange whose answer is there before the loop goes on. */
function quickExchange(pool: UpstreamPool, connection: UpstreamConnection, answers: Int32Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const nothing = (): void => {};
    const user: UpstreamUser = {
      onInterimHead: nothing,
      onResponseHead: nothing,
      onResponseBody: nothing,
      onResponseEnd: nothing,
      onUpstreamDrain: nothing,
      onResponseFlush: () => {
        assert.ok(connection.isSending, 'the case that this is about');
        pool.giveBack(connection);
        setImmediate(resolve);
      },
      onUpstreamFault: (_fault, error) => reject(error),
    };
    setImmediate(() => {
      const before = answers[0]!;
      connection.begin(user, 'GET', null);
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      Atomics.wait(answers, 0, before, 20_000);
    });
  });
}

test('an answer that comes before its request counts as sent leaves the connection in the pool', async (t) => {
  const answers = new Int32Array(new SharedArrayBuffer(4));
  const server = new Worker(serverCode, { eval: true, workerData: { secret, answers } });
  t.after(() => server.terminate());
  const port = await new Promise<number>((resolve) => server.once('message', resolve));
  const wheel = new TimerWheel({ clock: systemClock, tickMs: 100, onError: assert.ifError });
  const target = targetAt(port);
  const counters = new ListenerCounters();
  const limits = { limits: headLimitsDefaults, wheel, connectMs: 20_000, responseMs: 20_000 };
  const pool = new UpstreamPool({ ...limits, target, counters, room: new DescriptorRoom(1_000) });
  t.after(() => pool.close());
  const first = await new Promise<UpstreamConnection>((resolve, reject) => {
    const onUpstreamReady = (line: unknown) => resolve(line as UpstreamConnection);
    pool.connect(permit, { onUpstreamReady, onUpstreamUnreachable: reject });
  });
  await quickExchange(pool, first, answers);
  for (let times = 0; times < 5; times++) {
    const kept = pool.takeKept(permit, true);
    assert.ok(kept === first, 'the connection is in the pool');
    await quickExchange(pool, kept, answers);
  }
  assert.deepEqual([pool.openCount, counters.upstreamConnects], [1, 1]);
});
