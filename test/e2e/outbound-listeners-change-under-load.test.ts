// A reload adds, removes and changes outbound listeners while calls are under way: none of them fails, but those whose peer is
// accepted no more.

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, CallingWorld, problemOf } from '../harness/calling-world.ts';
import { answerOk, type RecordedConnection, RecordingWorkload } from '../harness/recording-workload.ts';
import { freePort } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

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

test('outbound listeners come, go and change by a reload, and calls under way end as they are', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const nobody = await freePort();
  const added = await freePort();
  const world = await CallingWorld.create(t, { workloadPort: workload.port }, (server) => ({
    orders: `to: [${server}], ${accept}, ${patient}`,
    astray: `to: [127.0.0.1:${nobody}], ${accept}, ${patient}`,
    leaving: `to: [${server}], ${accept}, ${patient}`,
    narrowed: `to: [${server}], ${accept}, ${patient}`,
  }));
  const ports = world.ports as Readonly<Record<'orders' | 'astray' | 'leaving' | 'narrowed', number>>;
  /** A call whose answer has begun, and how to end it. */
  const begun = async (port: number, target: string) => {
    workload.behave = (connection, piece) => {
      if (!piece.toString('latin1').includes(target)) return answerOk(connection, piece);
      connection.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart');
    };
    const end = ask(port, target).then(
      (answer) => answer.body,
      (error: NodeJS.ErrnoException) => error.code,
    );
    const holder = (): RecordedConnection | undefined =>
      workload.connections.find(({ bytes }) => bytes.toString('latin1').includes(target));
    const { socket } = await waitFor('the call', holder);
    return { end, finish: () => socket.write('-rest') };
  };
  const calls = load(ports.orders);

  await t.test('a new listener serves, a changed one goes elsewhere, one that is gone takes no call', async () => {
    assert.equal((await ask(ports.astray, '/x')).status, 503);
    const running = await begun(ports.leaving, '/running');
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
    const running = await begun(ports.narrowed, '/stream');
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
    assert.ok(!workload.received.includes('/after'));
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
  });

  assert.deepEqual(await calls.stop(), [200]);
});
