// The room that traffic has among the descriptors: peers count until their socket closes, and what is idle gives way.

import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { unsafeShadowPermit } from '../../src/authz/engine.ts';
import type { PosternError } from '../../src/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { DescriptorRoom, descriptorsFor } from '../../src/proxy/descriptor-room.ts';
import type { UpstreamConnection } from '../../src/proxy/upstream-connection.ts';
import { UpstreamPool } from '../../src/proxy/upstream-pool.ts';
import { WorkloadTarget } from '../../src/proxy/upstream-target.ts';
import { headLimitsDefaults } from '../../src/wire/head-limits.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

for (const peers of [16, 17, 1_000, 10_000]) {
  test(`the limit that is said to suffice for ${peers} peers holds just them`, () => {
    assert.equal(new DescriptorRoom(descriptorsFor(peers)).mostPeers, peers);
    assert.ok(new DescriptorRoom(descriptorsFor(peers) - 1).mostPeers <= Math.max(16, peers - 1));
  });
}

test('without a limit there is room for all', () => {
  assert.equal(new DescriptorRoom(Number.POSITIVE_INFINITY).mostPeers, Number.POSITIVE_INFINITY);
});

test('a peer takes room until its socket is closed, however often that is told', async () => {
  const room = new DescriptorRoom(descriptorsFor(16));
  const sockets = Array.from({ length: 16 }, () => new net.Socket());
  for (const socket of sockets) {
    assert.equal(room.isFull, false);
    room.addPeer(socket);
  }
  assert.equal(room.isFull, true);
  sockets[0]!.destroy();
  await waitFor('the close', () => !room.isFull);
  sockets[0]!.emit('close');
  room.addPeer(new net.Socket());
  assert.equal(room.isFull, true);
});

function poolIn(room: DescriptorRoom, port: number): UpstreamPool {
  return new UpstreamPool({
    target: new WorkloadTarget({ kind: 'tcp', host: '127.0.0.1', port }),
    limits: headLimitsDefaults,
    wheel: new TimerWheel({ clock: systemClock, tickMs: 100, onError: (error) => assert.ifError(error) }),
    connectMs: 5_000,
    responseMs: 5_000,
    counters: { upstreamConnects: 0, upstreamConnectFailures: { add: () => {} }, upstreamReused: 0 },
    room,
  });
}

/** A connection that served a request and went back to its pool. */
async function keepOne(pool: UpstreamPool): Promise<UpstreamConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<UpstreamConnection>();
  const noop = (): void => {};
  pool.connect(unsafeShadowPermit, {
    onUpstreamReady: (connection) => {
      connection.begin(
        {
          onInterimHead: noop,
          onResponseHead: noop,
          onResponseBody: noop,
          onResponseEnd: noop,
          onResponseFlush: () => resolve(connection as UpstreamConnection),
          onUpstreamDrain: noop,
          onUpstreamFault: (_fault, error: PosternError) => reject(error),
        },
        'GET',
        null,
      );
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    },
    onUpstreamUnreachable: reject,
  });
  return promise;
}

test('where the room is full, the longest unused connection of any listener makes way', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const room = new DescriptorRoom(descriptorsFor(16));
  const [one, other] = [poolIn(room, workload.port), poolIn(room, workload.port)];
  const kept = await Promise.all(Array.from({ length: 16 }, () => keepOne(one)));
  for (const connection of kept) one.giveBack(connection);
  assert.equal(one.idleCount, 16);
  other.giveBack(await keepOne(other));
  assert.equal(one.idleCount, 15);
  assert.equal(kept[0]!.isIdle, false);
  assert.equal(other.idleCount, 1);
  one.close();
  other.close();
});
