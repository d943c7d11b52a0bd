// WebSocket over a stream of HTTP/2 (RFC 8441): asked for by an extended CONNECT, judged, recorded and ended as one over HTTP/1.1,
// beside other streams of the same connection.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { journalRecords } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { WebSocketWorld } from '../harness/websocket-world.ts';

const deadlineMs = 20_000;
const policy = `policy "open":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }
  rules:
    - { name: all, effect: allow, actions: [read] }
    - { name: not, effect: deny, resources: { path: /denied } }
`;

/** A frame of text as a client sends it: masked, with a mask of zeros. */
const textFrame = (text: string): Buffer =>
  Buffer.from(`\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`, 'latin1');
const echoed = (text: string): Buffer => Buffer.from(`\x81${String.fromCharCode(text.length)}${text}`, 'latin1');
const closeFrame = Buffer.from('\x88\x82\0\0\0\0\x03\xe8', 'latin1');

describe('an extended CONNECT', () => {
  let world: WebSocketWorld;
  let session: http2.ClientHttp2Session;
  const ending: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ending.push(fn) };

  before(async () => {
    world = await WebSocketWorld.create(scope, { policy, inbound: '    http2: on\n' });
    world.echo();
    const identity = { checkServerIdentity: () => undefined };
    session = http2.connect(`https://127.0.0.1:${world.mesh.port}`, { ...world.caller, ...identity });
    session.on('error', () => {});
    await new Promise((resolve) => session.once('remoteSettings', resolve));
  });

  after(async () => {
    session.destroy();
    for (const end of ending.reverse()) await end();
  });

  interface Asked {
    readonly stream: http2.ClientHttp2Stream;
    readonly head: Promise<http2.IncomingHttpHeaders>;
    readonly received: () => Buffer;
    readonly over: () => boolean;
  }

  function ask(path: string, fields: http2.OutgoingHttpHeaders = {}): Asked {
    const connect = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': '13' };
    const stream = session.request({ ...connect, ...fields }, { endStream: false });
    const pieces: Buffer[] = [];
    let isOver = false;
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => stream.end());
    stream.on('close', () => (isOver = true));
    const head = new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
      stream.on('response', resolve);
      stream.on('error', reject);
    });
    head.catch(() => {});
    return { stream, head, received: () => Buffer.concat(pieces), over: () => isOver };
  }

  function recordsAt(path: string): Record<string, unknown>[] {
    return journalRecords(world.mesh.journalDir).filter((one) => JSON.stringify(one).includes(`"path":"${path}"`));
  }

  test('opens a tunnel that carries frames both ways, beside other streams, and is on record with its end', async () => {
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const { stream, head, received, over } = ask('/ws');
    // Sent ahead of the answer: it waits for the tunnel.
    stream.write(textFrame('ahead'));
    const { ':status': status, 'sec-websocket-accept': accept, ...rest } = await head;
    assert.deepEqual([status, accept, rest.upgrade, rest.connection], [200, undefined, undefined, undefined]);
    stream.write(textFrame('hello'));
    const wanted = Buffer.concat([echoed('ahead'), echoed('hello')]);
    await waitFor('the echo', () => received().equals(wanted), deadlineMs);
    const large = Buffer.concat([
      Buffer.from('\x82\xff\0\0\0\0\0\x0f\x42\x40\0\0\0\0', 'latin1'),
      Buffer.alloc(1_000_000),
    ]);
    stream.write(large);
    await waitFor('a large message', () => received().length > 1_000_000 + wanted.length, deadlineMs);
    stream.write(closeFrame);
    await waitFor('the end', over, deadlineMs);
    const [decision] = recordsAt('/ws');
    assert.deepEqual(
      [decision?.['decision'], (decision?.['http'] as { method?: string } | undefined)?.method ?? 'GET'],
      ['allow', 'GET'],
    );
    const outcome = await waitFor(
      'the outcome',
      () =>
        journalRecords(world.mesh.journalDir)
          .filter(({ type, decision_id }) => type === 'outcome' && decision_id === decision?.['decision_id'])
          .map(({ outcome: end }) => end as { status: number; result: string })[0],
      deadlineMs,
    );
    assert.deepEqual([outcome.status, outcome.result], [101, 'answered']);
  });

  test('is denied by policy with 403, and the workload hears nothing of it', async () => {
    await waitFor('the one before to be gone', () => world.server.clients.size === 0, deadlineMs);
    const { head } = ask('/denied');
    assert.equal((await head)[':status'], 403);
    assert.equal(world.server.clients.size, 0);
  });

  test('for another protocol, with a key of its own, or of another version is refused with 400', async () => {
    assert.equal((await ask('/a', { ':protocol': 'connect-udp' }).head)[':status'], 400);
    assert.equal((await ask('/a', { 'sec-websocket-version': '8' }).head)[':status'], 400);
    assert.equal((await ask('/a', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }).head)[':status'], 400);
    assert.deepEqual(recordsAt('/a'), []);
  });

  test('ends with the right that it was opened under', async () => {
    const { stream, head, received, over } = ask('/until');
    assert.equal((await head)[':status'], 200);
    stream.on('error', () => {});
    stream.write(textFrame('open'));
    await waitFor('the echo', () => received().equals(echoed('open')), deadlineMs);
    // What the connection was used for last is still allowed, so that it stays.
    const plain = session.request({ ':path': '/plain' }).resume();
    await once(plain, 'end');
    writeFileSync(world.mesh.policyFile, policy.replace('/denied', '/until'));
    await waitFor('the end', over, deadlineMs);
    const [opened, ended] = await waitFor(
      'the record',
      () => (recordsAt('/until').length === 2 ? recordsAt('/until') : null),
      deadlineMs,
    );
    assert.deepEqual(
      [opened?.['decision'], ended?.['decision'], ended?.['reason']],
      ['allow', 'deny', 'reauth_revoked'],
    );
    assert.equal((await ask('/until').head)[':status'], 403);
  });

  test('never is a tunnel where the workload answers but does not switch', async () => {
    world.server.options.server?.removeAllListeners('upgrade');
    const { head } = ask('/plain');
    assert.equal((await head)[':status'], 502);
  });
});
