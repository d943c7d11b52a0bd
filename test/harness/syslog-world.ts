// Syslog servers as docs/siem.md sets them up, and what each of them has to get of a journal: over TLS with our certificate, TCP and UDP.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { encodeCef } from '../../src/audit/encode/cef.ts';
import { encodeRfc5424 } from '../../src/audit/encode/rfc5424.ts';
import type { SinkOptions } from '../../src/audit/sinks/sink-options.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { Shipping } from '../../src/runtime/shipping-runtime.ts';
import { createOperationalLog } from '../../src/telemetry/operational-log.ts';
import { journalFolder, readRecords, recordMany, startRecorder, until } from '../audit/journal-in-folder.ts';
import { freePort } from './free-port.ts';
import { createOpensslPki } from './openssl-pki.ts';

const entry = join(import.meta.dirname, '../../src/cli/ship-main.ts');
const patienceMs = 30_000;

export interface SyslogPorts {
  readonly tls: number;
  readonly tcp: number;
  readonly udp: number;
}

/** A program that takes syslog, and writes what came over each transport to the file of its name in `dir`. */
export interface SyslogServer {
  readonly program: string;
  readonly args: (dir: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Its configuration, written to `server.conf`. */
  readonly config: (dir: string, ports: SyslogPorts) => string;
}

/** The configuration that docs/siem.md shows, which begins with `firstLine`, with places of this test. */
export function shownConfig(firstLine: string, dir: string, { tls }: SyslogPorts): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/siem.md'), 'utf8');
  const at = page.indexOf(`\`\`\`\n${firstLine}`);
  assert.notEqual(at, -1, `${firstLine} is not shown`);
  const text = page.slice(at + 4, page.indexOf('\n```', at + 4) + 1);
  return text
    .replaceAll('/etc/postern-siem/', `${dir}/`)
    .replace('/var/log/postern.log', join(dir, 'tls'))
    .replace('port="6514"', `port="${tls}" address="127.0.0.1"`)
    .replace('port(6514)', `ip("127.0.0.1") port(${tls})`);
}

async function start(t: TestContext, server: SyslogServer, dir: string, port: number): Promise<ChildProcess> {
  const { program, args, env = {} } = server;
  const child = spawn(program, args(dir), { stdio: 'ignore', env: { ...process.env, ...env } });
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

/** Ninety records reach the server in order over each transport, though it is killed and started again. */
export async function getsEveryRecord(t: TestContext, server: SyslogServer): Promise<void> {
  const dir = await journalFolder(t);
  const out = await journalFolder(t);
  const pki = createOpensslPki(out, 'prod.acme.com');
  const { cert, key } = pki.issue('localhost', 'spiffe://prod.acme.com/ns/payments/sa/api');
  const identity = { certPem: await readFile(cert, 'utf8'), keyPem: await readFile(key, 'utf8') };
  const ports = { tls: await freePort(), tcp: await freePort(), udp: await freePort() };
  writeFileSync(join(out, 'server.conf'), server.config(out, ports));
  let running = await start(t, server, out, ports.tcp);
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
  await until(async () => (await linesOf(join(out, 'tcp'))).length >= 30, patienceMs);
  running.kill('SIGKILL');
  await once(running, 'exit');
  await recordMany(recorder, 30);
  running = await start(t, server, out, ports.tcp);
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
}
