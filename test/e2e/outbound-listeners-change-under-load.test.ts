// A reload adds, removes and changes outbound listeners while calls are under way: none of them fails, but those whose peer is
// accepted no more, and WebSockets whose right ends.

import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, CallingWorld, type CallRecord, problemOf } from '../harness/calling-world.ts';
import { freePort } from '../harness/free-port.ts';
import { waitFor } from '../harness/wait-for.ts';
import { closedWith, nextMessage, opened } from '../harness/websocket-world.ts';

const accept = 'accept: ["spiffe://prod.acme.com/ns/payments/*"]';
const patient = 'limits: { connect: 20s, handshake: 20s }';

/** Calls without a pause between; how many of which status came back. */
function load(port: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
  const seen = new Map<number | string, number>();
  let isOver = false;
  const send = async (): Promise<void> => {
    while (!isOver) {
      const status = await ask(port, '/load', { agent }).then(
        (answer) => answer.status,
        (error: Error) => error.message,
      );
      seen.set(status, (seen.get(status) ?? 0) + 1);
      await pause(10);
    }
  };
  const senders = Promise.all([send(), send()]);
  const stop = async (): Promise<readonly (number | string)[]> => {
    isOver = true;
    await senders;
    agent.destroy();
    return [...seen.keys()];
  };
  return { stop };
}

/** A workload that answers, but holds back the end of an answer where it is asked to, and speaks WebSocket. */
async function startWorkload(t: TestContext) {
  const urls: string[] = [];
  const held = new Map<string, http.ServerResponse>();
  const server = http.createServer((request, answer) => {
    urls.push(request.url ?? '');
    if (!request.url?.startsWith('/held')) return void answer.end('ok');
    answer.write('part');
    held.set(request.url, answer);
  });
  const sockets = new WebSocketServer({ server, autoPong: false });
  sockets.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    socket.on('ping', (data: Buffer) => socket.pong(Buffer.concat([data, Buffer.from(' back')])));
    socket.on('message', (data: Buffer, binary: boolean) => socket.send(data, { binary }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return { urls, held, sockets, port: (server.address() as AddressInfo).port };
}

test('outbound listeners come, go and change by a reload, and calls under way end as they are', async (t) => {
  const workload = await startWorkload(t);
  const nobody = await freePort();
  const added = await freePort();
  const world = await CallingWorld.create(t, { workloadPort: workload.port }, (server) => ({
    orders: `to: [${server}], ${accept}, ${patient}`,
    sockets: `to: [${server}], ${accept}, ${patient}`,
    astray: `to: [127.0.0.1:${nobody}], ${accept}, ${patient}`,
    leaving: `to: [${server}], ${accept}, ${patient}`,
    narrowed: `to: [${server}], ${accept}, ${patient}`,
  }));
  const ports = world.ports as Readonly<Record<'orders' | 'sockets' | 'astray' | 'leaving' | 'narrowed', number>>;
  /** A call whose answer has begun, and how to end it. */
  const begun = async (port: number, target: string) => {
    const end = ask(port, target).then(
      (answer) => answer.body,
      (error: NodeJS.ErrnoException) => error.code,
    );
    const answer = await waitFor('the call', () => workload.held.get(target));
    return { end, finish: () => answer.end('-rest') };
  };
  const calls = load(ports.orders);

  await t.test('a new listener serves, a changed one goes elsewhere, one that is gone takes no call', async () => {
    assert.equal((await ask(ports.astray, '/x')).status, 503);
    const running = await begun(ports.leaving, '/held/running');
    const { status, body } = await world.reconfigure((text) => {
      const lines = text.replace(`127.0.0.1:${nobody}`, `127.0.0.1:${world.mesh.port}`).split('\n');
      const leaving = lines.findIndex((line) => line.includes('name: leaving'));
      lines[leaving] = lines[leaving]!.replace('leaving', 'added').replace(String(ports.leaving), String(added));
      return lines.join('\n');
    });
    assert.equal(status, 200, body);
    assert.equal((await ask(ports.astray, '/found', { method: 'POST' }, 'x')).status, 200);
    assert.equal((await ask(added, '/new')).status, 200);
    await assert.rejects(ask(ports.leaving, '/gone'), /ECONNREFUSED/);
    running.finish();
    assert.equal(await running.end, 'part-rest');
    assert.ok(world.theirs().length > 0);
  });

  await t.test('a peer that is accepted no more is cut off, and asked nothing', async () => {
    const running = await begun(ports.narrowed, '/held/stream');
    const { status } = await world.reconfigure((text) =>
      text
        .split('\n')
        .map((line) => (line.includes('name: narrowed') ? line.replace('/ns/payments/*', '/ns/orders/*') : line))
        .join('\n'),
    );
    assert.equal(status, 200);
    assert.equal(await running.end, 'ECONNRESET');
    const refused = await ask(ports.narrowed, '/after');
    assert.equal(problemOf(refused).code, 'ERR_OUTBOUND_IDENTITY');
    const isCut = (detail: string | null): boolean =>
      /accepted no more; expected: .*orders.*; shown: .*payments/.test(detail ?? '');
    const cut = await waitFor('the end on record', () =>
      world.ours().find(({ outcome }) => isCut(outcome?.detail ?? null)),
    );
    assert.equal(cut.outcome?.code, 'ERR_OUTBOUND_IDENTITY');
    assert.ok(!workload.urls.includes('/after'));
  });

  await t.test('a reload whose address is taken changes nothing', async () => {
    const before = (await world.client.admin('/config')).body;
    const { status, body } = await world.reconfigure((text) =>
      text.replace(`listen: 127.0.0.1:${added}`, `listen: 127.0.0.1:${workload.port}`),
    );
    assert.notEqual(status, 200);
    assert.match(body, /ERR_LISTEN/);
    assert.equal((await world.client.admin('/config')).body, before);
    assert.equal((await ask(added, '/still')).status, 200);
    await world.reconfigure((text) => text.replace(`listen: 127.0.0.1:${workload.port}`, `listen: 127.0.0.1:${added}`));
  });

  await t.test('a WebSocket passes both sidecars, and ends with its right', async () => {
    const [one, other] = [ports.sockets, ports.orders].map((port) => new WebSocket(`ws://127.0.0.1:${port}/ws`));
    await Promise.all([opened(one!), opened(other!)]);
    const pong = new Promise<string>((resolve) => one!.once('pong', (data) => resolve(data.toString())));
    one!.ping('are you there');
    assert.equal(await pong, 'are you there back');
    // Longer than one read, so that it comes in pieces.
    const large = Buffer.alloc(300_000, 'octets');
    const echoed = nextMessage(one!);
    one!.send(large);
    assert.ok((await echoed).data.equals(large));
    const closed = closedWith(one!);
    world.mesh.put(
      'more.yaml',
      `policy "no-sockets":\n  rules: [{ name: stop, effect: deny, resources: { name: sockets } }]\n`,
    );
    const reload = await world.reconfigure((text) =>
      text.replace('paths: [calls.yaml]', 'paths: [calls.yaml, more.yaml]'),
    );
    assert.equal(reload.status, 200, reload.body);
    assert.equal((await closed).code, 1006);
    const isEnd = ({ reason, listener }: CallRecord): boolean => reason === 'reauth_revoked' && listener === 'sockets';
    const end = await waitFor('the end on record', () => world.ours().find(isEnd));
    assert.equal(end.network?.direction, 'outbound');
    const still = nextMessage(other!);
    other!.send('still here');
    assert.equal((await still).data.toString(), 'still here');
    other!.close();
    await closedWith(other!);
  });

  assert.deepEqual(await calls.stop(), [200]);
});
