// `http-parser-js`: a reader written in JavaScript by other hands, by other means (lines and regular expressions) and in
// another spirit (it forgives much). Whatever Postern lets through must read the same even to it.

import { HTTPParser } from 'http-parser-js';
import { linesOf, type Reading, type ReadMessage } from './read-message.ts';

/** Methods it knows. */
export const scriptReaderMethods: readonly string[] = HTTPParser.methods;

/** All requests of one connection. */
export function readRequestsByScript(bytes: Buffer): Reading {
  return read(bytes, HTTPParser.REQUEST, (info) => ({
    start: `${HTTPParser.methods[info.method]} ${info.url}`,
    hasNoBody: false,
  }));
}

/** The final answer to `method`. */
export function readAnswerByScript(bytes: Buffer, method: string): Reading {
  const reading = read(bytes, HTTPParser.RESPONSE, ({ statusCode }) => ({
    start: String(statusCode),
    // It leaves this rule of RFC 9112 §6.3 to its caller.
    hasNoBody: method === 'HEAD' || statusCode < 200 || statusCode === 204 || statusCode === 304,
  }));
  return { ...reading, messages: reading.messages.filter(({ start }) => Number(start) >= 200) };
}

interface HeadInfo {
  readonly method: number;
  readonly url: string;
  readonly statusCode: number;
  readonly headers: readonly string[];
}

type ReadHead = (info: HeadInfo) => { readonly start: string; readonly hasNoBody: boolean };

function read(
  bytes: Buffer,
  type: typeof HTTPParser.REQUEST | typeof HTTPParser.RESPONSE,
  readHead: ReadHead,
): Reading {
  const messages: ReadMessage[] = [];
  let [start, body] = ['', ''];
  let fields: string[] = [];
  let trailers: string[] = [];
  HTTPParser.encoding = 'latin1';
  const parser = new HTTPParser(type);
  parser.maxHeaderSize = 1024 * 1024;
  parser[HTTPParser.kOnHeadersComplete] = (info) => {
    const head = readHead(info);
    ({ start } = head);
    [fields, body, trailers] = [linesOf(info.headers), '', []];
    return head.hasNoBody ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (piece, from, length) => {
    body += piece.toString('latin1', from, from + length);
  };
  parser[HTTPParser.kOnHeaders] = (lines) => {
    trailers = linesOf(lines);
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    messages.push({ start, fields, body, trailers });
  };
  const outcome = parser.execute(bytes) as unknown;
  const ended = outcome instanceof Error ? outcome : (parser.finish() as unknown);
  return { messages, refusal: ended instanceof Error ? ended.message : null };
}
