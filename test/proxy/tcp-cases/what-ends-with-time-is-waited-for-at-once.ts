// What ends with time: limits, certificates, the patience with those who say nothing. All of it is waited for at once.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import {
  broken,
  call,
  databasePolicy,
  greeter,
  serve,
  type TcpRecord,
  TcpWorld,
  textOf,
} from '../../harness/tcp-world.ts';
import { waitFor } from '../../harness/wait-for.ts';

const plainCallers = `policy "migration":
  rules:
    - name: whoever-still-comes-in-plain
      effect: allow
      principals: { type: anonymous }
      actions: [read, write]
`;

describe('in time', { concurrency: true }, () => {
  test('a certificate that runs out ends the connection that it opened; another goes on', async (t) => {
    const { port } = await greeter(t);
    const world = await TcpWorld.open(t, { server: port });
    const staying = call(world.port);
    await once(staying, 'data');
    const svid = await world.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/shop/front', ttlMs: 7_000 });
    const socket = tls.connect({
      port: world.serverPort,
      host: '127.0.0.1',
      cert: svid.certChainPem,
      key: svid.keyPem,
      ca: world.ca.bundlePem,
      checkServerIdentity: () => undefined,
    });
    await once(socket, 'data');
    await broken(socket);
    const isRevoked = (one: TcpRecord): boolean => one.reason === 'reauth_revoked';
    await waitFor('the end on record', () => world.database.records().find(isRevoked));
    assert.equal(world.database.sidecar.parts.listeners.connectionCount, 1);
    assert.equal(staying.destroyed, false);
    staying.destroy();
  });

  for (const limit of ['idle: 2s', 'connection_age: 3s']) {
    test(`a connection ends as \`${limit}\` says, and the close record has what passed`, async (t) => {
      const { port } = await greeter(t);
      const world = await TcpWorld.open(t, { server: port, inbound: `    limits: { ${limit} }\n` });
      await broken(call(world.port));
      const { end } = await world.ended(world.database);
      assert.deepEqual([end.outcome?.result, end.outcome?.response_bytes], ['limit', 5]);
      assert.ok(end.outcome?.detail?.includes(`limits.${limit.split(':')[0]}`));
    });
  }

  test('a TCP listener permits plain callers beside those with TLS; whoever says nothing is sent away by `limits.handshake`', async (t) => {
    const server = await serve(t, (socket) => socket.pipe(socket));
    const more = '    plaintext: permit\n    limits: { handshake: 4s }\n';
    const world = await TcpWorld.open(t, { server, inbound: more, policy: `${databasePolicy}${plainCallers}` });
    const plain = call(world.serverPort);
    plain.end('in the clear');
    assert.equal(await textOf(plain), 'in the clear');
    const { begin } = await world.ended(world.database);
    assert.deepEqual([begin.principal?.type, begin.decision], ['anonymous', 'allow']);
    const silent = call(world.serverPort);
    await broken(silent);
    const encrypted = call(world.port);
    encrypted.end('over TLS');
    assert.equal(await textOf(encrypted), 'over TLS');
  });
});
