// The own bundle endpoint: what it says, how it follows rotation, and that strangers can neither hold nor break it.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { openBundleServer } from '../../src/federation/bundle-server.ts';
import { ServedDocument } from '../../src/federation/served-document.ts';
import { parseBundleDocument } from '../../src/identity/bundle-document.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Domain } from './domains.ts';

/** What a server says to these bytes over TLS, with the certificate it showed. */
function ask(port: number, bytes: string): Promise<{ readonly text: string; readonly serial: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ text: string; serial: string }>();
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => socket.write(bytes));
  let text = '';
  let serial = '';
  socket.once('secureConnect', () => {
    serial = socket.getPeerX509Certificate()!.serialNumber;
  });
  socket.on('data', (part) => {
    text += part.toString();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET' || reject(error));
  socket.on('close', () => resolve({ text, serial }));
  return promise;
}

const get = (target: string, method = 'GET', fields = ''): string =>
  `${method} ${target} HTTP/1.1\r\nhost: b.example\r\n${fields}\r\n`;

function bodyOf(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

test('it serves a document that Postern and node read, and a new one with a higher sequence after a rotation', async (t) => {
  const b = await Domain.make(t, 'b.example');
  const { port } = await b.serve(t);
  const first = await ask(port, get('/'));
  assert.match(first.text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(first.text, /content-type: application\/json\r\n/i);
  const document = parseBundleDocument(bodyOf(first.text), 'b', TrustDomain.parse('b.example'));
  assert.equal(document.x509.refreshHintMs, 300_000);
  assert.equal(document.x509.authorities[0]!.certificate.toString(), new X509Certificate(b.bundlePem).toString());
  const [key] = JSON.parse(bodyOf(first.text)).keys;
  assert.deepEqual([key.kty, key.use, key.crv, key.x5c.length], ['EC', 'x509-svid', 'P-256', 1]);
  assert.equal(first.serial, b.svid.serial);
  await b.addCa();
  b.giveJwtKeys('k1');
  await b.rotate();
  const second = await ask(port, get('/?x=1'));
  const next = parseBundleDocument(bodyOf(second.text), 'b', TrustDomain.parse('b.example'));
  assert.equal(next.x509.authorities.length, 2);
  assert.deepEqual(
    next.jwt.authorities.map((one) => one.keyId),
    ['k1'],
  );
  assert.ok(next.sequence! > document.sequence!);
  assert.equal(second.serial, b.svid.serial);
});

test('it answers GET and HEAD of one path, and nothing that is sent to it', async (t) => {
  const b = await Domain.make(t, 'b.example');
  const { port } = await b.serve(t);
  const rows = [
    [get('/'), 200],
    [get('/', 'HEAD'), 200],
    [get('/other'), 404],
    [get('//'), 404],
    [get('/', 'POST', 'content-length: 3\r\n'), 405],
    [get('/', 'OPTIONS'), 405],
    [get('/', 'GET', 'content-length: 3\r\n'), 400],
    [get('/', 'GET', 'transfer-encoding: chunked\r\n'), 400],
    [get('/', 'GET', 'connection: upgrade\r\nupgrade: websocket\r\n'), 200],
  ] as const;
  for (const [bytes, status] of rows) {
    const { text } = await ask(port, bytes);
    assert.equal(Number(text.split(' ')[1]), status, bytes);
    if (bytes.startsWith('HEAD') || status !== 200) assert.equal(bodyOf(text), '', bytes);
  }
  assert.equal((await ask(port, `${get('/')}${get('/')}`)).text.split('HTTP/1.1 ').length, 2);
  assert.equal((await ask(port, `GET / HTTP/1.1\r\nhost: b\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`)).text, '');
  assert.equal((await ask(port, 'rubbish\r\n\r\n')).text, '');
});

async function silent(t: TestContext, port: number): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

test('strangers who say nothing are turned away above a bound, and it serves on once they are gone', async (t) => {
  const b = await Domain.make(t, 'b.example');
  const { port } = await b.serve(t);
  const strangers = await Promise.all(Array.from({ length: 140 }, () => silent(t, port)));
  const gone = () => strangers.filter((one) => one.destroyed).length;
  await waitFor('the bound', () => gone() >= 12, 30_000);
  // Those who said nothing lose their place by themselves.
  await waitFor('their end', () => gone() === strangers.length, 30_000);
  assert.match((await ask(port, get('/'))).text, /^HTTP\/1\.1 200/);
});

test('as `https_web` it serves with a certificate from files, takes a new pair, and refuses one that does not fit', async (t) => {
  const [b, web] = [await Domain.make(t, 'b.example'), await Domain.make(t, 'web.example')];
  const [certFile, keyFile] = [path.join(b.dir, 'web.crt'), path.join(b.dir, 'web.key')];
  const write = (cert: string, key: string): void => {
    writeFileSync(keyFile, key);
    writeFileSync(certFile, cert);
  };
  write(web.svid.certChainPem, web.svid.keyPem);
  const refused: unknown[] = [];
  const fail = (error: unknown): void => assert.fail(String(error));
  const server = await openBundleServer(
    {
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      profile: { kind: 'https_web', certFile, keyFile },
      refreshHintMs: 60_000,
    },
    {
      identity: b.source(),
      clock: systemClock,
      reusePort: false,
      onRefused: (error) => refused.push(error),
      onError: fail,
    },
  );
  t.after(() => server.close());
  const port = server.address.kind === 'tcp' ? server.address.port : 0;
  const serial = async (): Promise<string> => (await ask(port, get('/'))).serial;
  const first = web.svid.serial;
  assert.equal(await serial(), first);
  await web.rotate();
  writeFileSync(certFile, web.svid.certChainPem);
  await waitFor('the refusal', () => refused.length > 0, 20_000);
  assert.equal(await serial(), first);
  write(web.svid.certChainPem, web.svid.keyPem);
  await waitFor('the new pair', async () => (await serial()) === web.svid.serial, 20_000);
  // The own SVID is no business of this endpoint.
  await b.rotate();
  assert.equal(await serial(), web.svid.serial);
});

test('the sequence rises with each change, stays without one, and goes on from the clock after a restart', () => {
  const sequences: number[] = [];
  const document = new ServedDocument(1_500);
  for (const [keys, nowMs] of [
    [['a'], 5_000],
    [['a'], 9_000],
    [['b'], 9_000],
    [['c'], 9_000],
    [['d'], 60_000],
  ] as const) {
    document.update(
      keys.map((k) => ({ k })),
      nowMs,
    );
    sequences.push(JSON.parse(document.text).spiffe_sequence);
  }
  assert.deepEqual(sequences, [5, 5, 9, 10, 60]);
  assert.equal(JSON.parse(document.text).spiffe_refresh_hint, 2);
});

test('a fault of its listener is told and ends nothing; when it is gone, the endpoint still closes', async (t) => {
  const b = await Domain.make(t, 'b.example');
  const told: unknown[] = [];
  const onError = (error: unknown): void => void told.push(error);
  const endpoint = await openBundleServer(
    { listen: { kind: 'tcp', host: '127.0.0.1', port: 0 }, profile: { kind: 'https_spiffe' }, refreshHintMs: 300_000 },
    { identity: b.source(), clock: systemClock, reusePort: false, onRefused: onError, onError },
  );
  t.after(() => endpoint.close());
  const port = endpoint.address.kind === 'tcp' ? endpoint.address.port : 0;
  const listener = listenerAt(port);
  // As Node tells an `accept` that failed.
  const fault = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' });
  listener.emit('error', fault);
  assert.deepEqual(told, [fault]);
  assert.match((await ask(port, get('/'))).text, /^HTTP\/1\.1 200 OK/);
  listener.close();
  await assert.rejects(ask(port, get('/')), { code: 'ECONNREFUSED' });
  await b.rotate();
  await endpoint.close();
  assert.deepEqual(told, [fault]);
});

/** What listens at a port of this process. */
function listenerAt(port: number): net.Server {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles: () => unknown[] };
  const found = handles().find((one) => one instanceof net.Server && (one.address() as net.AddressInfo)?.port === port);
  assert.ok(found instanceof net.Server);
  return found;
}
