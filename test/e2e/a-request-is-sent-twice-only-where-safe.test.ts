// RFC 9110 §9.2.2, RFC 9112 §9.3.1: a request is sent again only where it is safe, has no body, met a kept connection, and no
// byte of an answer came. Counted by what the workload received.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { answerOk, type RecordedConnection, RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
let workload: RecordingWorkload;
let mesh: Mesh;
let caller: PeerCredentials;

before(async () => {
  workload = await RecordingWorkload.start();
  scope.after(() => workload.stop());
  mesh = await Mesh.create(scope, { workloadPort: workload.port, inbound: '    limits: { upstream_response: 1s }\n' });
  await mesh.start(scope);
  caller = await mesh.caller();
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

beforeEach(() => {
  for (const { socket } of workload.connections.splice(0)) socket.destroy();
  workload.behave = answerOk;
});

async function ask(request: string): Promise<string> {
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send(request);
  await waitFor('an answer', () => /HTTP\/1.1 [2-5].*\r\n\r\n/s.test(peer.received) || peer.closed);
  peer.close();
  return peer.received;
}

/** A connection that the sidecar keeps, after one good exchange. */
async function keptConnection(): Promise<RecordedConnection> {
  assert.match(await ask('GET /first HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1.1 200 /);
  return workload.connections.at(-1)!;
}

const message = (method: string, body = '') =>
  `${method} /second HTTP/1.1\r\nHost: a\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`;

const sent = () => workload.heads.filter((head) => head.includes(' /second HTTP/1.1')).length;

const reset = ({ socket }: RecordedConnection) => void socket.resetAndDestroy();

/** What the kept connection does with the second request; a new one answers. */
const rows: readonly {
  readonly name: string;
  readonly request: string;
  readonly dying: (connection: RecordedConnection) => void;
  readonly status: number;
  readonly times: number;
}[] = [
  { name: 'GET on a reset one', request: message('GET'), dying: reset, status: 200, times: 2 },
  { name: 'GET on a closed one', request: message('GET'), dying: ({ socket }) => socket.end(), status: 200, times: 2 },
  { name: 'HEAD on a reset one', request: message('HEAD'), dying: reset, status: 200, times: 2 },
  { name: 'OPTIONS on a reset one', request: message('OPTIONS'), dying: reset, status: 200, times: 2 },
  { name: 'GET with a body', request: message('GET', 'abc'), dying: reset, status: 502, times: 1 },
  { name: 'POST', request: message('POST', 'abc'), dying: reset, status: 502, times: 1 },
  { name: 'POST without a body', request: message('POST'), dying: reset, status: 502, times: 1 },
  { name: 'PUT', request: message('PUT', 'abc'), dying: reset, status: 502, times: 1 },
  { name: 'DELETE', request: message('DELETE'), dying: reset, status: 502, times: 1 },
  {
    name: 'GET whose answer had begun with a few bytes',
    request: message('GET'),
    dying: ({ socket }) => void socket.end('HTTP/1.1 2'),
    status: 502,
    times: 1,
  },
  {
    name: 'GET that got an interim answer',
    request: message('GET'),
    dying: ({ socket }) => void socket.end('HTTP/1.1 102 Processing\r\n\r\n'),
    status: 502,
    times: 1,
  },
  { name: 'GET that gets no answer in time', request: message('GET'), dying: () => {}, status: 504, times: 1 },
];
for (const { name, request, dying, status, times } of rows) {
  test(`${name}: answered with ${status}, sent ${times === 1 ? 'once' : 'twice'}`, async () => {
    const kept = await keptConnection();
    workload.behave = (connection, piece) => (connection === kept ? dying(kept) : answerOk(connection, piece));
    assert.match(await ask(request), new RegExp(`HTTP/1.1 ${status} `));
    assert.equal(sent(), times);
  });
}

test('a GET whose second sending fails too is not sent a third time', async () => {
  await keptConnection();
  workload.behave = reset;
  assert.match(await ask(message('GET')), /^HTTP\/1.1 502 /);
  assert.equal(sent(), 2);
});

test('a GET that fails on a new connection is sent once', async () => {
  workload.behave = reset;
  assert.match(await ask(message('GET')), /^HTTP\/1.1 502 /);
  assert.equal(sent(), 1);
});
