// A tunnel needs a handshake that is valid, a policy that allows it, and a workload that confirms this very handshake.
// Whatever lacks one of the three is an answer like any other, and no octet passes unread.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { answerOk, type Behaviour, RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, type SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { handshake, websocketAccept } from '../harness/websocket-world.ts';

const policy = `policy "all but /denied":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }
  rules:
    - name: all
      effect: allow
      actions: [read, write]
    - name: closed
      effect: deny
      actions: [read]
      conditions: ['resource.path == "/denied"']
`;

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
let workload: RecordingWorkload;
let mesh: Mesh;
let sidecar: SidecarProcess;
let caller: PeerCredentials;

before(async () => {
  workload = await RecordingWorkload.start();
  scope.after(() => workload.stop());
  mesh = await Mesh.create(scope, { workloadPort: workload.port, policy });
  sidecar = await mesh.start(scope);
  caller = await mesh.caller();
});

beforeEach(() => {
  workload.behave = answerOk;
  workload.forget();
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
const confirmed = `${switching}Sec-WebSocket-Accept: ${websocketAccept}\r\n`;

/** Answers the first head with `text`, and sends back what follows. */
const answers =
  (text: string): Behaviour =>
  (connection, piece) => {
    const bytes = connection.bytes.toString('latin1');
    if (!bytes.includes('\r\n\r\n')) return;
    if (bytes.indexOf('\r\n\r\n') + 4 > bytes.length - piece.length) connection.socket.write(text, 'latin1');
    else connection.socket.write(piece);
  };

const connect = (): Promise<RawPeer> => RawPeer.connect(mesh.port, caller).secured();

test('the workload gets the handshake written anew, and the caller the 101', async () => {
  workload.behave = answers(`${confirmed}Sec-WebSocket-Protocol: chat\r\nX-Spiffe-Id: evil\r\n\r\n`);
  const peer = await connect();
  peer.send(handshake('/ws?room=1', 'Sec-WebSocket-Protocol: chat\r\nX-Postern-Peer: evil\r\nTE: trailers\r\n'));
  const answer = await peer.expect('\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.equal(answer.match(/^connection: upgrade\r$/gim)?.length, 1);
  assert.equal(answer.match(/^upgrade: websocket\r$/gim)?.length, 1);
  assert.match(answer, /x-postern-decision-id: [0-9a-f-]{36}/);
  assert.match(answer, /Sec-WebSocket-Protocol: chat/);
  assert.doesNotMatch(answer, /evil|content-length|transfer-encoding/i);
  const head = workload.heads[0]!;
  assert.match(head, /^GET \/ws\?room=1 HTTP\/1\.1\r\n/);
  assert.equal(head.match(/^connection: upgrade\r?$/gim)?.length, 1);
  assert.equal(head.match(/^upgrade: websocket\r?$/gim)?.length, 1);
  assert.doesNotMatch(head, /evil|^te:/im);
  assert.match(head, /x-postern-peer: spiffe:\/\/prod\.acme\.com\/ns\/payments\/api/i);
  peer.send('\x00any\xffoctets');
  await peer.expect('\x00any\xffoctets');
  peer.close();
});

test('octets that the workload sends with its 101 pass', async () => {
  workload.behave = answers(`${confirmed}\r\n\x81\x02hi`);
  const peer = await connect();
  peer.send(handshake());
  await peer.expect('\r\n\r\n\x81\x02hi');
  peer.close();
});

test('a policy that denies gives 403 and a problem, and the workload hears nothing', async () => {
  workload.behave = answers(`${confirmed}\r\n`);
  const peer = await connect();
  peer.send(handshake('/denied'));
  const answer = await peer.expect('"decision_id"');
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.match(answer, /content-type: application\/problem\+json/);
  assert.equal(workload.received, '');
  const id = /"decision_id":"([^"]+)"/.exec(answer)![1];
  const record = await waitFor('the record', () =>
    journalRecords(mesh.journalDir).find((one) => one['decision_id'] === id),
  );
  assert.equal((record['http'] as Record<string, unknown>)['upgrade'], 'websocket');
  workload.behave = answerOk;
  peer.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.expect('\r\n\r\nok');
  peer.close();
});

describe('a handshake that is not RFC 6455’s', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['h2c beside it', handshake().replace('Upgrade: websocket', 'Upgrade: h2c, websocket')],
    ['an old version', handshake().replace('Version: 13', 'Version: 8')],
    ['no key', handshake().replace(/Sec-WebSocket-Key: .*\r\n/, '')],
    ['another method', handshake().replace('GET', 'POST')],
    ['a body', handshake('/ws', 'Content-Length: 2\r\n')],
  ];
  for (const [what, bytes] of rows) {
    test(`with ${what} is refused with 400`, async () => {
      workload.behave = answers(`${confirmed}\r\n`);
      const peer = await connect();
      peer.send(bytes);
      assert.match(await peer.ended(), /^HTTP\/1\.1 400 /);
      assert.equal(workload.received, '');
    });
  }
});

