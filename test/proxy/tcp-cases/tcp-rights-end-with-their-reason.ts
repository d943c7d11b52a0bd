// Who may not connect never reaches the server; who loses the right is cut off within a second, on record, others not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { put } from '../../harness/sidecar-process.ts';
import { broken, call, databasePolicy, greeter, TcpWorld } from '../../harness/tcp-world.ts';
import { waitFor } from '../../harness/wait-for.ts';

test('who is denied, on either side, is cut off before the server hears of it, with the reason on record', async (t) => {
  const { met, port } = await greeter(t);
  const policy = `${databasePolicy}    - name: nobody-writes-here
      effect: deny
      actions: [write]
      conditions: ['network.direction == "inbound"']
`;
  const world = await TcpWorld.open(t, { server: port, policy });
  await broken(call(world.port));
  const denied = await waitFor('the deny', () => world.database.records().find((one) => one.decision === 'deny'));
  assert.deepEqual([denied.reason, denied.action?.required], ['rule', ['read', 'write']]);

  put(world.front.dir, 'policy.yaml', policy.replace('"inbound"', '"outbound"'));
  await world.front.sidecar.reload();
  await broken(call(world.port));
  await waitFor('the own deny', () => world.front.records().find((one) => one.decision === 'deny'));
  assert.equal(world.database.records().filter((one) => one.type === 'decision').length, 1);
  assert.equal(met.length, 0);
});

test('in shadow mode a deny lets pass, and says so', async (t) => {
  const { port } = await greeter(t);
  const policy = databasePolicy.replace('actions: [read, write]', 'actions: [read]');
  const world = await TcpWorld.open(t, {
    server: port,
    policy,
    inbound: '    mode: shadow\n',
    outbound: '    mode: shadow\n',
  });
  const socket = call(world.port);
  await once(socket, 'data');
  socket.destroy();
  const { begin } = await world.ended(world.database);
  assert.deepEqual([begin.decision, begin.enforced], ['deny', false]);
});

test('who has lost the own identity opens no connection, whatever policy or shadow mode say', async (t) => {
  const { met, port } = await greeter(t);
  const world = await TcpWorld.open(t, { server: port, outbound: '    mode: shadow\n' });
  const row = '  - { spiffe_id: "spiffe://prod.acme.com/ns/shop/front", reason: stolen }\n';
  put(world.front.dir, 'revoked.yaml', `revocations:\n${row}`);
  await world.front.sidecar.reload();
  await broken(call(world.port));
  const denied = await waitFor('the deny', () => world.front.records().find((one) => one.type === 'decision'));
  assert.deepEqual([denied.decision, denied.reason, denied.enforced], ['deny', 'reauth_revoked', true]);
  assert.equal(world.database.records().filter((one) => one.type === 'decision').length, 0);
  assert.equal(met.length, 0);
});

type Change = (world: TcpWorld) => Promise<void> | void;

const changes: Readonly<Record<string, Change>> = {
  'its policy': async (world) => {
    put(world.database.dir, 'policy.yaml', databasePolicy.replace('effect: allow', 'effect: deny'));
    await world.database.sidecar.reload();
  },
  'its identity, by revocation': async (world) => {
    const row = '  - { spiffe_id: "spiffe://prod.acme.com/ns/shop/*", reason: stolen }\n';
    put(world.database.dir, 'revoked.yaml', `revocations:\n${row}`);
    await world.database.sidecar.reload();
  },
  'what it knows of the peer it called': async (world) => {
    const row = '  - { spiffe_id: "spiffe://prod.acme.com/ns/data/*", reason: stolen }\n';
    put(world.front.dir, 'revoked.yaml', `revocations:\n${row}`);
    await world.front.sidecar.reload();
  },
};

describe('an open connection is cut when it loses', () => {
  for (const [what, change] of Object.entries(changes)) {
    test(what, async (t) => {
      const { met, port } = await greeter(t);
      const world = await TcpWorld.open(t, { server: port });
      const socket = call(world.port);
      await once(socket, 'data');
      await change(world);
      const changedMs = performance.now();
      await broken(socket);
      await waitFor('the server to be left', () =>
        met.every(({ destroyed, readableEnded }) => destroyed || readableEnded),
      );
      // The promise is a second; the rest is for a machine that is busy with other things.
      assert.ok(performance.now() - changedMs < 20_000);
      const side = change === changes['what it knows of the peer it called'] ? world.front : world.database;
      const { end } = await world.ended(side);
      assert.match(end.outcome?.result ?? '', /^(revoked|upstream_failed)$/);
    });
  }
});

test('a server that is not there: the caller is cut off at once, and the record says why', async (t) => {
  const world = await TcpWorld.open(t, { server: 1 });
  await broken(call(world.port));
  const { end } = await world.ended(world.database);
  assert.deepEqual([end.outcome?.result, end.outcome?.code], ['upstream_unreachable', 'ERR_UPSTREAM_UNREACHABLE']);
});
