// Bodies and framing from caller to workload and back: whatever their size and form, whole, in order and without a stall.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
let mesh: Mesh;
let caller: PeerCredentials;
const workload = http.createServer();

before(async () => {
  await new Promise<void>((resolve) => workload.listen(0, '127.0.0.1', resolve));
  scope.after(() => void workload.close());
  scope.after(() => workload.closeAllConnections());
  mesh = await Mesh.create(scope, { workloadPort: (workload.address() as AddressInfo).port });
  await mesh.start(scope);
  caller = await mesh.caller();
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

function serve(handler: http.RequestListener): void {
  workload.removeAllListeners('request').removeAllListeners('checkContinue');
  workload.on('request', handler);
}

function send(
  options: https.RequestOptions,
  body: Buffer | readonly Buffer[] | null,
): Promise<{ status: number; body: Buffer; answer: http.IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: '127.0.0.1',
      port: mesh.port,
      agent: false,
      checkServerIdentity: () => undefined,
      timeout: 15_000,
      ...caller,
      ...options,
    });
    request.on('timeout', () => request.destroy(new Error('stalled')));
    request.on('error', reject);
    request.on('response', (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces), answer }));
    });
    if (body === null) request.end();
    else if (Buffer.isBuffer(body)) request.end(body);
    else {
      for (const piece of body) request.write(piece);
      request.end();
    }
  });
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const echo: http.RequestListener = (request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => response.end(Buffer.concat(pieces)));
};

for (const size of [1, 4_000, 70_000, 1_000_000, 8_000_000]) {
  test(`a body of ${size} bytes sent at once with its head comes back whole`, async () => {
    serve(echo);
    const bytes = randomBytes(size);
    const got = await send({ method: 'POST', headers: { 'content-length': size } }, bytes);
    assert.equal(got.status, 200);
    assert.equal(digest(got.body), digest(bytes));
  });

  test(`a chunked body of ${size} bytes streamed both ways comes back whole`, async () => {
    serve((request, response) => void request.pipe(response));
    const bytes = randomBytes(size);
    const pieces = [bytes.subarray(0, size >> 1), bytes.subarray(size >> 1)].filter((piece) => piece.length > 0);
    const got = await send({ method: 'PUT' }, pieces);
    assert.equal(digest(got.body), digest(bytes));
  });
}

