// What the caller gets when the workload is down, slow, resets, answers garbage or closes at the worst moment; and that a
// good request works after each.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { answerOk, type Behaviour, RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
let workload: RecordingWorkload;
let mesh: Mesh;
let caller: PeerCredentials;

before(async () => {
  workload = await RecordingWorkload.start();
  scope.after(() => workload.stop());
  mesh = await Mesh.create(scope, {
    workloadPort: workload.port,
    inbound: '    limits: { upstream_response: 1s, upstream_connect: 500ms }\n',
  });
  await mesh.start(scope);
  caller = await mesh.caller();
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** One request on a connection of its own, to its end or to the end of its head. */
async function ask(request: string, until = '\r\n\r\n'): Promise<string> {
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send(request);
  await waitFor('an answer', () => peer.received.includes(until) || peer.closed);
  peer.close();
  return peer.received;
}

const get = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';

async function withBehaviour(behave: Behaviour, check: () => Promise<void>): Promise<void> {
  // Connections kept from the case before would answer as that case did.
  for (const { socket } of workload.connections.splice(0)) socket.destroy();
  workload.behave = behave;
  try {
    await check();
  } finally {
    workload.behave = answerOk;
    for (const { socket } of workload.connections.splice(0)) socket.destroy();
  }
  await waitFor('a good request to work again', async () => (await ask(get)).startsWith('HTTP/1.1 200'));
}

function outcomeOf(answer: string): { readonly result: string } | undefined {
  const id = /x-postern-decision-id: (\S+)/.exec(answer)?.[1];
  const record = journalRecords(mesh.journalDir).find((one) => one['type'] === 'outcome' && one['decision_id'] === id);
  return record?.['outcome'] as { readonly result: string } | undefined;
}

const broken: readonly [name: string, bytes: string][] = [
  ['garbage', 'what?\r\n\r\n'],
  ['another protocol version', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['both length and transfer coding', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
  ['a field that splits', 'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok'],
  ['a folded field', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok'],
  ['a status beyond 599', 'HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\nok'],
  ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ['a head larger than any', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\nContent-Length: 2\r\n\r\nok`],
  ['a head that grows and does not end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(12_000)}`],
  ['more fields than any head has', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(200)}Content-Length: 2\r\n\r\nok`],
  ['a flood of interim answers', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50)],
];
for (const [name, bytes] of broken) {
  test(`${name} from the workload becomes 502`, async () => {
    await withBehaviour(
      ({ socket }) => void socket.write(bytes, 'latin1'),
      async () => {
        const answer = await ask(get, '}');
        const final = answer.slice(answer.lastIndexOf('HTTP/1.1 502'));
        assert.match(final, /^HTTP\/1.1 502 Bad Gateway\r\n/, answer);
        const outcome = await waitFor('its outcome', () => outcomeOf(final));
        assert.equal(outcome.result, 'upstream_failed');
      },
    );
  });
}

test('a workload that is silent becomes 504 in its time', async () => {
  await withBehaviour(
    () => {},
    async () => assert.match(await ask(get, '}'), /^HTTP\/1.1 504 /),
  );
});

test('a workload that closes without an answer becomes 502, and an unsafe request is not sent twice', async () => {
  await withBehaviour(
    ({ socket }) => void socket.destroy(),
    async () => {
      workload.forget();
      assert.match(await ask(post, '}'), /^HTTP\/1.1 502 /);
      assert.equal(workload.heads.length, 1);
    },
  );
});

test('a workload that breaks off within its answer cuts the connection, so that nobody takes it for whole', async () => {
  await withBehaviour(
    ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
    async () => {
      const peer = await RawPeer.connect(mesh.port, caller).secured();
      peer.send(get);
      const answer = await peer.ended();
      assert.match(answer, /^HTTP\/1.1 200 /);
      assert.match(answer, /half$/);
    },
  );
});

test('trailers that do not end cut both connections', async () => {
  let stop = () => {};
  await withBehaviour(
    (connection) => {
      connection.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n');
      const timer = setInterval(() => connection.socket.write('X: y\r\n'.repeat(500)), 5);
      stop = () => clearInterval(timer);
      connection.socket.on('close', stop);
    },
    async () => {
      const peer = await RawPeer.connect(mesh.port, caller).secured();
      peer.send(get);
      const answer = await peer.ended();
      assert.match(answer, /^HTTP\/1.1 200 /);
      assert.doesNotMatch(answer, /\r\n0\r\n/);
      await waitFor('the workload to be left', () => workload.connections.at(-1)!.socket.destroyed);
    },
  );
  stop();
});

test('a kept connection that the workload closed is replaced without the caller noticing, for a safe request', async () => {
  await withBehaviour(answerOk, async () => {
    assert.match(await ask(get), /^HTTP\/1.1 200 /);
    const kept = workload.connections.at(-1)!;
    // It dies as soon as the next request arrives on it, as a keep-alive timeout in the worst moment does.
    workload.behave = (connection, piece) => {
      if (connection === kept) connection.socket.resetAndDestroy();
      else answerOk(connection, piece);
    };
    assert.match(await ask(get), /^HTTP\/1.1 200 /);
  });
});

test('bytes after an answer end the connection to the workload, and the next exchange gets none of them', async () => {
  await withBehaviour(
    ({ socket }) =>
      void socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
      ),
    async () => {
      assert.match(await ask(get, 'ok'), /^HTTP\/1.1 200 /);
      workload.behave = answerOk;
      const next = await ask(get, 'ok');
      assert.doesNotMatch(next, /evil/);
    },
  );
});

test('an answer before the body is read reaches the caller, and its connection ends', async () => {
  await withBehaviour(
    ({ socket }) => void socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n'),
    async () => {
      const peer = await RawPeer.connect(mesh.port, caller).secured();
      peer.send('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegin');
      assert.match(await peer.ended(), /^HTTP\/1.1 413 /);
    },
  );
});

test('an HTTP/1.0 workload that ends its answer by closing is read whole, on a kept connection to the caller', async () => {
  await withBehaviour(
    ({ socket }) => void socket.end('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold but whole'),
    async () => {
      const peer = await RawPeer.connect(mesh.port, caller).secured();
      peer.send(get);
      const answer = await peer.expect('0\r\n\r\n');
      assert.match(answer, /\r\nTransfer-Encoding: chunked\r\n/);
      assert.match(answer, /old but whole/);
      peer.send(get);
      await waitFor('a second answer', () => peer.received.split('HTTP/1.1 200').length === 3);
      peer.close();
    },
  );
});

test('a workload that is down becomes 503 at once, and works when it is back', async () => {
  const { port } = workload;
  await workload.stop();
  const answer = await ask(get, '}');
  assert.match(answer, /^HTTP\/1.1 503 /);
  const outcome = await waitFor('its outcome', () => outcomeOf(answer));
  assert.equal(outcome.result, 'upstream_unreachable');
  workload = await RecordingWorkload.start(answerOk, port);
  assert.match(await ask(get), /^HTTP\/1.1 200 /);
});
