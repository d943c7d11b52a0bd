// HTTP/2 by ALPN: Node's own client as the caller, and raw frames where it would not send what a hostile one does. What callers of
// HTTP/1.1 get, these get; what reaches the workload is the same, and on record before.

import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { HpackEncoder } from '../../src/wire/http2/hpack-encoder.ts';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { journalRecords, type SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { flags, frame, opening, readFrames, types, uint32 } from '../wire/http2/session-probe.ts';

interface Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What the workload was asked, in order. */
const seen: { method: string; url: string; headers: string[]; length: number; trailers: NodeJS.Dict<string> }[] = [];
const held: http.ServerResponse[] = [];

/** Echoes; by path: holds its answer back, answers at once, sends much, streams what comes. */
function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = request.url ?? '';
  if (url === '/echo') return void request.pipe(response);
  if (url === '/early') return void response.writeHead(418).end('early');
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const { method = '', rawHeaders, trailers } = request;
    seen.push({ method, url, headers: rawHeaders, length: Buffer.concat(pieces).length, trailers });
    if (url === '/held') held.push(response);
    else if (url.startsWith('/big'))
      response.writeHead(200, { 'content-length': 2_000_000 }).end(Buffer.alloc(2_000_000, 65));
    else if (url === '/none') response.writeHead(204).end();
    else {
      response.writeHead(200, {
        'content-type': 'text/plain',
        trailer: 'x-sum',
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
      });
      response.write('first ');
      response.addTrailers({ 'x-sum': '7', 'set-cookie': 'never=1' });
      response.end('second');
    }
  });
}

