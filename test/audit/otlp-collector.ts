// A receiver of OTLP/HTTP that reads requests by the official definitions of OpenTelemetry, driven by Buf's runtime, and
// misbehaves as it is told.

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { type DescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

type Members = Readonly<Record<string, unknown>>;

/** A request as the definitions have it. */
export interface ExportRequest {
  readonly resourceLogs: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly Members[] }[] }[];
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const descriptors = JSON.parse(readFileSync(join(import.meta.dirname, 'schemas/otlp-descriptors.json'), 'utf8')) as {
  files: readonly string[];
};
const file = descriptors.files.map((text) => fromBinary(FileDescriptorProtoSchema, Buffer.from(text, 'base64')));
for (const { messageType } of file) messageType.forEach(nameForJson);
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
const service = 'opentelemetry.proto.collector.logs.v1.ExportLogsService';

/** The compiler leaves out names that follow from the others. */
function nameForJson({ field, nestedType }: DescriptorProto): void {
  for (const one of field) one.jsonName = one.name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  nestedType.forEach(nameForJson);
}

function messageType(name: string): DescMessage {
  const type = registry.getMessage(`${service}${name}`);
  if (type === undefined) throw new Error(`no ${name}`);
  return type;
}

/** A request in the JSON of OTLP, which has ids in hex, as the definitions have it; throws where it is none. */
export function requestOfJson(text: string): ExportRequest {
  const value = JSON.parse(text, (key, member: unknown) =>
    key === 'traceId' || key === 'spanId' ? Buffer.from(String(member), 'hex').toString('base64') : member,
  ) as JsonValue;
  return asJson(fromJson(messageType('Request'), value));
}

/** The same of protobuf. */
export function requestOfProtobuf(bytes: Uint8Array): ExportRequest {
  return asJson(fromBinary(messageType('Request'), bytes));
}

function asJson(message: ReturnType<typeof fromBinary>): ExportRequest {
  return toJson(messageType('Request'), message, { enumAsInteger: true }) as unknown as ExportRequest;
}

/** An answer that rejects so many. */
export function partialSuccess(rejectedLogRecords: number, errorMessage: string, form: 'protobuf' | 'json'): Answer {
  const value = { partialSuccess: { rejectedLogRecords: String(rejectedLogRecords), errorMessage } };
  if (form === 'json') {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
  }
  const body = toBinary(messageType('Response'), fromJson(messageType('Response'), value));
  return { status: 200, headers: { 'content-type': 'application/x-protobuf' }, body };
}

export class OtlpCollector {
  readonly taken: Members[] = [];
  readonly requests: ExportRequest[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  readonly url: string;
  /** Asked for an answer after a request was read; null where all of it is taken. */
  mood: (count: number) => Answer | null = () => null;

  private constructor(url: string) {
    this.url = url;
  }

  static async start(t: TestContext): Promise<OtlpCollector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const collector = new OtlpCollector(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/logs`);
    server.on('request', (request, response) => void collector.#serve(request, response));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return collector;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const sent = Buffer.concat(pieces);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const isJson = request.headers['content-type'] === 'application/json';
    const read = isJson ? requestOfJson(bytes.toString('utf8')) : requestOfProtobuf(bytes);
    this.requests.push(read);
    this.headers.push(request.headers);
    const records = read.resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
    const answer = this.mood(records.length);
    if (answer === null || answer.status < 300) this.taken.push(...records);
    const { status, headers = {}, body = '' } = answer ?? { status: 200 };
    response.writeHead(status, headers).end(body);
  }
}
