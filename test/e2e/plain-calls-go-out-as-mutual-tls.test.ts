// Two Posterns: a plain caller, its Postern, mutual TLS, the other Postern, a workload that keeps what it received.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, CallingWorld, type CallRecord, clientId, problemOf } from '../harness/calling-world.ts';
import { freePort } from '../harness/free-port.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

const accept = 'accept: ["spiffe://prod.acme.com/ns/payments/*"]';
const patient = 'limits: { connect: 20s, handshake: 20s }';

const serialOf = (row: CallRecord): string | undefined => row.principal?.credential.serial;

/** A decision about a caller whose certificate none of `before` is. */
function isFresh(row: CallRecord, before: ReadonlySet<string | undefined>): boolean {
  const isClients = row.type === 'decision' && row.principal?.workload_id === clientId;
  return isClients && !before.has(serialOf(row));
}

/** What comes back until the connection is closed. */
async function told(port: number, request: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(request);
  return text(socket);
}

test('a workload that speaks plain HTTP calls over mutual TLS, judged and recorded on both sides', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mute = await RecordingWorkload.start(() => {});
  t.after(() => mute.stop());
  const [nobody, noPair] = [await freePort(), await freePort()];
  const routes = '    routes: [{ match: { path: /not-theirs }, action: drop }]\n';
  const world = await CallingWorld.create(t, { workloadPort: workload.port, inbound: routes }, (server) => {
    const address = server.replace('localhost', '127.0.0.1');
    const forever = 'ejection: { first: 1h, most: 1h }';
    return {
      egress: `protocol: proxy, ${patient}`,
      orders: `to: [${server}], ${accept}, hosts: [orders, orders.shop], routes: [{ match: { path: /not-ours }, action: drop }], ${patient}`,
      stranger: `to: [${address}], accept: [spiffe://prod.acme.com/ns/orders/api], ${patient}`,
      down: `to: [127.0.0.1:${nobody}], ${accept}, ${patient}`,
      lost: `to: [no-such-host.invalid:8443], ${accept}, ${patient}`,
      plain: `to: [127.0.0.1:${workload.port}], ${accept}, ${patient}`,
      small: `to: [${server}], ${accept}, limits: { connections: 1, connect: 20s, handshake: 20s }`,
      mute: `to: [127.0.0.1:${mute.port}], ${accept}, limits: { connect: 20s, handshake: 300ms }`,
      pair: `to: [127.0.0.1:${noPair}, ${address}], ${accept}, ${patient}, ${forever}`,
      narrow: `to: [${server}], ${accept}, limits: { requests: 1, connect: 20s, handshake: 20s }`,
    };
  });
  const { mesh, client } = world;
  const ports = world.ports as Readonly<
    Record<'egress' | 'orders' | 'stranger' | 'down' | 'lost' | 'plain' | 'small' | 'mute' | 'pair' | 'narrow', number>
  >;
  const [ours, theirs] = [() => world.ours(), () => world.theirs()];
  const metrics = async () => (await client.admin('/metrics')).body;

  await t.test('an allowed request arrives whole, and both records join on one trace and one request id', async () => {
    const answer = await ask(ports.orders, '/things?q=1', { headers: { host: 'orders', 'x-postern-peer': 'forged' } });
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'ok');
    const own = world.decisionOf(answer);
    assert.equal(own.decision, 'allow');
    assert.equal(own.network?.direction, 'outbound');
    assert.equal(own.principal?.workload_id, clientId);
    assert.equal(own.resource?.name, 'orders');
    const other = theirs().find((row) => row.correlation?.trace_id === own.correlation.trace_id);
    assert.equal(other?.principal?.workload_id, clientId);
    assert.equal(other?.network?.direction, 'inbound');
    assert.equal(other?.correlation.request_id, own.correlation.request_id);
    const [head = ''] = workload.heads;
    assert.match(head, /^GET \/things\?q=1 HTTP\/1\.1\r\nHost: orders\r\n/);
    assert.doesNotMatch(head, /forged/);
    assert.match(head, new RegExp(`x-postern-peer: ${clientId}`));
  });

  await t.test('a correlation of the caller is kept, and a large answer arrives octet by octet', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const large = Buffer.alloc(3_000_000, 'abcdefghijk');
    workload.behave = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\n\r\n`);
      socket.write(large);
    };
    const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-01`, 'x-request-id': 'mine' };
    const answer = await ask(ports.orders, '/large', { headers });
    workload.behave = answerOk;
    assert.ok(Buffer.from(answer.body, 'latin1').equals(large));
    for (const rows of [ours(), theirs()]) {
      assert.equal(rows.find((row) => row.correlation?.trace_id === trace)?.correlation.request_id, 'mine');
    }
  });

  await t.test('a body goes through with its length', async () => {
    const answer = await ask(ports.orders, '/sent', { method: 'POST' }, 'hello');
    assert.equal(answer.status, 200);
    await waitFor('the body', () => workload.received.includes('hello'));
  });

  await t.test('a deny of the own side is told as such, and nothing is sent', async () => {
    const answer = await ask(ports.orders, '/not-ours');
    assert.equal(answer.status, 403);
    assert.equal(problemOf(answer).code, 'ERR_OUTBOUND_DENIED');
    assert.equal(world.decisionOf(answer).decision, 'deny');
    assert.ok(!workload.received.includes('/not-ours'));
    const { trace_id } = world.decisionOf(answer).correlation;
    assert.equal(
      theirs().find((row) => row.correlation?.trace_id === trace_id),
      undefined,
    );
  });

  await t.test('a deny of the other side comes through, and is on record there', async () => {
    const answer = await ask(ports.orders, '/not-theirs');
    assert.equal(answer.status, 403);
    assert.equal(problemOf(answer).code, undefined);
    const own = world.decisionOf(answer);
    assert.equal(own.decision, 'allow');
    const other = theirs().find((row) => row.correlation?.trace_id === own.correlation.trace_id);
    assert.equal(other?.decision, 'deny');
    assert.ok(!workload.received.includes('/not-theirs'));
  });

  await t.test('a server with another identity gets no byte of the request, and both IDs are told', async () => {
    const before = theirs().filter((row) => row.type === 'decision').length;
    const answer = await ask(ports.stranger, '/secret', { method: 'POST' }, 'secret');
    assert.equal(answer.status, 502);
    assert.equal(problemOf(answer).code, 'ERR_OUTBOUND_IDENTITY');
    assert.match(
      problemOf(answer).detail,
      /expected: spiffe:\/\/prod\.acme\.com\/ns\/orders\/api; shown: .*\/ns\/payments\/server/,
    );
    assert.ok(!workload.received.includes('secret'));
    assert.equal(theirs().filter((row) => row.type === 'decision').length, before);
    assert.match((await world.outcomeOf(answer)).detail ?? '', /shown: .*\/ns\/payments\/server/);
  });

  await t.test('what failed is told: name, connection, handshake', async () => {
    workload.behave = ({ socket }) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    const codes: readonly (readonly [number, number, string])[] = [
      [ports.lost, 503, 'ERR_OUTBOUND_DNS'],
      [ports.down, 503, 'ERR_OUTBOUND_UNREACHABLE'],
      [ports.plain, 502, 'ERR_OUTBOUND_HANDSHAKE'],
      [ports.mute, 502, 'ERR_OUTBOUND_HANDSHAKE'],
    ];
    for (const [port, status, code] of codes) {
      const answer = await ask(port, '/x');
      assert.equal(answer.status, status, code);
      assert.equal(problemOf(answer).code, code);
      assert.equal(world.decisionOf(answer).decision, 'allow');
      assert.equal((await world.outcomeOf(answer)).code, code);
    }
    mute.behave = ({ socket }) => socket.end();
    assert.equal(problemOf(await ask(ports.mute, '/closed')).code, 'ERR_OUTBOUND_HANDSHAKE');
    workload.behave = answerOk;
    const text = await metrics();
    for (const [listener, reason] of [
      ['lost', 'dns'],
      ['down', 'refused'],
      ['plain', 'handshake'],
      ['stranger', 'identity'],
    ] as const) {
      assert.ok(
        text.includes(`postern_upstream_connect_failures_total{listener="${listener}",reason="${reason}"} 1`),
        reason,
      );
    }
  });

  await t.test(
    'a program that knows of a proxy only reaches what is declared, by Host, under the same policy',
    async () => {
      const agent = new http.Agent({
        proxyEnv: { HTTP_PROXY: `http://127.0.0.1:${ports.egress}` },
      } as http.AgentOptions);
      const call = (url: string, options = {}) =>
        ask(80, new URL(url).pathname, { host: new URL(url).hostname, agent, ...options });
      const answer = await call('http://orders.shop/by-proxy');
      assert.equal(answer.status, 200);
      assert.match(workload.received, /GET \/by-proxy HTTP\/1\.1\r\n(.*\r\n)*?Host: orders\.shop\r\n/i);
      const { listener, resource } = world.decisionOf(answer);
      assert.deepEqual([listener, resource?.name], ['egress', 'orders']);
      assert.equal(problemOf(await call('http://orders/not-ours')).code, 'ERR_OUTBOUND_DENIED');
      const unknown = await call('http://elsewhere.example/x');
      assert.equal(unknown.status, 403);
      assert.equal(problemOf(unknown).code, 'ERR_OUTBOUND_HOST');
      assert.equal(world.decisionOf(unknown).reason, 'bad_request_target');
      const tunnel = await told(ports.egress, 'CONNECT orders:443 HTTP/1.1\r\nHost: orders:443\r\n\r\n');
      assert.match(tunnel, /^HTTP\/1\.1 501 .*ERR_OUTBOUND_CONNECT/s);
    },
  );

  await t.test('of two endpoints one is down: every call is answered, and sent once', async () => {
    for (const at of [1, 2, 3, 4, 5, 6]) {
      const answer = await ask(ports.pair, `/pair/${at}`, { method: 'POST' }, 'x');
      assert.equal(answer.status, 200);
      assert.equal(workload.received.split(`/pair/${at} `).length - 1, 1);
    }
    const text = await metrics();
    assert.match(text, /postern_upstream_endpoints\{listener="pair",state="ejected"\} 1/);
    assert.match(text, /postern_upstream_retries_total\{listener="pair",reason="not_connected"\} 3/);
  });

  await t.test('what is too much for the peer is told at once, and nothing is sent', async () => {
    const held: (() => void)[] = [];
    workload.behave = (connection, piece) => void held.push(() => answerOk(connection, piece));
    const first = ask(ports.narrow, '/held');
    await waitFor('the first', () => workload.received.includes('/held'));
    workload.behave = answerOk;
    const second = await ask(ports.narrow, '/too-much');
    assert.equal(second.status, 503);
    assert.equal(problemOf(second).code, 'ERR_OUTBOUND_OVERLOADED');
    assert.ok(!workload.received.includes('/too-much'));
    assert.equal((await world.outcomeOf(second)).result, 'limit');
    for (const release of held) release();
    assert.equal((await first).status, 200);
  });

  await t.test('one caller too many is told so', async () => {
    const agent = new http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    assert.equal((await ask(ports.small, '/first', { agent })).status, 200);
    const answer = await ask(ports.small, '/second');
    assert.equal(answer.status, 503);
    assert.ok(!workload.received.includes('/second'));
  });

  await t.test('a peer that breaks off is told, and an unsafe request is not sent twice', async () => {
    workload.behave = ({ socket }) => socket.destroy();
    const answer = await ask(ports.orders, '/once', { method: 'POST' }, 'x');
    workload.behave = answerOk;
    assert.equal(answer.status, 502);
    assert.equal(workload.received.split('POST /once').length - 1, 1);
  });

  await t.test('rotation of the own identity fails no request, and new ones come under the new one', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const before = new Set(ours().map(serialOf));
    const statuses = new Map<number, number>();
    let isOver = false;
    const send = async (): Promise<void> => {
      while (!isOver) {
        const { status } = await ask(ports.orders, '/load', { agent });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        await pause(10);
      }
    };
    const senders = Promise.all([send(), send(), send(), send()]);
    await world.rotate();
    await waitFor('records under the new certificate', () => ours().some((row) => isFresh(row, before)));
    const isSeen = () => theirs().some((row) => isFresh(row, before));
    await waitFor('the peer to see it', isSeen);
    isOver = true;
    await senders;
    agent.destroy();
    assert.deepEqual([...statuses.keys()], [200]);
  });

  await t.test('a server that is revoked is asked nothing more, over open connections either', async () => {
    workload.behave = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart');
    const open = ask(ports.orders, '/open').then(
      () => 'whole',
      (error: NodeJS.ErrnoException) => error.code,
    );
    await waitFor('the open request', () => workload.received.includes('/open'));
    workload.behave = answerOk;
    assert.equal((await ask(ports.orders, '/before')).status, 200);
    mesh.put(
      'revoked.yaml',
      'revocations: [{ spiffe_id: "spiffe://prod.acme.com/ns/payments/server", reason: stolen }]\n',
    );
    const answer = await waitFor('the refusal', async () => {
      const found = await ask(ports.orders, '/after');
      return found.status === 200 ? null : found;
    });
    assert.equal(await open, 'ECONNRESET');
    // By the right, and not by a limit.
    const cut = await waitFor('the end on record', () =>
      ours().find(({ outcome }) => outcome?.result === 'upstream_failed' && /expected: /.test(outcome.detail ?? '')),
    );
    assert.match(cut.outcome?.detail ?? '', /revoked|stolen/);
    assert.equal(problemOf(answer).code, 'ERR_OUTBOUND_IDENTITY');
  });

  await t.test('it ends with calls under way answered', async () => {
    const { exit } = client;
    assert.equal(exit, null);
    client.child.kill('SIGTERM');
    await waitFor('the end', () => client.exit !== null);
    assert.equal(client.exit?.code, 0);
  });
});