test('an upgrade to h2c is an ordinary request, and a 101 to it a bad gateway', async () => {
  workload.behave = answers('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  const peer = await connect();
  peer.send(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n',
  );
  assert.match(await peer.expect('HTTP/1.1'), /^HTTP\/1\.1 502 /);
  assert.doesNotMatch(workload.received, /upgrade|http2-settings/i);
  peer.close();
});

describe('a workload that answers a handshake with', () => {
  const rows: readonly (readonly [string, string])[] = [
    [
      'a 101 to h2c',
      `HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: ${websocketAccept}\r\n\r\n`,
    ],
    ['a 101 without Sec-WebSocket-Accept', `${switching}\r\n`],
    ['a 101 that accepts another key', `${switching}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n`],
    ['a 101 that has a length', `${confirmed}Content-Length: 3\r\n\r\nabc`],
    ['a 101 in HTTP/1.0', `${confirmed.replace('1.1', '1.0')}\r\n`],
    ['octets of WebSocket alone', '\x81\x02hi'],
  ];
  for (const [what, text] of rows) {
    test(`${what} opens no tunnel: 502`, async () => {
      workload.behave = answers(text);
      const peer = await connect();
      peer.send(handshake());
      const answer = await peer.expect('}');
      assert.match(answer, /^HTTP\/1\.1 502 /);
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
      peer.close();
    });
  }

  test('an ordinary answer gives just that, and what follows is read as requests', async () => {
    workload.behave = answers(
      'HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno',
    );
    const peer = await connect();
    peer.send(`${handshake()}GET /denied HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answers2 = await peer.expect('"decision_id"');
    assert.match(answers2, /^HTTP\/1\.1 200 /);
    assert.match(answers2, /\r\n\r\nnoHTTP\/1\.1 403 /);
    assert.doesNotMatch(answers2.slice(0, answers2.indexOf('no')), /upgrade/i);
    assert.doesNotMatch(workload.received, /denied/);
    peer.close();
  });

  test('an ordinary answer has the frames sent ahead refused, and none forwarded', async () => {
    workload.behave = answers('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n');
    const peer = await connect();
    peer.send(`${handshake()}\x81\x85abcdhello`);
    const text = await peer.ended();
    assert.match(text, /^HTTP\/1\.1 426 [\s\S]*HTTP\/1\.1 400 /);
    assert.doesNotMatch(workload.received, /hello/);
  });
});

test('octets sent ahead of the 101 wait for it, and then arrive', async () => {
  let confirm: (() => void) | null = null;
  workload.behave = (connection) => {
    if (confirm === null) confirm = () => void connection.socket.write(`${confirmed}\r\n`);
  };
  const peer = await connect();
  peer.send(`${handshake()}ahead`);
  await waitFor('the handshake at the workload', () => confirm);
  assert.doesNotMatch(workload.received, /ahead/);
  peer.send(' and after');
  confirm!();
  await waitFor('what was sent', () => workload.received.endsWith('ahead and after'));
  peer.close();
});

test('octets sent ahead without end are held back at the sender', async () => {
  let heads = 0;
  workload.behave = () => {
    heads++;
  };
  const peer = await connect();
  peer.send(handshake());
  await waitFor('the handshake at the workload', () => heads > 0);
  const before = sidecar.residentBytes;
  peer.send(Buffer.alloc(40_000_000));
  await waitFor('the sender to be held back', () => peer.socket.writableLength > 0 && peer.socket.writableNeedDrain);
  assert.ok(sidecar.residentBytes - before < 20_000_000);
  assert.equal(workload.heads.length, 1);
  peer.close();
});

test('a caller that half-closes lets the workload finish', async () => {
  workload.behave = answers(`${confirmed}\r\n`);
  const peer = await RawPeer.connect(mesh.port, caller, { allowHalfOpen: true } as never).secured();
  peer.send(handshake());
  await peer.expect('\r\n\r\n');
  const { socket } = workload.connections.at(-1)!;
  socket.removeAllListeners('end');
  let ended = false;
  socket.on('end', () => {
    ended = true;
  });
  peer.socket.end('last');
  await waitFor('the end at the workload', () => ended);
  socket.end('and the answer');
  await peer.expect('lastand the answer');
  await peer.ended();
});
