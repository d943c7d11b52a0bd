// Sinks over TLS show Postern's own SVID, and after a rotation the new one, on new connections: HTTP, OTLP and syslog.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import type { ClientIdentity, SinkOptions } from '../../src/audit/sinks/sink-options.ts';
import { openReceiver } from '../../src/audit/sinks/sink-receivers.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { Shipping } from '../../src/runtime/shipping-runtime.ts';
import { createOperationalLog } from '../../src/telemetry/operational-log.ts';
import { journalFolder, recordMany, startRecorder, until } from '../audit/journal-in-folder.ts';
import { createOpensslPki } from '../harness/openssl-pki.ts';

const entry = join(import.meta.dirname, '../../src/cli/ship-main.ts');
const patienceMs = 30_000;
const spiffeId = 'spiffe://prod.acme.com/ns/payments/sa/api';

/** Servers that take everything from who shows a certificate of the CA, and note whose it was. */
class Receivers {
  /** Organisation of the certificate shown, by delivery; by the name of the sink. */
  readonly shown = new Map<string, string[]>();
  readonly caFile: string;
  readonly #of: (name: string) => ClientIdentity;
  #web: HttpsServer | null = null;
  #syslog: Server | null = null;
  /** What an answer over HTTP waits for. */
  beforeAnswer: () => Promise<void> = async () => {};

  private constructor(caFile: string, of: (name: string) => ClientIdentity) {
    this.caFile = caFile;
    this.#of = of;
  }

  static async start(t: TestContext): Promise<Receivers> {
    const pki = createOpensslPki(await journalFolder(t), 'prod.acme.com');
    const issued = new Map<string, ClientIdentity>();
    for (const name of ['receiver', 'first', 'second']) {
      const { cert, key } = pki.issue(name, spiffeId);
      issued.set(name, { certPem: readFileSync(cert, 'utf8'), keyPem: readFileSync(key, 'utf8') });
    }
    const receivers = new Receivers(pki.caFile, (name) => issued.get(name)!);
    const { certPem: cert, keyPem: key } = receivers.identity('receiver');
    const tls = { cert, key, ca: readFileSync(pki.caFile), requestCert: true, rejectUnauthorized: true };
    const web = createHttps(tls, (request, response) => {
      receivers.#note(request.url!.slice(1), request.socket as TLSSocket);
      request.resume().on('end', () => void receivers.beforeAnswer().then(() => response.end()));
    });
    const syslog = createTls(tls, (socket) => {
      receivers.#note('syslog', socket);
      socket.resume().on('error', () => {});
    });
    receivers.#web = web;
    receivers.#syslog = syslog;
    for (const server of [web, syslog]) {
      await once(server.listen(0, '127.0.0.1'), 'listening');
      t.after(() => void server.close());
    }
    t.after(() => web.closeAllConnections());
    return receivers;
  }

  identity(name: string): ClientIdentity {
    return this.#of(name);
  }

  sinks(caFile: string | null = this.caFile): readonly SinkOptions[] {
    const web = { url: `https://localhost:${portOf(this.#web)}/`, headers: {}, caFile };
    const form = { protocol: 'protobuf', compression: 'gzip' } as const;
    const address = { transport: 'tls', host: 'localhost', port: portOf(this.#syslog) } as const;
    return [
      { ...web, type: 'http', name: 'http', encode: 'native', url: `${web.url}http`, flavour: 'ndjson' },
      { ...web, type: 'otlp', name: 'otlp', encode: 'otlp', url: `${web.url}otlp`, ...form },
      { type: 'syslog', name: 'syslog', encode: 'rfc5424', address, caFile },
    ];
  }

  #note(sink: string, socket: TLSSocket): void {
    const before = this.shown.get(sink) ?? [];
    this.shown.set(sink, [...before, String(socket.getPeerCertificate().subject.O)]);
  }
}

function portOf(server: Server | null): number {
  return (server!.address() as AddressInfo).port;
}

const text = '{"resourceLogs":[{"resource":{},"scopeLogs":[{"logRecords":[{}]}]}]}';
const source = { streamId: 's', seq: 1, line: text, record: {}, isGap: false, standsFor: null };
const group = [{ source, text }];
const { signal } = new AbortController();

test('sinks over TLS', async (t) => {
  const receivers = await Receivers.start(t);
  t.beforeEach(() => receivers.shown.clear());
  await t.test('a rotation reaches every sink over TLS: from then on none shows the old certificate', async (t) => {
    const dir = await journalFolder(t);
    const sinks = receivers.sinks();
    let identity = receivers.identity('first');
    const { recorder } = await startRecorder(t, dir);
    const wheel = new TimerWheel({ clock: systemClock, tickMs: 100, onError: (error) => assert.fail(String(error)) });
    const log = createOperationalLog({ level: 'error', clock: systemClock, wheel, fd: 2 });
    const shipping = new Shipping({ dir, sinks, entry, log, clock: systemClock, identity: () => identity });
    t.after(() => shipping.close());
    await recordMany(recorder, 1);
    const lastOf = (name: string): string | undefined => receivers.shown.get(name)?.at(-1);
    await until(() => sinks.every(({ name }) => lastOf(name) === 'first'), patienceMs);
    identity = receivers.identity('second');
    shipping.renew();
    await until(async () => {
      await recordMany(recorder, 1);
      return sinks.every(({ name }) => lastOf(name) === 'second');
    }, patienceMs);
    await shipping.close();
    for (const [name, shown] of receivers.shown) {
      assert.ok(shown.lastIndexOf('first') < shown.indexOf('second'), `${name}: ${shown.join()}`);
    }
  });

  await t.test('a rotation while a request is under way is not forgotten over its answer', async (t) => {
    let identity = receivers.identity('first');
    for (const sink of receivers.sinks()) {
      const receiver = await openReceiver(sink, () => identity);
      t.after(() => receiver.close());
      receivers.beforeAnswer = async () => {
        identity = receivers.identity('second');
        receiver.renew();
      };
      assert.equal((await receiver.send(group, signal)).answer.kind, 'taken', sink.name);
      if (sink.type === 'syslog') identity = receivers.identity('second');
      assert.equal((await receiver.send(group, signal)).answer.kind, 'taken', sink.name);
      assert.deepEqual(receivers.shown.get(sink.name), ['first', 'second'], sink.name);
      identity = receivers.identity('first');
    }
  });

  await t.test(
    'no record goes to a receiver of another CA, nor over TLS without a certificate where one is asked for',
    async (t) => {
      const tries = [
        ...receivers.sinks(null).map((sink) => ({ sink, identity: receivers.identity('first') })),
        ...receivers.sinks().map((sink) => ({ sink, identity: null })),
      ];
      for (const { sink, identity } of tries) {
        const receiver = await openReceiver(sink, () => identity ?? ({} as ClientIdentity));
        t.after(() => receiver.close());
        assert.equal((await receiver.send(group, signal)).answer.kind, 'later', sink.name);
      }
      assert.equal(receivers.shown.size, 0);
    },
  );
});
