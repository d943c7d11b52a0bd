// The receiver of each type of sink.

import { readFile } from 'node:fs/promises';
import { systemClock } from '../../lib/clock.ts';
import { BulkPost, type BulkTarget } from './bulk-post.ts';
import { FileReceiver } from './file-receiver.ts';
import { HttpReceiver } from './http-receiver.ts';
import type { Receiver } from './receiver.ts';
import type { ClientIdentity, HttpSink, SinkOptions, SinkTls, SyslogSink } from './sink-options.ts';
import { SyslogReceiver, type SyslogTls } from './syslog-receiver.ts';

/** For a group of records and what is said of it, milliseconds. */
const timeoutMs = 30_000;

/** Rejects where a file that it needs cannot be read. `identity` is asked for each connection. */
export async function openReceiver(sink: SinkOptions, identity: () => ClientIdentity): Promise<Receiver> {
  switch (sink.type) {
    case 'file':
      return new FileReceiver(sink.path);
    case 'http':
      return new HttpReceiver(await BulkPost.open(() => httpTarget(sink, identity()), systemClock), sink.flavour);
    case 'syslog':
      return openSyslog(sink, identity);
  }
}

function openSyslog(sink: SyslogSink, identity: () => ClientIdentity): Receiver {
  const target = { ...sink.address, isWhole: sink.encode === 'rfc5424', timeoutMs };
  return new SyslogReceiver(target, () => tlsOf(sink, identity()), systemClock);
}

async function httpTarget(sink: HttpSink, identity: ClientIdentity): Promise<BulkTarget> {
  const url = new URL(sink.url);
  const tls = url.protocol === 'https:' ? await tlsOf(sink, identity) : {};
  return { url, headers: sink.headers, tls, timeoutMs };
}

async function tlsOf({ caFile }: SinkTls, { certPem, keyPem }: ClientIdentity): Promise<SyslogTls> {
  const ca = caFile === null ? undefined : await readFile(caFile, 'utf8');
  return { ca, cert: certPem, key: keyPem };
}
