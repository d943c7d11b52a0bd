// What a sink can be told: data that goes to the thread that ships as it is. Times in milliseconds.

import type { EncodingName } from '../encode/encoders.ts';
import type { BulkFlavour } from './bulk-format.ts';

/** Every encoding of a record; `native` is the journal's own line. */
export type SinkEncoding = 'native' | EncodingName;

interface AnySink {
  /** Names the cursor, and the sink in metrics and messages. */
  readonly name: string;
  readonly encode: SinkEncoding;
}

/** Whom to believe where a receiver is reached over TLS. */
export interface SinkTls {
  /** PEM; null for the CAs of the system. */
  readonly caFile: string | null;
}

/** What a connection over TLS is made with. PEM. */
export interface TlsMaterial {
  readonly ca: string | undefined;
  readonly cert: string;
  readonly key: string;
}

export interface FileSink extends AnySink {
  readonly type: 'file';
  readonly path: string;
}

export interface HttpSink extends AnySink, SinkTls {
  readonly type: 'http';
  readonly url: string;
  readonly flavour: BulkFlavour;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SyslogSink extends AnySink, SinkTls {
  readonly type: 'syslog';
  readonly address: SyslogAddress;
}

export interface OtlpOptions {
  readonly protocol: 'protobuf' | 'json';
  readonly compression: 'gzip' | 'off';
}

export interface OtlpSink extends AnySink, SinkTls, OtlpOptions {
  readonly type: 'otlp';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface KafkaSink extends AnySink, SinkTls {
  readonly type: 'kafka';
  /** Those asked first for the others. */
  readonly brokers: readonly HostPort[];
  /** False for connections in the clear. */
  readonly isTls: boolean;
  readonly topic: string;
  readonly compression: OtlpOptions['compression'];
}

export type SinkOptions = FileSink | HttpSink | SyslogSink | OtlpSink | KafkaSink;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface SyslogAddress extends HostPort {
  readonly transport: 'udp' | 'tcp' | 'tls';
}

/** The own certificate, shown to receivers that ask for one. PEM; the key is secret. */
export interface ClientIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}
