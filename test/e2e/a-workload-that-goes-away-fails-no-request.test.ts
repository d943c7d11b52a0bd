// A workload over HTTP/2 that takes no more on a connection, or none of a stream (RFC 9113 §6.8, §8.7): what it did not look at is
// asked once more elsewhere, whatever it is; what it did look at is not.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { journalRecords } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR } = http2.constants;
const deadlineMs = 20_000;

/** What the workload saw of each attempt: the connection by number, and the body when it was whole. */
interface Attempt {
  readonly path: string;
  readonly connection: number;
  body: string | null;
}

const attempts: Attempt[] = [];
const held = new Map<string, http2.ServerHttp2Stream>();
const sessions: http2.ServerHttp2Session[] = [];

/** By path: goes away within a first attempt, refuses or breaks a first attempt, holds its answer back, echoes. */
function serve(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  const path = headers[':path'] ?? '';
  const attempt: Attempt = {
    path,
    connection: sessions.indexOf(stream.session as http2.ServerHttp2Session),
    body: null,
  };
  const isFirst = !attempts.some((one) => one.path === path);
  attempts.push(attempt);
  const pieces: Buffer[] = [];
  let received = 0;
  stream.on('error', () => {});
  stream.on('data', (piece: Buffer) => {
    pieces.push(piece);
    received += piece.length;
    const isEnough = path !== '/unread/large' || received > 40_000;
    if (path.startsWith('/unread') && isFirst && isEnough) stream.session?.goaway(0, stream.id! - 2);
  });
  stream.on('end', () => {
    attempt.body = Buffer.concat(pieces).toString();
    if (path === '/held' && isFirst) held.set(path, stream);
    else if (!stream.destroyed) answer(stream, attempt.body);
  });
  if (path === '/refused' && isFirst) stream.close(NGHTTP2_REFUSED_STREAM);
  if (path === '/broken' && isFirst) stream.close(NGHTTP2_INTERNAL_ERROR);
}

function answer(stream: http2.ServerHttp2Stream, body: string): void {
  stream.respond({ ':status': 200 });
  stream.end(body);
}

describe('a request to a workload over HTTP/2', () => {
  const workload = http2.createServer();
  let mesh: Mesh;
  let session: http2.ClientHttp2Session;
  const ending: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ending.push(fn) };

  before(async () => {
    workload.on('session', (made) => sessions.push(made));
    workload.on('stream', serve);
    await new Promise<void>((resolve) => workload.listen(0, '127.0.0.1', resolve));
    const { port } = workload.address() as AddressInfo;
    mesh = await Mesh.create(scope, { workloadPort: port, inbound: '    http2: on\n' });
    mesh.put('postern.yaml', mesh.readConfig().replace('forward: http:', 'forward: h2c:'));
    await mesh.start(scope);
    const identity = { checkServerIdentity: () => undefined };
    session = http2.connect(`https://127.0.0.1:${mesh.port}`, { ...(await mesh.caller()), ...identity });
    session.on('error', () => {});
    // Streams of their connection have a number above 1 from here on.
    await ask('/first', ['']).answer;
  });

  after(async () => {
    session.destroy();
    for (const one of sessions) one.destroy();
    workload.close();
    for (const end of ending.reverse()) await end();
  });

  /** A POST whose pieces are sent one by one; `more` sends the rest. */
  function ask(path: string, pieces: readonly string[]) {
    const stream = session.request({ ':method': 'POST', ':path': path });
    let body = '';
    stream.on('data', (piece: Buffer) => (body += piece));
    const answer = new Promise<{ status: number; body: string; id: string }>((resolve, reject) => {
      let head: http2.IncomingHttpHeaders = {};
      stream.on('response', (received) => (head = received));
      stream.on('error', reject);
      stream.on('end', () =>
        resolve({ status: Number(head[':status']), body, id: String(head['x-postern-decision-id']) }),
      );
    });
    for (const piece of pieces.slice(0, -1)) stream.write(piece);
    stream.end(pieces.at(-1));
    return { stream, answer };
  }

  function attemptsAt(path: string): Attempt[] {
    return attempts.filter((one) => one.path === path);
  }

  test('is sent again, with its body, on another connection where GOAWAY says that it was not read; once on record', async () => {
    const { status, body, id } = await ask('/unread', ['one ', 'two ', 'three']).answer;
    assert.deepEqual([status, body], [200, 'one two three']);
    const [first, second, ...more] = attemptsAt('/unread');
    assert.deepEqual([second?.body, more.length], ['one two three', 0]);
    assert.notEqual(first?.connection, second?.connection);
    await waitFor(
      'the record',
      () => journalRecords(mesh.journalDir).some((one) => one['decision_id'] === id),
      deadlineMs,
    );
    const records = journalRecords(mesh.journalDir).filter((one) => JSON.stringify(one).includes('"path":"/unread"'));
    assert.equal(records.length, 1);
  });

  test('is sent again with what its caller goes on to send meanwhile', async () => {
    const stream = session.request({ ':method': 'POST', ':path': '/unread/turns' });
    let received = '';
    stream.on('data', (piece: Buffer) => (received += piece));
    stream.write('one ');
    await waitFor('the first attempt', () => attemptsAt('/unread/turns').length > 0, deadlineMs);
    stream.write('two ');
    await waitFor('the second attempt', () => attemptsAt('/unread/turns').length > 1, deadlineMs);
    stream.end('three');
    await waitFor('the answer', () => received === 'one two three', deadlineMs);
  });

  test('is sent again where its stream was refused, and not where that broke', async () => {
    assert.deepEqual((await ask('/refused', ['x']).answer).body, 'x');
    assert.equal(attemptsAt('/refused').length, 2);
    assert.equal((await ask('/broken', ['x']).answer).status, 502);
    assert.equal(attemptsAt('/broken').length, 1);
  });

  test('that is too large to be kept is answered with 502', async () => {
    assert.equal((await ask('/unread/large', ['x'.repeat(60_000)]).answer).status, 502);
    assert.equal(attemptsAt('/unread/large').length, 1);
  });

  test('that the workload goes on with after GOAWAY is answered there, and others elsewhere', async () => {
    const asked = ask('/held', ['under way']);
    const stream = await waitFor('the request', () => held.get('/held'), deadlineMs);
    stream.session!.goaway(0, stream.id!);
    const other = await ask('/other', ['x']).answer;
    assert.deepEqual([other.status, other.body], [200, 'x']);
    answer(stream, 'whole');
    assert.equal((await asked.answer).body, 'whole');
    assert.notEqual(attemptsAt('/other').at(-1)?.connection, attemptsAt('/held')[0]?.connection);
    assert.equal(attemptsAt('/held').length, 1);
  });
});
