// A receiver of records as a process of its own, so that it can be killed: `torture-receiver.ts KIND PORT FILE`. It appends each record to FILE
// before it says that it has it, and takes a word on its standard input as its mood.

import { openSync, writeSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { partialSuccess, requestOfProtobuf } from '../audit/otlp-collector.ts';
import { type Mood, moods } from './torture/moods.ts';

const [kind, port, file] = process.argv.slice(2);
const fd = openSync(file!, 'a');
let mood: Mood = 'good';

createInterface({ input: process.stdin }).on('line', (line) => {
  mood = moods.find((one) => one === line) ?? mood;
});
// Its owner is gone.
process.stdin.on('end', () => process.exit(0));

interface Numbered {
  readonly type?: string;
  readonly seq?: number;
}

async function keep(line: string): Promise<void> {
  if (mood === 'slow') await pause(1_000);
  writeSync(fd, `${line}\n`);
}

/** By its number, so that the same record is refused each time while the mood lasts. */
function isRefused(line: string): boolean {
  const { type, seq = 0 } = JSON.parse(line) as Numbered;
  return mood === 'picky' && type !== 'gap' && seq % 9 === 0;
}

async function takeBulk(body: Buffer, answer: http.ServerResponse): Promise<void> {
  if (mood === 'silent') return;
  if (mood === 'breaking') return void answer.socket?.resetAndDestroy();
  if (mood === 'busy') return void answer.writeHead(503, { 'retry-after': '1' }).end();
  if (mood === 'failing') return void answer.writeHead(500).end();
  if (kind === 'otlp') return takeOtlp(body, answer);
  const lines = body
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const records = kind === 'elastic' ? lines.filter((_, at) => at % 2 === 1) : lines;
  if (kind !== 'elastic' && records.some(isRefused)) return void answer.writeHead(400).end();
  const items: unknown[] = [];
  for (const record of records) {
    const isTaken = !isRefused(record);
    if (isTaken) await keep(record);
    items.push({ create: { status: isTaken ? 201 : 400 } });
  }
  answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: false, items }));
}

/** By the official definitions; what it rejects it does not name, as collectors do. */
async function takeOtlp(body: Buffer, answer: http.ServerResponse): Promise<void> {
  const { resourceLogs } = requestOfProtobuf(gunzipSync(body));
  const logs = resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
  let rejected = 0;
  for (const log of logs) {
    const line = lineOf(log as unknown as LogRecord);
    if (isRefused(line)) rejected++;
    else await keep(line);
  }
  const { headers, body: said } = partialSuccess(rejected, '', 'protobuf');
  answer.writeHead(200, headers).end(said);
}

interface LogRecord {
  readonly eventName: string;
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly stringValue?: string; readonly intValue?: string };
  }[];
}

/** What of a log record says which record it is. */
function lineOf({ eventName, attributes }: LogRecord): string {
  const values = new Map(attributes.map(({ key, value }) => [key.replace('postern.', ''), value]));
  const text = (name: string): string | undefined => values.get(name)?.stringValue;
  const number = (name: string): number => Number(values.get(name)?.intValue);
  const of_stream = text('gap.of_stream');
  const gap = { from_seq: number('gap.from_seq'), to_seq: number('gap.to_seq'), cause: text('gap.cause'), of_stream };
  const place = { stream_id: text('stream_id'), seq: number('seq'), decision_id: text('decision_id') };
  const type = eventName.replace('authz.', '');
  return JSON.stringify({ type, ...place, ...(type === 'gap' ? { gap } : {}) });
}

function serveBulk(): void {
  const server = http.createServer((request, answer) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => void pieces.push(piece));
    request.on('error', () => {});
    request.on('end', () => void takeBulk(Buffer.concat(pieces), answer));
  });
  server.listen(Number(port), '127.0.0.1');
}

/** Octet counting (RFC 6587 §3.4.1): `LENGTH SP MESSAGE`, of which the record begins at the first brace. */
async function takeSyslog(socket: net.Socket): Promise<void> {
  let held = Buffer.alloc(0);
  for await (const piece of socket) {
    held = Buffer.concat([held, piece as Buffer]);
    for (let message = nextOf(held); message !== null; message = nextOf(held)) {
      held = held.subarray(message.end);
      while (mood === 'silent') await pause(50);
      if (mood === 'breaking') return void socket.resetAndDestroy();
      const text = message.text.toString();
      await keep(text.slice(text.indexOf('{')));
    }
  }
  socket.end();
}

function nextOf(held: Buffer): { readonly text: Buffer; readonly end: number } | null {
  const space = held.indexOf(' ');
  const length = space === -1 ? Number.NaN : Number(held.toString('latin1', 0, space));
  const end = space + 1 + length;
  return held.length >= end ? { text: held.subarray(space + 1, end), end } : null;
}

function serveSyslog(): void {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    void takeSyslog(socket).catch(() => socket.destroy());
  });
  server.listen(Number(port), '127.0.0.1');
}

if (kind === 'syslog') serveSyslog();
else serveBulk();
