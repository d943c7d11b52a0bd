// wire.md "TLS": an inbound port speaks TLS 1.3 only. Real clients that stop at an older version, and the hellos of the
// versions that no client speaks any more, written by hand (RFC 6101 §5.6.1.2, the SSL 2.0 draft §2.5).

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

const workload = await RecordingWorkload.start();
const cleanups: (() => unknown)[] = [];
const world = { after: (fn: () => unknown) => void cleanups.unshift(fn) };

test.after(async () => {
  for (const cleanup of cleanups) await cleanup();
  await workload.stop();
});

const mesh = await Mesh.create(world, { workloadPort: workload.port });
await mesh.start(world);
const caller = await mesh.caller();

interface Shake {
  readonly protocol: string | null;
  readonly cipher: string;
  readonly fault: string;
}

/** How a handshake with these options ends: with what was agreed, or with why not. */
function shake(options: tls.ConnectionOptions): Promise<Shake> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port: mesh.port,
      checkServerIdentity: () => undefined,
      ...caller,
      ...options,
    });
    socket.on('secureConnect', () => {
      resolve({ protocol: socket.getProtocol(), cipher: socket.getCipher().name, fault: '' });
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ protocol: null, cipher: '', fault: error.code ?? '' }),
    );
  });
}

/** What comes back for some bytes until the port closes the connection. */
async function answerTo(bytes: Buffer): Promise<Buffer> {
  const got: Buffer[] = [];
  let isClosed = false;
  const socket = connect(mesh.port, '127.0.0.1', () => socket.write(bytes));
  socket.on('data', (piece: Buffer) => got.push(piece));
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  await waitFor('the port to close the connection', () => isClosed);
  return Buffer.concat(got);
}

/** A ClientHello of SSL 3.0 and later versions, as a record. */
function helloOf(version: number): Buffer {
  const versionBytes = Buffer.from([version >> 8, version & 0xff]);
  const suites = Buffer.from([0x00, 0x2f, 0x00, 0x35, 0x00, 0x0a, 0x00, 0x05]);
  const body = Buffer.concat([
    versionBytes,
    Buffer.alloc(32, 7),
    Buffer.from([0, 0, suites.length]),
    suites,
    Buffer.from([1, 0]),
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0, 0, body.length]), body]);
  return Buffer.concat([Buffer.from([0x16]), versionBytes, Buffer.from([0, handshake.length]), handshake]);
}

/** CLIENT-HELLO of SSL 2.0: three octets a cipher, no extension. */
const ssl2Hello = Buffer.concat([
  Buffer.from([0x80, 0x1f, 0x01, 0x00, 0x02, 0x00, 0x06, 0x00, 0x00, 0x00, 0x10]),
  Buffer.from([0x01, 0x00, 0x80, 0x07, 0x00, 0xc0]),
  Buffer.alloc(16, 7),
]);

for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const) {
  test(`a client that stops at ${version} gets the alert protocol_version`, async () => {
    const { protocol, fault } = await shake({
      minVersion: version,
      maxVersion: version,
      ciphers: 'ALL:@SECLEVEL=0',
    });
    assert.equal(protocol, null);
    assert.match(fault, /ALERT_PROTOCOL_VERSION/);
  });
}

for (const [name, hello] of [
  ['SSL 2.0', ssl2Hello],
  ['SSL 3.0', helloOf(0x0300)],
  ['TLS 1.2, without an extension', helloOf(0x0303)],
] as const) {
  test(`a hello of ${name} is answered with an alert at most, and the connection ends`, async () => {
    const answer = await answerTo(hello);
    // A ServerHello would be a record of type 22, or of SSL 2.0's own form.
    assert.ok(answer.length === 0 || (answer[0] === 0x15 && answer.length <= 7), answer.toString('hex'));
  });
}

test('ciphers are those of TLS 1.3 with forward secrecy, and the port names the one it prefers', async () => {
  const { protocol, cipher } = await shake({});
  assert.equal(protocol, 'TLSv1.3');
  assert.equal(cipher, 'TLS_AES_256_GCM_SHA384');
});

test('a client without any of the listener’s groups is refused', async () => {
  const { protocol, fault } = await shake({ ecdhCurve: 'secp521r1' });
  assert.equal(protocol, null);
  assert.match(fault, /HANDSHAKE_FAILURE/);
});

test('none of this reached the workload, and a caller is served after it', async (t) => {
  assert.equal(workload.heads.length, 0);
  const peer = RawPeer.connect(mesh.port, caller);
  t.after(() => peer.close());
  peer.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor('the answer', () => peer.received.startsWith('HTTP/1.1 200'));
});