test('bodies that many callers send at once never mix, whatever part of them comes with the head', async () => {
  serve((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (piece: Buffer) => hash.update(piece)).on('end', () => response.end(hash.digest('hex')));
  });
  const bodies = Array.from({ length: 60 }, (_, at) => Buffer.alloc(1 + ((at * at * 37) % 50_000), at + 1));
  const peers = await Promise.all(bodies.map(() => RawPeer.connect(mesh.port, caller).secured()));
  for (const [at, peer] of peers.entries()) {
    const body = bodies[at]!;
    const head = Buffer.from(`POST /${at} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    const first = Math.min(body.length, (at * 211) % 9_000);
    peer.send(Buffer.concat([head, body.subarray(0, first)]));
    if (first < body.length) setImmediate(() => peer.send(body.subarray(first)));
  }
  for (const [at, peer] of peers.entries()) {
    const expected = createHash('sha256').update(bodies[at]!).digest('hex');
    await waitFor('an answer', () => /[0-9a-f]{64}/.test(peer.received));
    assert.ok(peer.received.includes(expected), `the body of caller ${at}`);
    peer.close();
  }
});

test('a reader that is slow to begin stalls nobody and loses nothing', async () => {
  const bytes = randomBytes(20_000_000);
  serve((_request, response) => void response.end(bytes));
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.socket.pause();
  peer.send('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const other = await send({ method: 'GET' }, null);
  assert.equal(digest(other.body), digest(bytes));
  peer.socket.resume();
  await peer.ended(20_000);
  const body = Buffer.from(peer.received.slice(peer.received.indexOf('\r\n\r\n') + 4), 'latin1');
  assert.equal(digest(body), digest(bytes));
});

test('a connection to the workload that was held back by a slow reader serves the next request', async () => {
  // Whole reads of the sidecar: the last piece then fills the queue towards the caller and stops the reading.
  const bytes = randomBytes(48 * 65_536);
  const sockets = new Set<unknown>();
  serve((request, response) => {
    sockets.add(request.socket);
    response.writeHead(200, { 'content-length': bytes.length });
    response.flushHeaders();
    setImmediate(() => response.end(bytes));
  });
  for (let at = 0; at < 8; at++) {
    const peer = await RawPeer.connect(mesh.port, caller).secured();
    peer.socket.pause();
    peer.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('the answer to begin', () => peer.socket.readableLength > 0 || peer.received !== '');
    peer.socket.resume();
    await waitFor('the whole answer', () => peer.received.length > bytes.length);
    peer.close();
  }
  assert.ok(sockets.size < 8, `connections to the workload are kept: ${sockets.size}`);
});

test('the first piece of a stream reaches the caller before the second is made', async () => {
  let second: (() => void) | null = null;
  serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: one\n\n');
    second = () => void response.end('data: two\n\n');
  });
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('data: one');
  second!();
  await peer.expect('data: two');
  peer.close();
});

test('100-continue is the workload’s to give', async () => {
  serve(echo);
  workload.on('checkContinue', (request, response) => {
    response.writeContinue();
    echo(request, response);
  });
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  await peer.expect('HTTP/1.1 100 Continue\r\n\r\n');
  peer.send('hello');
  await peer.expect('hello');
  peer.close();
});

test('HEAD, 204 and 304 have no body, and the next request on the connection is answered', async () => {
  serve((request, response) => {
    const status = Number(request.url!.slice(1)) || 200;
    response.writeHead(status, status === 200 ? { 'content-length': 5 } : {});
    response.end(request.method === 'HEAD' || status !== 200 ? undefined : 'hello');
  });
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send('HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('\r\n\r\n');
  assert.match(peer.received, /Content-Length: 5/i);
  for (const [path, status] of [
    ['/204', '204'],
    ['/304', '304'],
  ]) {
    peer.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await peer.expect(`HTTP/1.1 ${status}`);
  }
  peer.send('GET /200 HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('hello');
  assert.equal(peer.received.split('hello').length, 2);
  peer.close();
});

test('a caller that half-closes after its request still gets the answer', async () => {
  let answer: (() => void) | null = null;
  serve((_request, response) => {
    answer = () => void response.end('late but here');
  });
  const peer = await RawPeer.connect(mesh.port, caller, { allowHalfOpen: true } as never).secured();
  peer.socket.end('GET /x HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1');
  await waitFor('the request at the workload', () => answer);
  answer!();
  await peer.expect('late but here');
  peer.close();
});

test('a caller that leaves in the middle of its body leaves no request at the workload that looks whole', async () => {
  let state = 'none';
  serve((request) => {
    state = 'begun';
    request.on('error', () => {
      state = 'broken';
    });
    request.on('end', () => {
      state = 'whole';
    });
    request.resume();
  });
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await waitFor('the request at the workload', () => state === 'begun');
  peer.close();
  await waitFor('the break', () => state === 'broken');
});

test('an HTTP/1.0 caller gets an answer that ends with the connection', async () => {
  serve((_request, response) => {
    response.write('streamed ');
    response.end('answer');
  });
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send('GET /x HTTP/1.0\r\nHost: a\r\n\r\n');
  const text = await peer.ended();
  assert.match(text, /\r\n\r\nstreamed answer$/);
  assert.doesNotMatch(text, /chunked/i);
});

test('safe trailers arrive, others do not', async () => {
  let seen: NodeJS.Dict<string> = {};
  serve((request, response) => {
    request.resume();
    request.on('end', () => {
      seen = request.trailers;
      response.end('done');
    });
  });
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send(
    'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Postern-Peer: evil\r\nAuthorization: evil\r\n\r\n',
  );
  await peer.expect('done');
  assert.deepEqual(Object.keys(seen), ['x-sum']);
  peer.close();
});
