// Whether other readers see in given octets what Postern sees in them.

import assert from 'node:assert/strict';
import type { RequestHead, ResponseHead } from '../../../src/wire/http1-message.ts';
import { octets, readRequests, readResponses, type WireEvent } from '../../wire/recorded-events.ts';
import { NodeRequestReader, readAnswerByNode } from './node-reader.ts';
import type { Reading, ReadMessage } from './read-message.ts';
import { readAnswerByScript, readRequestsByScript, scriptReaderMethods } from './script-reader.ts';

const nodeReader = new NodeRequestReader();

/** The complete messages among what our own reader reported. */
export function messagesOf<Head extends RequestHead | ResponseHead>(events: readonly WireEvent<Head>[]): ReadMessage[] {
  const messages: ReadMessage[] = [];
  let head: Head | null = null;
  let body = '';
  for (const event of events) {
    if (event.kind === 'head') [head, body] = [event.head, ''];
    else if (event.kind === 'body') body += event.text;
    else if (event.kind === 'end' && head !== null) {
      const { names, values } = head.fields;
      const fields = names.map((name, at) => `${name}: ${values[at]}`);
      messages.push({ start: startOf(head), fields, body, trailers: event.trailers ?? [] });
    }
  }
  return messages;
}

function startOf(head: RequestHead | ResponseHead): string {
  return 'status' in head ? String(head.status) : `${head.method} ${head.rawPath}${head.query}`;
}

/** `POST` for a method that no reader lists; whether they know it says nothing about how they read. */
export function withKnownMethod(text: string): string {
  const method = text.slice(0, text.indexOf(' '));
  return scriptReaderMethods.includes(method) ? text : `POST${text.slice(method.length)}`;
}

/** Requests as Postern writes them: both others must read them, each exactly as we do. */
export async function assertRequestsReadAlike(text: string): Promise<void> {
  const bytes = octets(text);
  const ours = messagesOf(readRequests([bytes], { end: true }));
  assertSame('http-parser-js', readRequestsByScript(bytes), ours);
  assertSame('node:http', await nodeReader.read(bytes), ours);
}

/** An answer as Postern writes it. */
export async function assertAnswerReadsAlike(text: string, method: string): Promise<void> {
  const bytes = octets(text);
  const ours = messagesOf(readResponses([bytes], { methods: [method], end: true }));
  assertSame('http-parser-js', readAnswerByScript(bytes, method), ours);
  assertSame('node:http', await readAnswerByNode(bytes, method), ours);
}

/** Requests as a peer sent them and we took them: who does not refuse them may not see other ones. */
export async function assertRequestsNotReadOtherwise(text: string, ours: readonly ReadMessage[]): Promise<void> {
  // Both hand the connection over at any upgrade; a workload sees none of these, as Postern does not pass them on.
  if (ours.some(({ fields }) => fields.some((line) => /^upgrade:/i.test(line)))) return;
  const bytes = octets(text);
  assertNoOther('http-parser-js', readRequestsByScript(bytes), ours);
  assertNoOther('node:http', await nodeReader.read(bytes), ours);
}

function assertSame(reader: string, reading: Reading, ours: readonly ReadMessage[]): void {
  assert.equal(reading.refusal, null, `${reader} refuses what Postern writes`);
  assert.deepEqual(reading.messages, ours, `${reader} reads what Postern writes otherwise`);
}

/** Fields are left out: of the raw ones, those that Connection names are dropped as they are parsed. */
function assertNoOther(reader: string, reading: Reading, ours: readonly ReadMessage[]): void {
  if (reading.refusal !== null) return;
  const outline = ({ start, body, trailers }: ReadMessage): unknown => ({ start: originForm(start), body, trailers });
  assert.deepEqual(reading.messages.map(outline), ours.map(outline), `${reader} reads what Postern takes otherwise`);
}

/** The others leave an absolute-form target as it is (RFC 9112 §3.2.2). */
function originForm(start: string): string {
  return start.replace(/ https?:\/\/[^/?]*(?=(.?))/i, (_, next: string) => (next === '/' ? ' ' : ' /'));
}
