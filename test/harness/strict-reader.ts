// A reader of HTTP/1.1 that knows one spelling of everything and throws at the first octet that is not in it. It shares
// no code with the product: what it accepts has one reading.

import assert from 'node:assert/strict';

export interface ReadMessage {
  readonly startLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** False for the last message of a connection that broke off within it. */
  readonly isWhole: boolean;
}

const fieldLine =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)$/;
const requestLine = /^[A-Z][A-Z0-9_-]* (?:\/[\x21\x22\x24-\x7e]*|\*) HTTP\/1\.1$/;
const statusLine = /^HTTP\/1\.1 [1-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/;

const framingNames: readonly string[] = ['content-length', 'transfer-encoding'];

interface Body {
  readonly text: string;
  readonly trailers: ReadMessage['trailers'];
  readonly isWhole: boolean;
  readonly end: number;
}

/** The requests in what a workload received on one connection. */
export function readRequests(bytes: string): ReadMessage[] {
  const messages: ReadMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = readHead(bytes, at, requestLine);
    if (head === null) {
      messages.push(unfinished(bytes.slice(at)));
      break;
    }
    checkFields(head.fields);
    assert.equal(valuesOf(head, 'host').length, 1, 'a request has one Host');
    assert.equal(head.fields[0]?.[0], 'Host', 'Host is the first line');
    checkPath(head.startLine.split(' ')[1]!);
    const body = readBody(bytes, head, 'nothing');
    messages.push({ ...head, body: body.text, trailers: body.trailers, isWhole: body.isWhole });
    at = body.end;
  }
  return messages;
}

/** The answers in what a caller received; `methods` are those of its requests in order. */
export function readAnswers(bytes: string, methods: readonly string[], isClosed: boolean): ReadMessage[] {
  const messages: ReadMessage[] = [];
  let answered = 0;
  for (let at = 0; at < bytes.length; ) {
    const head = readHead(bytes, at, statusLine);
    if (head === null) {
      messages.push(unfinished(bytes.slice(at)));
      break;
    }
    checkFields(head.fields);
    const status = Number(head.startLine.slice(9, 12));
    const isBodiless = status < 200 || status === 204 || status === 304 || methods[answered] === 'HEAD';
    if (status >= 200) answered++;
    const body = isBodiless
      ? { text: '', trailers: [], isWhole: true, end: head.end }
      : readBody(bytes, head, isClosed ? 'closed' : 'open');
    messages.push({ ...head, body: body.text, trailers: body.trailers, isWhole: body.isWhole });
    at = body.end;
  }
  return messages;
}

/** The values of a field by its lower-case name. */
export function valuesOf(message: Pick<ReadMessage, 'fields'>, key: string): string[] {
  return message.fields.filter(([name]) => name.toLowerCase() === key).map(([, value]) => value);
}

/** A message as the tables write it: start line, fields, an empty line, the content; then the trailers, if any. */
export function shownMessage(message: ReadMessage, isLeftOut: (key: string) => boolean): string {
  const lines = message.fields.filter(([name]) => !isLeftOut(name.toLowerCase())).map(shownField);
  const trailers = message.trailers.length === 0 ? '' : `\n\n${message.trailers.map(shownField).join('\n')}`;
  return `${[message.startLine, ...lines].join('\n')}\n\n${message.body}${trailers}`;
}

function shownField([name, value]: readonly [string, string]): string {
  return `${name}: ${value}`;
}

function unfinished(rest: string): ReadMessage {
  return { startLine: rest, fields: [], body: '', trailers: [], isWhole: false };
}

function readHead(bytes: string, from: number, startLine: RegExp) {
  const end = bytes.indexOf('\r\n\r\n', from);
  if (end < 0) return null;
  const [first, ...lines] = bytes.slice(from, end).split('\r\n');
  assert.match(first!, startLine);
  return { startLine: first!, fields: lines.map(readField), end: end + 4 };
}

function readField(line: string): readonly [string, string] {
  const parts = fieldLine.exec(line);
  assert.ok(parts, `not a field line in its one spelling: ${JSON.stringify(line)}`);
  return [parts[1]!, parts[2]!];
}

/** No second way to frame, in any spelling that some reader takes for the same name. */
function checkFields(fields: ReadMessage['fields']): void {
  const folded = fields.map(([name]) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-'));
  const framing = folded.filter((name) => framingNames.includes(name));
  assert.ok(framing.length <= 1, `one field frames a message, not ${framing.join(' and ')}`);
  for (const [at, name] of folded.entries()) {
    if (framing.includes(name)) assert.equal(fields[at]![0].toLowerCase(), name, 'no twin of a framing field');
  }
}

function checkPath(target: string): void {
  const path = target.split('?', 1)[0]!;
  assert.doesNotMatch(path, /\/\/|\\|\/\.{1,2}(?:\/|$)|\/\.{0,2}(?:;|%3B)/i, 'a path in canonical form');
  assert.doesNotMatch(path, /%(?![0-9A-F]{2})|%(?:2F|5C|[01][0-9A-F]|7F|2[DE]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E)/);
}

function readBody(
  bytes: string,
  head: { readonly fields: ReadMessage['fields']; readonly end: number },
  without: string,
): Body {
  const [length] = valuesOf(head, 'content-length');
  const [coding] = valuesOf(head, 'transfer-encoding');
  if (coding !== undefined) {
    assert.equal(coding, 'chunked');
    return readChunks(bytes, head.end);
  }
  if (length !== undefined) {
    assert.match(length, /^(?:0|[1-9][0-9]{0,14})$/);
    const end = head.end + Number(length);
    const isWhole = bytes.length >= end;
    return { text: bytes.slice(head.end, end), trailers: [], isWhole, end: isWhole ? end : bytes.length };
  }
  if (without === 'nothing') return { text: '', trailers: [], isWhole: true, end: head.end };
  return { text: bytes.slice(head.end), trailers: [], isWhole: without === 'closed', end: bytes.length };
}

function readChunks(bytes: string, from: number): Body {
  let text = '';
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return { text, trailers: [], isWhole: false, end: bytes.length };
    const size = bytes.slice(at, lineEnd);
    assert.match(size, /^(?:0|[1-9a-f][0-9a-f]*)$/, 'a chunk line is a number and nothing else');
    if (size === '0') return readTrailers(bytes, lineEnd + 2, text);
    const dataEnd = lineEnd + 2 + Number.parseInt(size, 16);
    text += bytes.slice(lineEnd + 2, dataEnd);
    if (bytes.length < dataEnd + 2) return { text, trailers: [], isWhole: false, end: bytes.length };
    assert.equal(bytes.slice(dataEnd, dataEnd + 2), '\r\n', 'CRLF after the data of a chunk');
    at = dataEnd + 2;
  }
}

function readTrailers(bytes: string, from: number, text: string): Body {
  if (bytes.startsWith('\r\n', from)) return { text, trailers: [], isWhole: true, end: from + 2 };
  const end = bytes.indexOf('\r\n\r\n', from);
  if (end < 0) return { text, trailers: [], isWhole: false, end: bytes.length };
  const trailers = bytes.slice(from, end).split('\r\n').map(readField);
  return { text, trailers, isWhole: true, end: end + 4 };
}
