// Nothing is held back on the way: an event reaches the caller before the next is made, a piece of a body the workload
// before the next is sent, and what belongs to a stream (trailers, interim answers, ranges) arrives with it.

import assert from 'node:assert/strict';
import http from 'node:http';
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
  const inbound = '    limits: { idle: 400ms, header: 400ms }\n';
  mesh = await Mesh.create(scope, { workloadPort: (workload.address() as AddressInfo).port, inbound });
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

/** Sends a request, and gives the workload's side of it. */
async function exchange(text: string): Promise<{
  readonly peer: RawPeer;
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
}> {
  const seen: { request: http.IncomingMessage; response: http.ServerResponse }[] = [];
  serve((request, response) => void seen.push({ request, response }));
  const peer = await RawPeer.connect(mesh.port, caller, { allowHalfOpen: true } as never).secured();
  peer.send(text);
  const { request, response } = await waitFor('the request at the workload', () => seen[0]);
  return { peer, request, response };
}

const get = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';

test('each of 100 server-sent events arrives before the next is made', async () => {
  const { peer, response } = await exchange(get);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let at = 0; at < 100; at++) {
    response.write(`data: ${at}\n\n`);
    await peer.expect(`data: ${at}\n\n`);
  }
  response.end();
  await peer.expect('0\r\n\r\n');
  peer.close();
});

test('a head without a body arrives before its first event', async () => {
  const { peer, response } = await exchange(get);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  await peer.expect('text/event-stream\r\n');
  await peer.expect('\r\n\r\n');
  response.end();
  peer.close();
});

test('a long poll and a quiet stream outlive the limits of idle connections and of heads', async () => {
  const { peer, response } = await exchange(get);
  const askedMs = performance.now();
  await waitFor('longer than the limits', () => performance.now() - askedMs > 1_000);
  response.writeHead(200);
  response.write('first');
  await peer.expect('first');
  const quietMs = performance.now();
  await waitFor('longer than the limits', () => performance.now() - quietMs > 1_000);
  response.end('last');
  await peer.expect('last');
  peer.close();
});

for (const framing of ['chunked', 'length'] as const) {
  test(`each piece of a ${framing} body arrives before the next is sent`, async () => {
    const size = framing === 'chunked' ? 'Transfer-Encoding: chunked' : 'Content-Length: 300';
    const { peer, request, response } = await exchange(`POST /x HTTP/1.1\r\nHost: a\r\n${size}\r\n\r\n`);
    let got = '';
    request.on('data', (piece: Buffer) => {
      got += piece.toString();
    });
    for (let at = 100; at < 200; at++) {
      peer.send(framing === 'chunked' ? `3\r\n${at}\r\n` : String(at));
      await waitFor(`piece ${at}`, () => got.endsWith(String(at)));
    }
    if (framing === 'chunked') peer.send('0\r\n\r\n');
    await waitFor('the end', () => request.complete);
    response.end('done');
    await peer.expect('done');
    peer.close();
  });
}

test('an answer flows while the body of its request still does', async () => {
  const { peer, request, response } = await exchange(
    'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  request.on('data', (piece: Buffer) => void response.write(`echo ${piece.toString()};`));
  request.on('end', () => response.end('bye'));
  for (let at = 0; at < 10; at++) {
    peer.send(`1\r\n${at}\r\n`);
    await peer.expect(`echo ${at};`);
  }
  peer.send('0\r\n\r\n');
  await peer.expect('bye');
  peer.close();
});

test('safe trailers of an answer arrive, others do not', async () => {
  const { peer, response } = await exchange(get);
  response.writeHead(200, { trailer: 'x-sum' });
  response.write('body');
  response.addTrailers({ 'x-sum': '1', 'set-cookie': 'evil', 'x-postern-peer': 'evil', 'content-type': 'evil' });
  response.end();
  const answer = await peer.expect('\r\n0\r\n');
  assert.match(await peer.expect('x-sum: 1\r\n\r\n'), /\r\n0\r\nx-sum: 1\r\n\r\n$/);
  assert.doesNotMatch(answer.slice(answer.indexOf('\r\n0\r\n')), /evil/);
  peer.close();
});

test('a workload that refuses an expected body is heard, and none of the body is sent', async () => {
  serve(() => assert.fail('the body was not to be sent'));
  workload.on('checkContinue', (_request, response) => {
    response.writeHead(417, { 'content-length': 2 });
    response.end('no');
  });
  const peer = await RawPeer.connect(mesh.port, caller).secured();
  peer.send('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  const answer = await peer.ended();
  assert.match(answer, /^HTTP\/1\.1 417 [\s\S]*\r\n\r\nno$/);
  assert.match(answer, /connection: close/i, 'nobody can tell whether the body follows');
});

test('interim answers arrive as they are given', async () => {
  const { peer, response } = await exchange(get);
  response.writeEarlyHints({ link: '</a.css>; rel=preload' });
  await peer.expect('HTTP/1.1 103 Early Hints\r\n');
  response.end('final');
  await peer.expect('final');
  peer.close();
});

test('a range and its 206 pass as they are', async () => {
  const { peer, request, response } = await exchange(
    'GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\nIf-Range: "e"\r\n\r\n',
  );
  assert.equal(request.headers.range, 'bytes=2-4');
  assert.equal(request.headers['if-range'], '"e"');
  response.writeHead(206, { 'content-range': 'bytes 2-4/10', 'content-length': 3, etag: '"e"' });
  response.end('cde');
  const answer = await peer.expect('\r\n\r\ncde');
  assert.match(answer, /^HTTP\/1\.1 206 /);
  assert.match(answer, /content-range: bytes 2-4\/10/i);
  assert.match(answer, /content-length: 3/i);
  peer.close();
});

test('several ranges keep their type and every octet of their parts', async () => {
  const parts = '--b\r\ncontent-range: bytes 0-0/9\r\n\r\na\r\n--b\r\ncontent-range: bytes 8-8/9\r\n\r\ni\r\n--b--\r\n';
  const { peer, response } = await exchange('GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,-1\r\n\r\n');
  response.writeHead(206, { 'content-type': 'multipart/byteranges; boundary=b', 'content-length': parts.length });
  response.end(parts);
  assert.ok((await peer.expect('--b--\r\n')).endsWith(`\r\n\r\n${parts}`));
  peer.close();
});

test('HEAD keeps the length of the answer that it stands for, and the connection', async () => {
  const { peer, response } = await exchange('HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n');
  response.writeHead(200, { 'content-length': 10_737_418_240 });
  response.end();
  assert.match(await peer.expect('\r\n\r\n'), /content-length: 10737418240\r\n/i);
  serve((_request, next) => void next.end('next'));
  peer.send(get);
  await peer.expect('next');
  peer.close();
});

test('a caller that half-closes within the answer gets the rest of it', async () => {
  const { peer, response } = await exchange(get);
  response.write('first ');
  await peer.expect('first ');
  peer.socket.end();
  for (let at = 0; at < 20; at++) {
    response.write(`more ${at};`);
    await peer.expect(`more ${at};`);
  }
  response.end('last');
  assert.match(await peer.ended(), /last\r\n0\r\n\r\n$/);
});
