// The receiver of each type of sink.

import { readFile } from 'node:fs/promises';
import { systemClock } from '../../lib/clock.ts';
import { encoders } from '../encode/encoders.ts';
import { otlpLogRecords } from '../encode/otlp-protobuf.ts';
import { bulkForm } from './bulk-format.ts';
import { BulkPost, type BulkTarget } from './bulk-post.ts';
import type { EncodeForReceiver } from './encoded-record.ts';
import { FileReceiver } from './file-receiver.ts';
import { HttpReceiver } from './http-receiver.ts';
import type { Receiver } from './receiver.ts';
import type {
  ClientIdentity,
  HttpSink,
  KafkaSink,
  OtlpSink,
  SinkOptions,
  SinkTls,
  SyslogSink,
  TlsMaterial,
} from './sink-options.ts';
import { SyslogReceiver } from './syslog-receiver.ts';

/** For a group of records and what is said of it, milliseconds. */
const timeoutMs = 30_000;

/** How records are written for a receiver of `openReceiver`; null for as they are in the journal. */
export function encodingOf(sink: SinkOptions): EncodeForReceiver | null {
  if (sink.type === 'otlp' && sink.protocol === 'protobuf') return otlpLogRecords();
  return sink.encode === 'native' ? null : encoders[sink.encode];
}

/** Rejects where a file that it needs cannot be read. `identity` is asked for each connection. */
export async function openReceiver(sink: SinkOptions, identity: () => ClientIdentity): Promise<Receiver> {
  switch (sink.type) {
    case 'file':
      return new FileReceiver(sink.path);
    case 'http':
      return new HttpReceiver(await openPost(sink, identity), bulkForm(sink.flavour));
    case 'otlp':
      return openOtlp(sink, identity);
    case 'syslog':
      return openSyslog(sink, identity);
    case 'kafka':
      return openKafka(sink, identity);
  }
}

function openSyslog(sink: SyslogSink, identity: () => ClientIdentity): Receiver {
  const target = { ...sink.address, isWhole: sink.encode === 'rfc5424', timeoutMs };
  return new SyslogReceiver(target, () => tlsOf(sink, identity()), systemClock);
}

async function openKafka(sink: KafkaSink, identity: () => ClientIdentity): Promise<Receiver> {
  const { KafkaCluster } = await import('./kafka-cluster.ts');
  const { KafkaReceiver } = await import('./kafka-receiver.ts');
  const { brokers, topic, isTls, compression } = sink;
  const cluster = new KafkaCluster({ brokers, topic, tls: isTls ? () => tlsOf(sink, identity()) : null });
  return new KafkaReceiver(cluster, { topic, isGzip: compression === 'gzip', timeoutMs });
}

async function openOtlp(sink: OtlpSink, identity: () => ClientIdentity): Promise<Receiver> {
  const { otlpJsonForm, otlpProtobufForm } = await import('./otlp-form.ts');
  const post = await openPost(sink, identity);
  const { protocol, compression } = sink;
  if (protocol === 'json') return new HttpReceiver(post, otlpJsonForm(compression));
  return new HttpReceiver(post, otlpProtobufForm(compression));
}

function openPost(sink: HttpSink | OtlpSink, identity: () => ClientIdentity): Promise<BulkPost> {
  return BulkPost.open(() => httpTarget(sink, identity()), systemClock);
}

async function httpTarget(sink: HttpSink | OtlpSink, identity: ClientIdentity): Promise<BulkTarget> {
  const url = new URL(sink.url);
  const tls = url.protocol === 'https:' ? await tlsOf(sink, identity) : {};
  return { url, headers: sink.headers, tls, timeoutMs };
}

async function tlsOf({ caFile }: SinkTls, { certPem, keyPem }: ClientIdentity): Promise<TlsMaterial> {
  const ca = caFile === null ? undefined : await readFile(caFile, 'utf8');
  return { ca, cert: certPem, key: keyPem };
}
