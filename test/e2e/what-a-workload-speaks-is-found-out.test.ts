// `forward: auto://…`: a workload that speaks HTTP/1.1, one that speaks HTTP/2, one that speaks both; and each in the place of another.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Http2Workload {
  readonly port: number;
  /** Paths, in the order in which they came. */
  readonly streams: readonly string[];
  stop(): void;
}

/** A workload over HTTP/2 that says which version carried the request. */
async function http2Workload(port: number): Promise<Http2Workload> {
  const streams: string[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    streams.push(String(headers[':path']));
    stream.on('error', () => {});
    stream.respond({ ':status': 200, spoken: 'http2' });
    stream.end('two');
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    streams,
    stop: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

describe('a workload at an address that says nothing of what it speaks', () => {
  const ending: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ending.push(fn) };
  let workload: RecordingWorkload;
  let port: number;
  let mesh: Mesh;
  let caller: PeerCredentials;

  before(async () => {
    workload = await RecordingWorkload.start();
    port = workload.port;
    mesh = await Mesh.create(scope, { workloadPort: port, scheme: 'auto', inbound: '    http2: on\n' });
    await mesh.start(scope);
    caller = await mesh.caller();
  });

  after(async () => {
    for (const end of ending.reverse()) await end();
  });

  async function ask(path: string): Promise<string> {
    const peer = await RawPeer.connect(mesh.port, caller).secured();
    peer.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    return peer.ended(30_000);
  }

  async function stream(path: string): Promise<http2.IncomingHttpHeaders> {
    const session = http2.connect(`https://127.0.0.1:${mesh.port}`, {
      ...caller,
      checkServerIdentity: () => undefined,
    });
    const request = session.request({ ':path': path });
    const [answer] = (await once(request, 'response')) as [http2.IncomingHttpHeaders];
    await once(request.resume(), 'end');
    session.close();
    return answer;
  }

  /** Of the requests over HTTP/1.1; what tried the other version stands before some. */
  function paths(): string[] {
    return [...workload.received.matchAll(/GET (\S+) HTTP\/1\.1\r\n/g)].map(([, path]) => path!);
  }

  test('that speaks HTTP/1.1 gets HTTP/1.1, of callers of either version, and is asked once what it speaks', async () => {
    assert.match(await ask('/one'), /^HTTP\/1\.1 200 /);
    assert.equal((await stream('/two'))[':status'], 200);
    const asked = workload.connections.filter(({ bytes }) => bytes.toString('latin1').startsWith('PRI * HTTP/2.0'));
    assert.equal(asked.length, 1);
    assert.deepEqual(paths(), ['/one', '/two']);
  });

  test('that is replaced by one over HTTP/2 gets that, after one that was not answered at most', async () => {
    await workload.stop();
    assert.match(await ask('/down'), /^HTTP\/1\.1 50[23] /);
    const next = await http2Workload(port);
    assert.match(await ask('/three'), /\r\nspoken: http2\r\n/i);
    assert.equal((await stream('/four'))['spoken'], 'http2');
    assert.deepEqual(next.streams, ['/three', '/four']);
    next.stop();
  });

  test('that is replaced by one over HTTP/1.1 again gets that', async () => {
    workload = await RecordingWorkload.start(answerOk, port);
    await waitFor('an answer', async () => (await ask('/five')).startsWith('HTTP/1.1 200'));
    assert.ok(paths().includes('/five'));
  });

  test('that closes at the first octets of HTTP/2 gets HTTP/1.1', async () => {
    await workload.stop();
    workload = await RecordingWorkload.start((connection, piece) => {
      if (piece.toString('latin1').startsWith('PRI ')) connection.socket.destroy();
      else answerOk(connection, piece);
    }, port);
    await waitFor('an answer', async () => (await ask('/six')).startsWith('HTTP/1.1 200'));
    await workload.stop();
  });

  test('that speaks both gets streams, and WebSockets over HTTP/1.1', async () => {
    const http1 = http.createServer((_request, response) => response.end('one'));
    http1.on('upgrade', (_request, socket) => {
      socket.on('error', () => {});
      // The key and what proves that it was read are those of RFC 6455 §1.3.
      const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
      socket.write(`HTTP/1.1 101 Switch\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${accept}\r\n\r\n`);
      socket.end('hello');
    });
    assert.match(await ask('/down'), /^HTTP\/1\.1 50[23] /);
    await once(http1.listen(0, '127.0.0.1'), 'listening');
    const two = await http2Workload(0);
    const both = net.createServer((socket) => {
      socket.once('data', (piece: Buffer) => {
        const isHttp2 = piece.toString('latin1').startsWith('PRI ');
        const inner = net.connect(isHttp2 ? two.port : (http1.address() as net.AddressInfo).port, '127.0.0.1');
        for (const end of [socket, inner]) end.on('error', () => [socket, inner].map((one) => one.destroy()));
        inner.write(piece);
        socket.pipe(inner).pipe(socket);
      });
    });
    await once(both.listen(port, '127.0.0.1'), 'listening');
    ending.push(
      () => void both.close(),
      () => void http1.close(),
      () => two.stop(),
    );
    await waitFor('a stream', async () => /spoken: http2/i.test(await ask('/seven')));
    const peer = await RawPeer.connect(mesh.port, caller).secured();
    peer.send(
      'GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    assert.match(await peer.expect('hello'), /^HTTP\/1\.1 101 /);
    peer.close();
  });
});