describe('a caller over HTTP/2', () => {
  const workload = http.createServer(serve);
  let mesh: Mesh;
  let sidecar: SidecarProcess;
  let caller: PeerCredentials;
  let session: http2.ClientHttp2Session;
  const ending: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ending.push(fn) };

  before(async () => {
    await new Promise<void>((resolve) => workload.listen(0, '127.0.0.1', resolve));
    const { port } = workload.address() as AddressInfo;
    mesh = await Mesh.create(scope, {
      workloadPort: port,
      inbound: '    http2: on\n    limits: { streams: 50, header_bytes: 16KiB }\n',
    });
    sidecar = await mesh.start(scope);
    caller = await mesh.caller();
    session = connect();
  });

  after(async () => {
    session.destroy();
    workload.closeAllConnections();
    workload.close();
    for (const end of ending.reverse()) await end();
  });

  function connect(): http2.ClientHttp2Session {
    const made = http2.connect(`https://127.0.0.1:${mesh.port}`, { ...caller, checkServerIdentity: () => undefined });
    made.on('error', () => {});
    return made;
  }

  function ask(headers: http2.OutgoingHttpHeaders, body: Buffer | null = null, over = session): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = over.request(headers, { endStream: body === null });
      const pieces: Buffer[] = [];
      let head: http2.IncomingHttpHeaders = {};
      let trailers: http2.IncomingHttpHeaders = {};
      stream.on('response', (received) => (head = received));
      stream.on('trailers', (received) => (trailers = received));
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () =>
        resolve({ status: Number(head[':status']), headers: head, trailers, body: Buffer.concat(pieces) }),
      );
      stream.on('error', reject);
      if (body !== null) stream.end(body);
    });
  }

  async function rawPeer(): Promise<RawPeer> {
    return await RawPeer.connect(mesh.port, caller, { ALPNProtocols: ['h2'] }).secured();
  }

  test('gets the answer with its safe trailers, and nothing of the hop', async () => {
    const { status, headers, trailers, body } = await ask({ ':path': '/a?b=1', cookie: ['a=1', 'b=2'] });
    assert.deepEqual(
      [status, String(body), trailers['x-sum'], trailers['set-cookie']],
      [200, 'first second', '7', undefined],
    );
    assert.deepEqual(
      [headers['x-hop'], headers['transfer-encoding'], headers.connection],
      [undefined, undefined, undefined],
    );
    const record = await recordOf(String(headers['x-postern-decision-id']));
    assert.deepEqual([record['decision'], (record['tls'] as { alpn?: string }).alpn], ['allow', 'h2']);
  });

  test('reaches the workload with the same request as over HTTP/1.1', async () => {
    const fields = {
      host: 'payments',
      cookie: 'a=1',
      'x-a': 'b',
      'x-spiffe-id': 'spoofed',
      x_postern_peer: 'spoofed',
      'x-request-id': 'same-id',
    };
    const { host, ...rest } = fields;
    await ask(
      { ':method': 'POST', ':path': '/same?q=1', ':authority': host, ...rest, 'content-length': 3 },
      Buffer.from('abc'),
    );
    const peer = await RawPeer.connect(mesh.port, caller).secured();
    const lines = Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    peer.send(`POST /same?q=1 HTTP/1.1\r\n${lines}content-length: 3\r\n\r\nabc`);
    await peer.expect('second');
    peer.close();
    const [two, one] = seen
      .filter(({ url }) => url === '/same?q=1')
      .map((request) => ({ ...request, headers: comparable(request.headers) }));
    assert.deepEqual(two, one);
    assert.ok(!JSON.stringify(two).includes('spoofed'));
  });

  test('streams both ways at once, through windows smaller than what is sent', async () => {
    const stream = session.request({ ':path': '/echo', ':method': 'POST' });
    await new Promise<void>((resolve) => {
      stream.once('data', () => resolve());
      stream.write('ping');
    });
    const sent = Buffer.alloc(1_500_000, 66);
    let received = 0;
    stream.on('data', (piece: Buffer) => (received += piece.length));
    stream.end(sent);
    await waitFor('the echo', () => received === sent.length);
  });

  test('has empty answers, and answers to HEAD, in one frame', async () => {
    assert.deepEqual((await ask({ ':path': '/none' })).status, 204);
    const head = await ask({ ':path': '/big', ':method': 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '2000000', 0]);
  });

  test('gets an answer that comes before its request is whole, and the stream is let go', async () => {
    const { status, body } = await ask({ ':path': '/early', ':method': 'POST' }, Buffer.alloc(300_000));
    assert.deepEqual([status, String(body)], [418, 'early']);
  });

  test('has many requests under way at once, while one that reads nothing holds up no other', async () => {
    const stalled = session.request({ ':path': '/big?stalled' });
    stalled.pause();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => ask({ ':path': `/many/${at}` })));
    assert.ok(answers.every(({ status, body }) => status === 200 && String(body) === 'first second'));
    const big = await Promise.all([ask({ ':path': '/big' }), ask({ ':path': '/big' })]);
    assert.deepEqual(
      big.map(({ body }) => body.length),
      [2_000_000, 2_000_000],
    );
    stalled.close(http2.constants.NGHTTP2_CANCEL);
  });

  test('is denied with 403, and a call of gRPC with its own status', async () => {
    const before = seen.length;
    const denied = await ask({ ':path': '/x', ':method': 'PURGE' });
    assert.deepEqual([denied.status, denied.headers['content-type']], [403, 'application/problem+json']);
    const call = await ask(
      { ':path': '/a.B/C', ':method': 'PURGE', 'content-type': 'application/grpc+proto', te: 'trailers' },
      Buffer.alloc(100_000),
    );
    assert.deepEqual([call.status, call.headers['grpc-status'], call.body.length], [200, '7', 0]);
    for (const { headers } of [denied, call]) {
      const record = await recordOf(String(headers['x-postern-decision-id']));
      assert.equal(record['decision'], 'deny');
    }
    assert.equal(seen.length, before);
  });

  test('is refused a path of two forms, and a head that is too large', async () => {
    assert.equal((await ask({ ':path': '/a/../b' })).status, 400);
    assert.equal((await ask({ ':path': '//x/%2e%2e;/admin' })).status, 400);
    assert.equal((await ask({ ':path': '/', 'x-a': 'v'.repeat(16_000) })).status, 431);
  });

  test('that smuggles is cut off at its stream, on record, and nothing reaches the workload', async () => {
    const peer = await rawPeer();
    const count = seen.length;
    const encoder = new HpackEncoder();
    const block = (...extra: readonly (readonly [string, string])[]) =>
      ([[':method', 'GET'], [':scheme', 'https'], [':authority', 'a'], [':path', '/smuggle'], ...extra] as const)
        .map(([name, value]) => encoder.field(name, value))
        .join('');
    const blocks = [
      block(['x-a', 'b\r\nx-c: d']),
      block(['x-a', 'b\0']),
      block(['transfer-encoding', 'chunked']),
      block(['connection', 'x-postern-peer']),
      block(['host', 'b']),
      block(['content-length', '5']),
      block(['x-a\r\nhost', 'b']),
      block([':path', '/other']),
    ];
    peer.send(
      Buffer.from(
        opening +
          blocks.map((one, at) => frame(types.headers, flags.endHeaders | flags.endStream, at * 2 + 1, one)).join(''),
        'latin1',
      ),
    );
    const resets = await waitFor('the resets', () => {
      const found = readFrames(peer.received).filter(({ type }) => type === types.rst);
      return found.length === blocks.length ? found : null;
    });
    assert.deepEqual(
      resets.map(({ payload }) => payload),
      blocks.map(() => uint32(1)),
    );
    assert.equal(seen.length, count);
    await waitFor(
      'the records',
      () => journalRecords(mesh.journalDir).filter((one) => one['reason'] === 'bad_request').length >= blocks.length,
    );
    peer.close();
  });

  test('that floods is told to be calm, and others do not notice', async () => {
    const peer = await rawPeer();
    peer.send(Buffer.from(opening + frame(types.ping, 0, 0, '12345678').repeat(2_000), 'latin1'));
    await peer.ended();
    const last = readFrames(peer.received)
      .filter(({ type }) => type === types.goaway)
      .at(-1);
    assert.equal(last?.payload.charCodeAt(7), 11);
    assert.equal((await ask({ ':path': '/after' })).status, 200);
  });

  test('that resets its requests leaves none at the workload, and its decisions on record', async () => {
    const stream = session.request({ ':path': '/held', ':method': 'POST' }, { endStream: true });
    const response = await waitFor('the request', () => held[0]);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await waitFor('the end at the workload', () => response.destroyed || response.socket?.destroyed !== false);
    const outcome = await waitFor('the outcome', () =>
      journalRecords(mesh.journalDir)
        .filter(({ type }) => type === 'outcome')
        .map(({ outcome: end }) => end as { result: string; detail: string | null })
        .find(({ result, detail }) => result === 'client_aborted' && detail?.includes('reset the stream with code 8')),
    );
    assert.ok(outcome);
  });

  test('keeps a request that is under way when the sidecar ends, and begins no other', async () => {
    const over = connect();
    const goaway = new Promise<number>((resolve) => over.once('goaway', resolve));
    held.length = 0;
    const answer = ask({ ':path': '/held' }, null, over);
    const response = await waitFor('the request', () => held[0]);
    sidecar.signal('SIGTERM');
    assert.equal(await goaway, 0);
    response.end('whole');
    assert.equal(String((await answer).body), 'whole');
  });

  async function recordOf(id: string): Promise<Record<string, unknown>> {
    return await waitFor('the record', () => journalRecords(mesh.journalDir).find((one) => one['decision_id'] === id));
  }
});

/** Names in lower case, in order; without what differs from request to request. */
function comparable(rawHeaders: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (name !== 'traceparent' && name !== 'x-postern-decision-id') lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  return lines.sort();
}
