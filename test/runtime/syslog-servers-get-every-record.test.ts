// Sinks of type `syslog` against rsyslog, as docs/siem.md sets it up: over TLS with our certificate, TCP and UDP.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeCef } from '../../src/audit/encode/cef.ts';
import { encodeRfc5424 } from '../../src/audit/encode/rfc5424.ts';
import type { SinkOptions } from '../../src/audit/sinks/sink-options.ts';
import { SyslogReceiver } from '../../src/audit/sinks/syslog-receiver.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { Shipping } from '../../src/runtime/shipping-runtime.ts';
import { createOperationalLog } from '../../src/telemetry/operational-log.ts';
import { journalFolder, readRecords, recordMany, startRecorder, until } from '../audit/journal-in-folder.ts';
import { createOpensslPki } from '../harness/openssl-pki.ts';
import { requireFile, requireTool } from '../require-tool.ts';

const entry = join(import.meta.dirname, '../../src/cli/ship-main.ts');
const patienceMs = 30_000;

interface Ports {
  readonly tls: number;
  readonly tcp: number;
  readonly udp: number;
}

/** The configuration of docs/siem.md with places of this test. */
function rsyslogConfig(dir: string, { tls, tcp, udp }: Ports): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/siem.md'), 'utf8');
  const shown =
    /```\n(# \/etc\/rsyslog\.d\/postern\.conf[\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('no rsyslog.conf');
  const file = (name: string): string =>
    `ruleset(name="${name}" queue.type="Direct") { action(type="omfile" file="${join(dir, name)}" template="raw") }\n`;
  return shown
    .replaceAll('/etc/postern-siem/', `${dir}/`)
    .replace('/var/log/postern.log', join(dir, 'tls'))
    .replace('port="6514"', `port="${tls}" address="127.0.0.1"`)
    .concat(file('tcp'), file('udp'), 'module(load="imptcp")\nmodule(load="imudp")\n')
    .concat(`input(type="imptcp" port="${tcp}" address="127.0.0.1" ruleset="tcp")\n`)
    .concat(`input(type="imudp" port="${udp}" address="127.0.0.1" ruleset="udp")\n`);
}

async function startRsyslog(t: TestContext, program: string, dir: string, port: number): Promise<ChildProcess> {
  const child = spawn(program, ['-n', '-f', join(dir, 'rsyslog.conf'), '-i', join(dir, 'pid')], { stdio: 'ignore' });
  t.after(() => void child.kill('SIGKILL'));
  await until(() => canConnect(port), patienceMs);
  return child;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1);
}

test('rsyslog gets every record over TLS, TCP and UDP, also when it is killed and started again', async (t) => {
  const program = requireTool(t, 'rsyslogd');
  if (program === null || requireFile(t, '/usr/lib/*/rsyslog/lmnsd_ossl.so', 'rsyslog-openssl') === null) return;
  const dir = await journalFolder(t);
  const out = await journalFolder(t);
  const pki = createOpensslPki(out, 'prod.acme.com');
  const { cert, key } = pki.issue('localhost', 'spiffe://prod.acme.com/ns/payments/sa/api');
  const identity = { certPem: await readFile(cert, 'utf8'), keyPem: await readFile(key, 'utf8') };
  const ports = { tls: await freePort(), tcp: await freePort(), udp: await freePort() };
  writeFileSync(join(out, 'rsyslog.conf'), rsyslogConfig(out, ports));
  let server = await startRsyslog(t, program, out, ports.tcp);
  const address = (transport: 'tls' | 'tcp' | 'udp') =>
    ({ transport, host: transport === 'tls' ? 'localhost' : '127.0.0.1', port: ports[transport] }) as const;
  const sinks: readonly SinkOptions[] = [
    { type: 'syslog', name: 'tls', encode: 'rfc5424', address: address('tls'), caFile: pki.caFile },
    { type: 'syslog', name: 'tcp', encode: 'cef', address: address('tcp'), caFile: null },
    { type: 'syslog', name: 'udp', encode: 'rfc5424', address: address('udp'), caFile: null },
  ];
  const { recorder } = await startRecorder(t, dir);
  const wheel = new TimerWheel({ clock: systemClock, tickMs: 100, onError: (error) => assert.fail(String(error)) });
  const log = createOperationalLog({ level: 'error', clock: systemClock, wheel, fd: 2 });
  const shipping = new Shipping({ dir, sinks, entry, log, clock: systemClock, identity: () => identity });
  t.after(() => shipping.close());
  await recordMany(recorder, 30);
  await until(async () => (await linesOf(join(out, 'tls'))).length >= 30, patienceMs);
  server.kill('SIGKILL');
  await once(server, 'exit');
  await recordMany(recorder, 30);
  server = await startRsyslog(t, program, out, ports.tcp);
  await recordMany(recorder, 30);
  const records = (await readRecords(dir)).filter(({ type }) => type !== 'seal');
  const wanted = records.map((record) => encodeRfc5424(record as Readonly<Record<string, unknown>>));
  const cef = records.map((record) => encodeCef(record as Readonly<Record<string, unknown>>));
  await until(async () => new Set(await linesOf(join(out, 'tls'))).size >= wanted.length, patienceMs);
  await until(async () => new Set(await linesOf(join(out, 'tcp'))).size >= cef.length, patienceMs);
  await until(async () => (await linesOf(join(out, 'udp'))).length >= 30, patienceMs);
  await shipping.close();
  assert.deepEqual([...new Set(await linesOf(join(out, 'tls')))], wanted);
  const overTcp = [...new Set(await linesOf(join(out, 'tcp')))];
  assert.deepEqual(
    overTcp.map((line) => line.slice(line.indexOf('CEF:0'))),
    cef,
  );
  assert.match(overTcp[0]!, /^<8[46]>1 \S+Z \S+ postern \S+ AUTHZ - CEF:0\|/);
});

const moods: Readonly<Record<string, (socket: Socket) => void>> = {
  'closes at once': (socket) => void socket.end(),
  'resets what it has read': (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  'closes when it has read a part': (socket) =>
    void socket.once('readable', () => socket.read(3) !== undefined && socket.destroy()),
  'never closes': (socket) => void socket.resume(),
};

for (const [what, mood] of Object.entries(moods)) {
  test(`a server over TCP that ${what} has not taken what it was sent`, async (t) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      mood(socket);
      t.after(() => void socket.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => void server.close());
    const { port } = server.address() as { port: number };
    const target = { transport: 'tcp', host: '127.0.0.1', port, isWhole: true, timeoutMs: 500 } as const;
    const receiver = new SyslogReceiver(target, () => assert.fail('no TLS'), systemClock);
    const source = { streamId: 's', seq: 1, line: '', record: {}, isGap: false, standsFor: null };
    const texts = Array.from({ length: 200 }, () => ({ source, text: 'x'.repeat(1_000) }));
    const { answer } = await receiver.send(texts, new AbortController().signal);
    assert.equal(answer.kind, 'later');
  });
}
